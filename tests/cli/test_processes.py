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
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
PATIENCE = 600
"""Seconds until a process counts as one that hangs, on a machine that does much else."""


def default_signals():
    """Undo what a shell sets for programs in the background, and nohup."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path):
    """Function that starts the command; what still runs at the end of the test is killed."""
    processes = []

    def call(*arguments, **options):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [*COMMAND, *map(str, arguments)]
        processes.append(subprocess.Popen(command, env=environment, preexec_fn=default_signals, **options))
        return processes[-1]

    yield call
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def wait_for(condition, process):
    """Wait until a condition holds, while the process runs."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def long_wav(tmp_path_factory):
    """An hour of noise, which takes longer than a test needs to send a signal."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    minute = 0.1 * np.random.default_rng(0).normal(size=16000 * 60)
    with soundfile.SoundFile(path, "w", 16000, 1) as file:
        for _ in range(60):
            file.write(minute)
    yield path
    path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "output", "number"),
    [("separate", "out", number) for number in SIGNALS] + [("encode", "out/x.dcd", signal.SIGTERM)],
)
def test_a_signal_leaves_no_incomplete_file(start, model, long_wav, tmp_path, command, output, number):
    process = start(command, long_wav, "-o", output, "--model", model, "--device", "cpu", "-q")
    wait_for(lambda: list(tmp_path.glob("out/.*.tmp")), process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number and list((tmp_path / "out").iterdir()) == []
    (line,) = errors.decode().strip().split("\n")
    assert f"stopped by {number.name}" in line and "same command again with --skip-existing" in line


def test_a_pipeline_of_two_commands(start, model, make_wav, tmp_path):
    wav = make_wav("a.wav", 5001)
    options = ("--model", model, "--device", "cpu")
    with open(wav, "rb") as file:
        encode = start("encode", "-", "-o", "-", *options, stdin=file)
    decode = start("decode", "/dev/stdin", "-o", "-", *options, stdin=encode.stdout)
    encode.stdout.close()
    output, errors = decode.communicate(timeout=PATIENCE)
    assert (encode.wait(), decode.returncode) == (0, 0), errors
    (tmp_path / "x.wav").write_bytes(output)
    samples, rate = soundfile.read(tmp_path / "x.wav")
    assert (len(samples), rate) == (5001, 16000)


def test_a_reader_that_stops_early(start, model, make_wav, tmp_path):
    """As `head -1` does, and one that reads nothing: no message, and the status of success."""
    wav = make_wav("a.wav", 5001)
    encode = start("encode", wav, "-o", tmp_path / "a.dcd", "--model", model, "--device", "cpu")
    assert encode.wait(timeout=PATIENCE) == 0
    for arguments, lines in ((["--help"], 0), (["info", model], 0), (["info", tmp_path / "a.dcd"], 1)):
        process = start(*arguments)
        assert len([process.stdout.readline() for _ in range(lines)]) == lines
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(timeout=PATIENCE) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_an_error(start, model):
    with open("/dev/full", "wb") as full:
        process = start("info", model, stdout=full)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and errors.decode().count("\n") == 1 and "No space left on device" in errors.decode()
