"""The command as a process: signals, pipes, a reader that stops early, a full standard output."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

COMMAND = [sys.executable, "-m", "espnet2_decodec"]


@pytest.fixture
def start(model, tmp_path):
    """Function that starts the command with the tiny model."""

    def call(*arguments, **options):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([*COMMAND, *map(str, arguments)], env=environment, **options)

    return call


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_no_incomplete_file(start, model, tmp_path, number):
    soundfile.write(tmp_path / "long.wav", 0.1 * np.random.default_rng(0).normal(size=16000 * 1800), 16000)
    process = start("separate", "long.wav", "-o", "out", "--model", model, "--device", "cpu", "-q")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((tmp_path / "out").glob(".*")):
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number and list((tmp_path / "out").iterdir()) == []
    lines = errors.decode().split("\n")
    assert "Traceback" not in errors.decode()
    assert f"stopped by {number.name}" in lines[-2] and "same command again with --skip-existing" in lines[-2]


def test_a_pipeline_of_two_commands(start, model, make_wav, tmp_path):
    wav = make_wav("a.wav", 5001)
    options = ("--model", model, "--device", "cpu")
    with open(wav, "rb") as file:
        encode = start("encode", "-", "-o", "-", *options, stdin=file)
    decode = start("decode", "/dev/stdin", "-o", "-", *options, stdin=encode.stdout)
    encode.stdout.close()
    output, errors = decode.communicate(timeout=100)
    assert (encode.wait(), decode.returncode) == (0, 0), errors
    (tmp_path / "x.wav").write_bytes(output)
    samples, rate = soundfile.read(tmp_path / "x.wav")
    assert (len(samples), rate) == (5001, 16000)


def test_a_reader_that_stops_early(start):
    process = start("--help", stdout=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(timeout=60) == 0
    process = start("info")
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(timeout=60) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_an_error(start, model):
    with open("/dev/full", "wb") as full:
        process = start("info", model, stdout=full)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and errors.decode().count("\n") == 1 and "No space left on device" in errors.decode()
