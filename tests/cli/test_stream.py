"""decodec stream: 20 ms at a time give the same as the whole, and what is known is written at once."""

import io
from types import SimpleNamespace

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
