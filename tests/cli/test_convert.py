"""decodec convert against the Python calls."""

import pytest
import soundfile
import torch

from espnet2_decodec.cli import main
from espnet2_decodec.conversion import convert, convert_codes
from espnet2_decodec.conversion.features import decode_features, extract_features, synthesize
from espnet2_decodec.conversion.shift import shift_voice
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
    converted = convert_codes(codec, *codes, "knn_codes")
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
    assert torch.allclose(
        samples(tmp_path / "b.wav"), codec.decode(converted, background=False)[0].clamp(-1, 1), atol=1e-3
    )


def test_swap_codes(run, codec, files, tmp_path):
    (source, reference), codes = files
    assert run("convert", source, reference, "-o", tmp_path / "out.wav", "--method", "swap_codes")[0] == 0
    expected = codec.decode(convert_codes(codec, *codes, "swap_codes"), background=False)[0]
    assert torch.allclose(samples(tmp_path / "out.wav"), expected.clamp(-1, 1), atol=1e-3)


def test_errors_are_one_line(run, files, tmp_path):
    (source, reference), _ = files
    (tmp_path / "there.wav").touch()
    for arguments, words in (
        ([source, reference, "-o", tmp_path / "there.wav"], "--force"),
        ([source, tmp_path / "nowhere.wav", "-o", tmp_path / "x.wav"], "does not exist"),
        ([tmp_path / "nowhere.wav", reference, "-o", tmp_path / "x.wav"], "does not exist"),
        ([source, reference, "-o", tmp_path / "x.wav", "--method", "knn_shift"], "no parametric levels"),
        ([source, reference, "-o", tmp_path / "x.wav", "--background", tmp_path / "no.wav"], "does not exist"),
    ):
        code, _, lines = run("convert", *arguments)
        assert code == 1 and len(lines) == 1 and words in lines[0], lines
        assert not (tmp_path / "x.wav").exists()


@pytest.fixture(scope="module")
def mdct(tmp_path_factory, vocoder_codec):
    """A small codec with parametric levels, and its folder."""
    folder = tmp_path_factory.mktemp("mdct")
    vocoder_codec.save_pretrained(folder)
    return vocoder_codec, folder


@pytest.fixture
def bare(mdct, make_wav, tmp_path, capsys):
    """Function (source, reference, options) -> samples that convert --no-quantize writes."""

    def call(*arguments):
        given = [
            "convert",
            *map(str, arguments),
            "--no-quantize",
            "--model",
            str(mdct[1]),
            "--device",
            "cpu",
            "--force",
        ]
        assert main([*given, "-o", str(tmp_path / "out.wav")]) == 0, capsys.readouterr().err
        return samples(tmp_path / "out.wav")

    return call


def test_no_quantize(bare, mdct, make_wav):
    """No background, that of the source, and that of a shorter and a longer file: equal to the Python call."""
    codec, _ = mdct
    source, reference, long = (
        make_wav("source.wav", 20001),
        make_wav("reference.wav", 9000),
        make_wav("long.wav", 30000),
    )
    wavs = {path: audio.read(path, 16000) for path in (source, reference, long)}
    for given, background in (("drop", None), ("keep", source), (reference, reference), (long, long)):
        mixed_in = None if background is None else wavs[background][None]
        expected = convert(codec, wavs[source][None], wavs[reference][None], mixed_in)[0]
        found = bare(source, reference, "--background", given)
        assert found.shape == (20001,) and torch.allclose(found, expected.clamp(-1, 1), atol=1e-3)
    kept = convert(codec, wavs[source][None], wavs[reference][None], convert_f0=False)[0]
    assert torch.allclose(bare(source, reference, "--keep-pitch"), kept.clamp(-1, 1), atol=1e-3)


def test_no_quantize_with_tokens(bare, mdct, make_wav, tmp_path):
    """Features and background of a .dcd file are decoded from its tokens."""
    codec, folder = mdct
    source, reference = make_wav("source.wav", 20001), make_wav("reference.wav", 9000)
    assert main(["encode", str(source), "-o", str(tmp_path / "s.dcd"), "--model", str(folder), "--device", "cpu"]) == 0
    codes = codec.encode(audio.read(source, 16000)[None])
    wanted = shift_voice(decode_features(codec, codes), extract_features(codec, [audio.read(reference, 16000)]), 16000)
    under = codec.background_quantizer.decode(codes.background)[0].T
    for given, background in (("drop", ()), ("keep", [under])):
        expected = torch.cat(list(synthesize(codec, wanted, background)))
        found = bare(tmp_path / "s.dcd", reference, "--background", given)
        assert torch.allclose(found, expected.clamp(-1, 1), atol=1e-3)


def test_no_quantize_errors_are_one_line(run, mdct, files, tmp_path, capsys):
    (source, reference), _ = files
    code, _, lines = run("convert", source, reference, "-o", tmp_path / "x.wav", "--no-quantize")
    assert (
        code == 1
        and len(lines) == 1
        and "--no-quantize is not possible: this model has no parametric levels" in lines[0]
    )
    code, _, lines = run(
        "convert", source, reference, "-o", tmp_path / "x.wav", "--no-quantize", "--method", "swap_codes"
    )
    assert code == 1 and len(lines) == 1 and "--method swap_codes exchanges tokens" in lines[0]
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, torch.zeros(9000).numpy(), 16000)
    given = ["--no-quantize", "--model", str(mdct[1]), "--device", "cpu", "-o", str(tmp_path / "x.wav")]
    assert main(["convert", str(source), str(silent), *given]) == 1
    assert "There is no speech in the reference" in capsys.readouterr().err
    assert not (tmp_path / "x.wav").exists()
