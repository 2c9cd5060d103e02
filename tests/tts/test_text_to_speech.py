"""Speech over every background: stems, lengths, levels, and errors for prompts that cannot be used."""

import pytest
import soundfile
import torch

from espnet2_decodec.evaluation.unseparated import encode_unseparated
from espnet2_decodec.tts import TTS

TEXT = "abc, де."


@pytest.fixture(scope="module")
def tts(tts_model):
    """The tiny model."""
    return TTS.from_pretrained(tts_model)


def noise(seconds: float, level: float = 0.2) -> torch.Tensor:
    """[L], the same each time."""
    return level * torch.randn(int(16000 * seconds), generator=torch.Generator().manual_seed(3))


def decibels(one: torch.Tensor, other: torch.Tensor) -> float:
    """Power ratio."""
    return float(10 * torch.log10(one.double().square().mean() / other.double().square().mean()))


def test_stems_add_up_and_are_as_long_as_their_tokens(tts):
    for background in ("none", "prompt", noise(0.4), noise(30)):
        output = tts(TEXT, noise(1), background)
        assert torch.equal(output.mix, output.speech + output.background)
        assert len(output.mix) == output.tokens.shape[1] * 320 and output.sample_rate == 16000
        assert torch.isfinite(output.mix).all()


def test_none_is_silence_and_others_are_not(tts):
    assert not tts(TEXT, noise(1)).background.any()
    for background in ("prompt", noise(3)):
        assert float(tts(TEXT, noise(1), background).background.std()) > 1e-3


def test_the_background_does_not_change_the_speech(tts):
    alone = tts(TEXT, noise(1)).speech
    assert torch.equal(tts(TEXT, noise(1), noise(2)).speech, alone)
    assert torch.equal(tts(TEXT, noise(1), "prompt", background_gain=20.0).speech, alone)


def test_a_prompt_can_be_codes(tts):
    codes = tts.synthesizer.codec.encode(noise(1)[None])
    output = tts(TEXT, codes, noise(2))
    assert torch.equal(output.mix, tts(TEXT, noise(1), noise(2)).mix)
    with pytest.raises(ValueError, match="needs the prompt as a recording"):
        tts(TEXT, codes, "prompt")


def test_prompts_without_separation(tts):
    """The control experiment: the voice of all that the recording contains."""
    synthesizer, prompt = tts.synthesizer, noise(1)
    codes = encode_unseparated(synthesizer.codec, prompt[None])
    output = tts(TEXT, codes)
    assert torch.equal(output.tokens, synthesizer(TEXT, codes.speech[0].T))
    assert not torch.equal(codes.speech, synthesizer.codec.encode(prompt[None]).speech)


def test_gain_and_snr(tts):
    plain = tts(TEXT, noise(1), "prompt")
    softer = tts(TEXT, noise(1), "prompt", background_gain=-7.0)
    assert decibels(softer.background, plain.background) == pytest.approx(-7, abs=0.01)
    scaled = tts(TEXT, noise(1), "prompt", background_snr=4.0)
    assert decibels(scaled.speech, scaled.background) == pytest.approx(4, abs=0.01)


def test_a_background_of_the_prompt_is_that_of_the_prompt_at_its_level(tts):
    prompt, codec = noise(1), tts.synthesizer.codec
    output = tts(TEXT, prompt, "prompt")
    decoded = codec.decode(codec.encode(prompt[None]), speech=False)[0]
    separated = codec.separate(prompt[None], quantize=False).background[0]
    expected = decoded * (separated.square().mean() / decoded.square().mean()).sqrt().clamp(1 / 3, 3)
    count = min(len(expected) - 4000, len(output.mix) - 160)  # up to the crossfade, or the soft end
    assert torch.allclose(output.background[160:count], expected[160:count], atol=1e-5)
    assert output.background_offset == 0


def test_a_seed_repeats_and_chooses_a_piece(tts):
    starts = [tts(TEXT, noise(1), noise(20), seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(starts[0].mix, starts[1].mix)
    assert starts[0].background_offset != starts[2].background_offset


def test_files_and_samples_are_alike(tts, tmp_path):
    soundfile.write(tmp_path / "p.wav", noise(1).numpy(), 16000, subtype="FLOAT")
    assert torch.equal(tts(TEXT, tmp_path / "p.wav", "prompt").mix, tts(TEXT, noise(1), "prompt").mix)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (noise(0.05), r"is 0.05 s long; give at least 0.5 s"),
        (torch.zeros(0), r"L >= 1"),
        (noise(1)[None], r"are \[L\]"),
    ],
)
def test_prompts_that_cannot_be_used(tts, prompt, message):
    with pytest.raises(ValueError, match=message):
        tts(TEXT, prompt)


def test_a_prompt_without_speech(tts, monkeypatch):
    codec = type(tts.synthesizer.codec)
    monkeypatch.setattr(codec, "decode", lambda self, codes, *_, **__: torch.zeros(1, int(codes.lengths[0])))
    with pytest.raises(ValueError, match="no speech in the prompt"):
        tts(TEXT, noise(1))


@pytest.mark.parametrize(("text", "message"), [("", "nothing to synthesize"), ("abz", "cannot pronounce 'z'")])
def test_texts_that_cannot_be_synthesized(tts, text, message):
    with pytest.raises(ValueError, match=message):
        tts(text, noise(1))


@pytest.mark.parametrize("level", [0.0, 1e-6, 3e-6])
def test_an_snr_over_a_background_that_is_silent_is_refused_by_its_energy(tts, level):
    with pytest.raises(ValueError, match="An SNR cannot be reached: the recording of the background has no background"):
        tts(TEXT, noise(1), level * noise(2), background_snr=5.0)
    assert float(tts(TEXT, noise(1), level * noise(2)).background.abs().max()) < 1e-2
