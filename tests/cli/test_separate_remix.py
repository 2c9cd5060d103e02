"""decodec separate and remix against the Python calls."""

import copy

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.cli import pipeline
from espnet2_decodec.codec import streaming
from espnet2_decodec.io import audio
from espnet2_decodec.types import Codes, Stems


def samples(path) -> torch.Tensor:
    """Samples of a written file."""
    return torch.from_numpy(soundfile.read(path, dtype="float32")[0])


@pytest.mark.parametrize("quantize", [True, False])
def test_stems_equal_those_of_the_codec(run, codec, make_wav, tmp_path, quantize):
    """Two files for each input, of its length."""
    wav = make_wav("in/deep/a.wav", 20001)
    flags = [] if quantize else ["--no-quantize"]
    assert run("separate", tmp_path / "in", "-o", tmp_path / "out", *flags)[0] == 0
    expected = codec.separate(audio.read(wav, 16000)[None], quantize=quantize)
    for name in ("speech", "background"):
        stem = samples(tmp_path / f"out/deep/a.{name}.wav")
        assert torch.allclose(stem, getattr(expected, name)[0].clamp(-1, 1), atol=1e-3)
    code, _, lines = run("separate", tmp_path / "in", "-o", tmp_path / "out", *flags)
    assert code == 1 and len(lines) == 1 and "--force" in lines[0]


def test_attenuation_of_the_background_is_limited(run, codec, make_wav, tmp_path):
    """A tenth of the background stays in the speech at 20 dB, and the stems still add up to the mixture."""
    wav = make_wav("a.wav", 20001)
    arguments = ("separate", wav, "-o", tmp_path / "out", "--no-quantize", "--max-attenuation-db", "20")
    assert run(*arguments)[0] == 0
    mixture = audio.read(wav, 16000)
    stems = codec.separate(mixture[None], quantize=False)
    speech, background = samples(tmp_path / "out/a.speech.wav"), samples(tmp_path / "out/a.background.wav")
    assert torch.allclose(speech, stems.speech[0] + 0.1 * stems.background[0], atol=1e-3)
    assert torch.allclose(background, 0.9 * stems.background[0], atol=1e-3)
    with pytest.raises(SystemExit):
        run(*arguments[:-1], "0", "--force")


def test_stems_have_the_same_gain(run, tmp_path, monkeypatch):
    """With --rescale the gain of the louder stem is also that of the other, so that they still add up."""
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    stems = Stems(torch.tensor([[0.5, -0.25]]), torch.tensor([[1.0, -2.0]]))
    monkeypatch.setattr("espnet2_decodec.codec.streaming.separate_blocks", lambda *_, **__: iter([stems]))
    assert run("separate", tmp_path / "a.wav", "-o", tmp_path / "out", "--rescale") == (0, "", [])
    for name, stem in (("speech", stems.speech), ("background", stems.background)):
        assert torch.allclose(samples(tmp_path / f"out/a.{name}.wav"), 0.495 * stem[0], atol=1e-4)


@pytest.mark.parametrize("option", ["--speech-levels", "--background-kbps"])
def test_levels_without_quantizers_are_refused(run, make_wav, tmp_path, option):
    code, _, lines = run("separate", make_wav("a.wav"), "-o", tmp_path / "out", "--no-quantize", option, "1")
    assert code == 1 and len(lines) == 1 and f"{option} is not possible with --no-quantize" in lines[0]


def test_channels_that_cancel_are_named(run, tmp_path):
    """A recording with one inverted channel is silent once it is mixed, which is said."""
    wav = np.random.default_rng(0).normal(size=4000) * 0.1
    soundfile.write(tmp_path / "a.wav", np.stack([wav, -wav], axis=1), 16000)
    lines = run("separate", tmp_path / "a.wav", "-o", tmp_path / "out", "-q", "--rescale")[2]
    assert len(lines) == 1 and "a.wav: its channels cancel each other" in lines[0]


def test_remix_equals_that_of_the_codec(run, codec, make_wav, tmp_path):
    """One input may be tokens; a shorter background is repeated, a longer one cut."""
    long, short = make_wav("long.wav", 20001), make_wav("short.wav", 4000)
    codes = {p: codec.encode(audio.read(p, 16000)[None]) for p in (long, short)}
    run("encode", short, "-o", tmp_path / "short.dcd")
    for speech, background in ((long, short), (short, long)):
        expected = codec.remix(codes[speech], codes[background])[0]
        assert run("remix", speech, background, "-o", tmp_path / "out.wav", "--force")[0] == 0
        assert torch.allclose(samples(tmp_path / "out.wav"), expected.clamp(-1, 1), atol=1e-3)
    assert run("remix", long, tmp_path / "short.dcd", "-o", tmp_path / "b.wav")[0] == 0
    assert torch.allclose(
        samples(tmp_path / "b.wav"), codec.remix(codes[long], codes[short])[0].clamp(-1, 1), atol=1e-3
    )


def test_gain_and_snr_scale_the_background(run, codec, make_wav, tmp_path):
    """Decoded speech plus decoded, repeated background at the requested gain or SNR."""
    paths = make_wav("s.wav", 9000), make_wav("b.wav", 5000)
    s, b = (codec.encode(audio.read(p, 16000)[None]) for p in paths)
    looped = b.background[..., torch.arange(s.speech.shape[2]) % b.background.shape[2]]
    both = Codes(s.speech, looped, s.lengths, 16000)
    speech, background = codec.decode(both, background=False)[0], codec.decode(both, speech=False)[0]
    ratio = (speech.square().sum() / background.square().sum()).sqrt()
    for option, value, gain in (("--gain", -6, 10 ** (-6 / 20)), ("--snr", 12, ratio / 10 ** (12 / 20))):
        assert run("remix", *paths, "-o", tmp_path / "x.wav", "-f", "--rescale", option, value)[0] == 0
        expected = speech + gain * background
        expected = expected / max(1.0, expected.abs().max() / 0.99)
        assert torch.allclose(samples(tmp_path / "x.wav"), expected, atol=1e-3)


@pytest.mark.parametrize("snr, sign", [(100, "-"), (-100, "+")])
def test_a_large_gain_for_an_snr_is_stated(run, make_wav, tmp_path, snr, sign):
    code, _, errors = run("remix", make_wav("s.wav"), make_wav("b.wav"), "-o", tmp_path / "x.wav", "--snr", snr)
    assert code == 0 and any(f"the background is scaled by {sign}" in line for line in errors)


def test_recurrent_codecs_process_whole_files(codec, make_wav):
    """A codec that cannot be chunked gives the same results in one block."""
    whole = copy.deepcopy(codec)
    whole.backbone.receptive_field = None
    reader, levels = (
        audio.AudioReader(make_wav("a.wav", 9000), 16000, block=1000),
        {"speech_levels": 2, "background_levels": None},
    )
    codes = [streaming.concatenate(pipeline.encode(c, reader, levels)) for c in (codec, whole)]
    assert torch.equal(codes[0].speech, codes[1].speech)
    wavs = [torch.cat(list(pipeline.decode(c, [codes[0]]))) for c in (codec, whole)]
    assert torch.allclose(*wavs, atol=1e-4)
    stems = [[x.speech for x in pipeline.separate(c, reader, True, levels)] for c in (codec, whole)]
    assert torch.allclose(*(torch.cat(x, dim=1) for x in stems), atol=1e-4)


@pytest.mark.parametrize("command", ["remix", "convert"])
@pytest.mark.parametrize("inputs", [(".", "a.wav"), ("a.wav", ".")])
def test_folders_in_place_of_files_are_named(run, make_wav, tmp_path, command, inputs):
    make_wav("a.wav")
    code, _, lines = run(command, *(tmp_path / name for name in inputs), "-o", tmp_path / "x.wav")
    assert code == 1 and len(lines) == 1 and f"{tmp_path} is a folder, not a file" in lines[0]


def test_errors_are_one_line(run, make_wav, tmp_path):
    """A missing file, an existing output, an unknown suffix."""
    wav = make_wav("a.wav")
    for arguments, words in (
        ((wav, tmp_path / "none.wav", "-o", tmp_path / "x.wav"), "none.wav does not exist"),
        ((tmp_path / "none.wav", wav, "-o", tmp_path / "x.wav"), "none.wav does not exist"),
        ((wav, wav, "-o", wav), "--force"),
        ((wav, wav, "-o", tmp_path / "x.mp3"), "must be one of"),
    ):
        code, printed, lines = run("remix", *arguments)
        assert (code, printed, len(lines)) == (1, "", 1) and words in lines[0], lines
