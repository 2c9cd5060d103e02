"""decodec stream: 20 ms at a time give the same as the whole, and what is known is written at once."""

import io
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import main
from espnet2_decodec.codec.config import TINY


@pytest.fixture(scope="module")
def causal(tmp_path_factory):
    """The folder of a tiny causal codec."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("causal")
    DeCodec.from_config({**TINY, "backbone": {**TINY["backbone"], "causal": True}}).save_pretrained(folder)
    return folder


@pytest.fixture
def stream(causal, monkeypatch, capsysbinary):
    """A function that streams bytes through the command -> (exit code, standard output, lines of standard error)."""

    def call(content, *arguments, read=None):
        source = io.BytesIO(content)
        source = source if read is None else SimpleNamespace(read=read(source))
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=source, isatty=lambda: False))
        code = main(["stream", "--model", str(causal), "--device", "cpu", *map(str, arguments)])
        output = capsysbinary.readouterr()
        return code, output.out, output.err.decode().splitlines()

    return call


def pcm(samples: int) -> np.ndarray:
    return (np.random.default_rng(0).normal(size=samples) * 3000).astype("<i2")


@pytest.mark.parametrize("only", [None, "speech", "background"])
def test_samples_are_those_of_the_whole(stream, causal, only):
    wav = pcm(5000)
    code, out, err = stream(wav.tobytes(), *(["--only", only] if only else []))
    codec = DeCodec.from_pretrained(causal)
    codes = codec.encode(torch.from_numpy(wav.astype(np.float32) / 32768)[None])
    expected = codec.decode(codes, only != "background", only != "speech")[0]
    found = np.frombuffer(out, "<i2").astype(np.float32) / 32768
    assert code == 0 and len(found) == 5000 and "causal" in err[0]
    assert np.abs(found - expected.clamp(-1, 1).numpy()).max() < 1e-4


@pytest.mark.parametrize("only", ["speech", "background"])
def test_a_stem_without_quantization_is_that_of_the_whole(stream, causal, only):
    wav = pcm(5000)
    code, out, _ = stream(wav.tobytes(), "--only", only, "--no-quantize", "-q")
    whole = DeCodec.from_pretrained(causal).separate(
        torch.from_numpy(wav.astype(np.float32) / 32768)[None], quantize=False
    )
    expected = (whole.speech if only == "speech" else whole.background)[0].clamp(-1, 1).numpy()
    assert code == 0 and np.abs(np.frombuffer(out, "<i2") / 32768 - expected).max() < 1e-4


class RecordingStream:
    """Stands in for a stream of sounddevice: 5 frames of samples, then Ctrl-C."""

    opened: ClassVar[list] = []

    def __init__(self, *args, **options):
        if options["device"] == "none":
            raise OSError("Error querying device -1")
        self.opened.append((args, options))
        self.samples = io.BytesIO(pcm(5 * 320).tobytes())

    def start(self):
        self.started = True

    def read(self, frames):
        samples = self.samples.read(2 * frames)
        if not (self.started and samples):
            raise KeyboardInterrupt
        return memoryview(samples), False

    def close(self):
        self.started = False


@pytest.fixture
def sounddevice(monkeypatch):
    """A module that stands in for sounddevice."""
    module = ModuleType("sounddevice")
    module.RawInputStream = RecordingStream
    module.__spec__ = ModuleSpec("sounddevice", None)
    monkeypatch.setitem(sys.modules, "sounddevice", module)


@pytest.mark.parametrize(("words", "device"), [([], None), (["3"], 3), (["USB"], "USB")])
def test_microphone(stream, sounddevice, words, device):
    code, out, _ = stream(b"", "-q", "--microphone", *words)
    args, options = RecordingStream.opened[-1]
    assert code == 0 and args == (16000,) and options == {"channels": 1, "dtype": "int16", "device": device}
    assert out == stream(pcm(5 * 320).tobytes(), "-q")[1] and len(out) == 2 * 5 * 320


def test_no_microphone(stream, sounddevice, tmp_path):
    code, _, err = stream(b"", "-q", "-o", tmp_path / "out.raw", "--microphone", "none")
    assert (code, err) == (1, ["decodec: error: The microphone 'none' cannot be opened: Error querying device -1."])
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(stream, monkeypatch):
    monkeypatch.setattr("espnet2_decodec.extras.find_spec", lambda name: None)
    code, _, err = stream(b"", "-q", "--microphone")
    assert code == 1 and "needs sounddevice: pip install 'espnet2_decodec[microphone]'" in err[0]


def test_tokens(stream, causal, tmp_path):
    wav = pcm(5000)
    code, out, _ = stream(wav.tobytes(), "--tokens", "--background-levels", 1, "-o", tmp_path / "tokens.txt", "-q")
    codec = DeCodec.from_pretrained(causal)
    codes = codec.encode(torch.from_numpy(wav.astype(np.float32) / 32768)[None], background_levels=1)
    lines = [line.split("\t") for line in (tmp_path / "tokens.txt").read_text().splitlines()]
    assert code == 0 and not out
    assert [[int(word) for word in line[0].split()] for line in lines] == codes.speech[0].T.tolist()
    assert [[int(word) for word in line[1].split()] for line in lines] == codes.background[0].T.tolist()


def test_output_comes_before_the_input_ends(stream, capsysbinary):
    """With each frame of the input, a frame that is older by the latency is written."""
    written = []

    def read(source):
        def frame(size):
            written.append(len(capsysbinary.readouterr().out))
            return source.read(size)

        return frame

    assert stream(pcm(320 * 20).tobytes(), "-q", read=read)[0] == 0
    assert sum(written) >= 2 * 320 * 12 and written[-2] > 0


@pytest.mark.parametrize(("content", "message"), [(b"", "has no samples"), (b"abc", "ends within a sample, after 3")])
def test_wrong_input(stream, tmp_path, content, message):
    code, out, err = stream(content, "-o", tmp_path / "out.raw", "-q")
    assert code == 1 and len(err) == 1 and message in err[0] and not list(tmp_path.iterdir())
    code, _, err = stream(b"", tmp_path / "nothing.raw", "-q")
    assert code == 1 and "nothing.raw: No such file" in err[0]
    assert stream(b"", "--no-quantize")[2] == [
        "decodec: error: --no-quantize needs --only speech or --only background."
    ]
    assert stream(b"", "a.raw", "--microphone")[2] == ["decodec: error: Give either --microphone or a.raw."]


@pytest.mark.parametrize("magic", [b"RIFF", b"fLaC", b"OggS"])
def test_files_with_a_header_are_refused(stream, magic):
    """Their header and coded samples would be taken for sound."""
    code, out, err = stream(magic + bytes(5000))
    assert code == 1 and out == b"" and "audio file with a header, not raw samples" in err[-1]


@pytest.mark.parametrize("name", ["out.wav", "out.FLAC", "out.dcd"])
def test_raw_output_is_not_named_as_another_format(stream, tmp_path, name):
    code, _, err = stream(pcm(640).tobytes(), "-o", tmp_path / name)
    assert code == 1 and len(err) == 1 and "would have no header" in err[0] and not (tmp_path / name).exists()
