"""decodec convert against the Python call."""

import pytest
import soundfile
import torch

from espnet2_decodec.conversion import convert
from espnet2_decodec.io import audio
from espnet2_decodec.types import Codes


def samples(path):
    """Samples of a written file."""
    return torch.from_numpy(soundfile.read(path, dtype="float32")[0])


@pytest.fixture
def files(codec, make_wav):
    """Two recordings and their codes."""
    paths = make_wav("source.wav", 20001), make_wav("reference.wav", 9000)
    return paths, [codec.encode(audio.read(path, 16000)[None]) for path in paths]


def test_backgrounds(run, codec, files, tmp_path):
    (source, reference), codes = files
    converted = convert(codec, *codes, "matched")
    looped = codes[1].background[..., torch.arange(converted.speech.shape[2]) % codes[1].background.shape[2]]
    replaced = Codes(converted.speech, looped, converted.lengths, 16000)
    run("encode", reference, "-o", tmp_path / "reference.dcd")
    for options, expected in (
        ([], codec.decode(converted, background=False)),
        (["--background", "keep"], codec.decode(converted)),
        (["--background", reference], codec.decode(replaced)),
        (["--background", tmp_path / "reference.dcd"], codec.decode(replaced)),
    ):
        assert run("convert", source, reference, "-o", tmp_path / "out.wav", "--force", *options)[0] == 0
        assert torch.allclose(samples(tmp_path / "out.wav"), expected[0].clamp(-1, 1), atol=1e-3)
    assert run("convert", source, tmp_path / "reference.dcd", "-o", tmp_path / "b.wav")[0] == 0
    assert torch.allclose(samples(tmp_path / "b.wav"), codec.decode(converted, background=False)[0].clamp(-1, 1), atol=1e-3)


def test_the_papers_exchange(run, codec, files, tmp_path):
    (source, reference), codes = files
    assert run("convert", source, reference, "-o", tmp_path / "out.wav", "--method", "levels")[0] == 0
    expected = codec.decode(convert(codec, *codes, "levels"), background=False)[0]
    assert torch.allclose(samples(tmp_path / "out.wav"), expected.clamp(-1, 1), atol=1e-3)


def test_bad_input_is_one_line(run, files, tmp_path):
    (source, reference), _ = files
    (tmp_path / "there.wav").touch()
    for arguments, words in (
        ([source, reference, "-o", tmp_path / "there.wav"], "--force"),
        ([source, tmp_path / "nowhere.wav", "-o", tmp_path / "x.wav"], "does not exist"),
        ([tmp_path / "nowhere.wav", reference, "-o", tmp_path / "x.wav"], "does not exist"),
        ([source, reference, "-o", tmp_path / "x.wav", "--method", "shift"], "no parametric levels"),
        ([source, reference, "-o", tmp_path / "x.wav", "--background", tmp_path / "no.wav"], "does not exist"),
    ):
        code, _, lines = run("convert", *arguments)
        assert code == 1 and len(lines) == 1 and words in lines[0], lines
        assert not (tmp_path / "x.wav").exists()
