"""Wrong input and options of the plain training loop end it with one line and status 1."""

import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.program import run_program
from espnet2_decodec.training import __main__ as training

SETTINGS = ["trainer_conf.steps=0", "codec_conf.teacher=logmel"]


@pytest.fixture
def corpus(tmp_path):
    """Four folders of one recording each."""
    for name in ("speech_train", "background_train", "speech_dev", "background_dev"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        soundfile.write(folder / "a.wav", 0.1 * np.random.default_rng(0).standard_normal(4000), 16000)
        (folder / "wav.scp").write_text(f"a {folder}/a.wav\n")
        (folder / "utt2spk").write_text("a a\n")
    return tmp_path / "data"


@pytest.fixture
def refused(tmp_path, monkeypatch, capfd):
    """Function that starts a training, and returns the only line that it prints on stderr."""
    monkeypatch.setattr(training, "stop_on_signals", lambda: None)

    def refuse(*arguments, status=1):
        with pytest.raises(SystemExit) as left:
            run_program(
                partial(training.main, ["--out", str(tmp_path / "out"), "--device", "cpu", *map(str, arguments)])
            )
        assert left.value.code == status
        lines = [line for line in capfd.readouterr().err.splitlines() if "semantic teacher" not in line]
        assert len(lines) == 1, lines
        return lines[0]

    return refuse


@pytest.mark.parametrize(
    "setting, message",
    [
        ("trainer_conf.stepz=3", "trainer_conf has no option 'stepz'. Did you mean steps?"),
        (
            "trainer_cof.steps=3",
            "no option trainer_cof.steps; use ESPnet, or leave it out. Did you mean trainer_conf.steps?",
        ),
        ("trainer_cof={}", "no option trainer_cof; use ESPnet, or leave it out. Did you mean trainer_conf?"),
        ("trainer_conf=3", "trainer_conf must be a section with lines KEY: VALUE, not 3"),
        ("trainer_conf.lr=fast", "lr must be a finite number, not 'fast'"),
        ("trainer_conf.lr=.nan", "not a finite number"),
        ("optim_conf.lr=-1e-3", "lr must be above 0, not -0.001"),
        ("batch_size=0", "batch_size must be at least 1, not 0"),
        ("batch_size=2.5", "batch_size must be an integer, not 2.5"),
        ("batch_size=true", "batch_size must be an integer, not True"),
        ("trainer_conf.warmup_steps=0", "warmup_steps must be at least 1"),
        ("trainer_conf.segment_length=1", "segment_length at least"),
        ("trainer_conf.speed_range=[1.2, 0.8]", "speed_range must be a range of 2 numbers, the lower one first"),
        ("trainer_conf.precision=fp64", "Unknown precision 'fp64'; there are fp32 and bf16"),
        ("mixing_conf.snrs=[0, 1e1]", "mixing_conf has no option 'snrs'. Did you mean snr?"),
        ("mixing_conf.snr=[5, -5]", "snr must be a range of 2 numbers"),
        ("mixing_conf.clip_prob=2", "clip_prob is a probability within 0..1, not 2"),
        ("codec_conf.codecs={}", "codec_conf has no option 'codecs'. Did you mean codec?"),
        ("codec_conf.codec.spilt={}", "spilt"),
        ("codec_conf.schedule.freze=[]", "schedule has no option 'freze'. Did you mean freeze?"),
        ("codec_conf.schedule.unquantized_steps=1e1", "unquantized_steps must be an integer, not 10.0"),
        ("codec_conf.weights.snrr=1", "weights has no option 'snrr'. Did you mean snr?"),
        ("codec_conf.discriminator.window=[2]", "discriminator has no option 'window'. Did you mean windows?"),
        ("codec_conf.teacher=whispr", "There is no teacher 'whispr'"),
        ("num_iters_per_epoch=a", "num_iters_per_epoch must be an integer"),
        ("trainer_conf.steps", "A setting is KEY=VALUE"),
        ("trainer_conf.steps=[1", "trainer_conf.steps=[1"),
    ],
)
def test_options(tmp_path, refused, setting, message):
    more = ["max_epoch=2"] if setting.startswith("num_iters") else []
    assert message in refused("--data", tmp_path / "none", "--set", "codec_conf.teacher=logmel", setting, *more)


def test_arguments(tmp_path, refused, capfd):
    data = ("--data", tmp_path / "none")
    (tmp_path / "list.yaml").write_text("- a\n")
    (tmp_path / "torn.yaml").write_text("a: 1\nb: [1\n")
    assert "none.yaml: No such file" in refused(*data, "--config", tmp_path / "none.yaml")
    assert "list.yaml must hold lines KEY: VALUE" in refused(*data, "--config", tmp_path / "list.yaml")
    assert "torn.yaml, line 3" in refused(*data, "--config", tmp_path / "torn.yaml")
    assert "no-such-codec" in refused(*data, "--init", tmp_path / "no-such-codec")
    assert "argument --device: device 'meta' cannot be used" in refused(*data, "--device", "meta", status=2)
    assert "error: unrecognized arguments: --dat2; did you mean --data; see --help" in refused(
        *data, "--dat2", status=2
    )
    assert "speech_train/wav.scp is not there: prepare the data first" in refused(*data, "--set", *SETTINGS)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("utt2spk", "b b\n", "speech_train/wav.scp, line 1: a has no line in"),
        ("wav.scp", "a x.wav\na y.wav\n", "speech_train/wav.scp, line 2: a occurs twice, first in line 1"),
        ("wav.scp", "a\n", "speech_train/wav.scp, line 1: 'a' is not 'key value'"),
        ("wav.scp", "a none.wav\n", "none.wav"),
        ("wav.scp", "a sox x.wav -t wav - |\n", "line 1: commands such as 'sox x.wav -t wav - |' are not run"),
        ("a.wav", "hello", "a.wav"),
        ("a.wav", "", "a.wav"),
        ("utt2dur", "a long\n", "utt2dur, line 1: 'long' is not a duration in seconds"),
    ],
)
def test_data(corpus, refused, name, content, message):
    (corpus / "speech_train" / name).write_text(content)
    assert message in refused("--data", corpus, "--set", *SETTINGS)


@pytest.mark.parametrize(
    "samples, rate, message",
    [
        (np.zeros(4000), 16000, "speech_train/wav.scp: all recordings are silent"),
        (np.ones(4000) / 2, 8000, "a.wav is not mono at 16000 Hz"),
        (np.ones((4000, 2)) / 2, 16000, "a.wav is not mono at 16000 Hz"),
        (np.zeros(0), 16000, "a.wav"),
    ],
)
def test_recordings(corpus, refused, samples, rate, message):
    soundfile.write(corpus / "speech_train" / "a.wav", samples, rate)
    assert message in refused("--data", corpus, "--set", *SETTINGS)


def test_a_checkpoint_that_is_damaged_or_foreign(corpus, refused, tmp_path):
    path = tmp_path / "out" / "checkpoint.pt"
    path.parent.mkdir()
    run = ("--data", corpus, "--set", *SETTINGS)
    for content, message in ((b"", "it is empty"), (b"PK\3\4 torn", "it is damaged, or not of torch.save")):
        path.write_bytes(content)
        assert f"{path} cannot be resumed: {message}" in refused(*run)
    torch.save({"model": {}}, path)
    assert f"{path} cannot be resumed: it has no objective" in refused(*run)
    torch.save({"objective": {"x": torch.zeros(1)}}, path)
    assert f"{path} cannot be resumed: it is of another model" in refused(*run)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals(number):
    program = (
        "import os, signal, sys, time\n"
        "from espnet2_decodec.program import run_program, stop_on_signals\n"
        f"signal.signal({int(number)}, signal.default_int_handler if {number == signal.SIGINT} else signal.SIG_DFL)\n"
        "stop_on_signals()\n"
        f"run_program(lambda: (os.kill(os.getpid(), {int(number)}), time.sleep(60)), 'Run it again.')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 128 + number
    assert done.stderr == f"Stopped by {number.name}. Run it again.\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_a_callback_is_not_lost(number):
    """Python prints exceptions that are raised in functions that C calls, and goes on."""
    program = (
        "import os, signal, time\n"
        "from espnet2_decodec.program import run_program, stop_on_signals\n"
        "class Callback:\n"
        "    def __del__(self):\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "        time.sleep(0.1)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "stop_on_signals()\n"
        "run_program(lambda: (Callback() and None, time.sleep(60)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 128 + number and done.stderr == f"Stopped by {number.name}.\n"
