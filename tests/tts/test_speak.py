"""Speech over every background: stems, lengths, levels, and answers to prompts that cannot be used."""

import pytest
import soundfile
import torch

from espnet2_decodec.tts import TTS

TEXT = "abc, де."


@pytest.fixture(scope="module")
def tts(voice_model):
    """The tiny model."""
    return TTS.from_pretrained(voice_model)


def noise(seconds: float, level: float = 0.2) -> torch.Tensor:
    """[L], the same each time."""
    return level * torch.randn(int(16000 * seconds), generator=torch.Generator().manual_seed(3))


def decibels(one: torch.Tensor, other: torch.Tensor) -> float:
    """Power ratio."""
    return float(10 * torch.log10(one.double().square().mean() / other.double().square().mean()))


def test_stems_add_up_and_are_as_long_as_their_tokens(tts):
    for background in ("none", "prompt", noise(0.4), noise(30)):
        said = tts(TEXT, noise(1), background)
        assert torch.equal(said.mix, said.speech + said.background)
        assert len(said.mix) == said.tokens.shape[1] * 320 and said.sample_rate == 16000
        assert torch.isfinite(said.mix).all()


def test_none_is_silence_and_others_are_not(tts):
    assert not tts(TEXT, noise(1)).background.any()
    for background in ("prompt", noise(3)):
        assert float(tts(TEXT, noise(1), background).background.std()) > 1e-3


def test_the_background_does_not_change_the_speech(tts):
    alone = tts(TEXT, noise(1)).speech
    assert torch.equal(tts(TEXT, noise(1), noise(2)).speech, alone)
    assert torch.equal(tts(TEXT, noise(1), "prompt", background_gain=20.0).speech, alone)


def test_a_voice_without_separation_is_that_of_all_that_is_heard(tts):
    synthesizer, prompt = tts.synthesizer, noise(1)
    said = tts(TEXT, prompt, separate=False)
    codes = synthesizer.codec.encode(prompt[None], separate=False).speech[0].T
    assert torch.equal(said.tokens, synthesizer(TEXT, codes))
    assert not torch.equal(codes, synthesizer.codec.encode(prompt[None]).speech[0].T)


def test_gain_and_snr(tts):
    plain = tts(TEXT, noise(1), "prompt")
    softer = tts(TEXT, noise(1), "prompt", background_gain=-7.0)
    assert decibels(softer.background, plain.background) == pytest.approx(-7, abs=0.01)
    wanted = tts(TEXT, noise(1), "prompt", background_snr=4.0)
    assert decibels(wanted.speech, wanted.background) == pytest.approx(4, abs=0.01)


def test_a_background_of_the_prompt_is_that_of_the_prompt_at_its_level(tts):
    prompt, codec = noise(1), tts.synthesizer.codec
    said = tts(TEXT, prompt, "prompt")
    decoded = codec.decode(codec.encode(prompt[None]), speech=False)[0]
    separated = codec.separate(prompt[None], quantize=False).background[0]
    wanted = decoded * (separated.square().mean() / decoded.square().mean()).sqrt().clamp(1 / 3, 3)
    count = min(len(wanted) - 4000, len(said.mix) - 160)  # up to the crossfade, or the soft end
    assert torch.allclose(said.background[160:count], wanted[160:count], atol=1e-5)
    assert said.start == 0


def test_a_seed_repeats_and_chooses_a_piece(tts):
    starts = [tts(TEXT, noise(1), noise(20), seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(starts[0].mix, starts[1].mix)
    assert starts[0].start != starts[2].start


def test_files_and_samples_are_alike(tts, tmp_path):
    soundfile.write(tmp_path / "p.wav", noise(1).numpy(), 16000, subtype="FLOAT")
    assert torch.equal(tts(TEXT, tmp_path / "p.wav", "prompt").mix, tts(TEXT, noise(1), "prompt").mix)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (noise(0.05), r"lasts 0.05 s; a voice needs 0.5 s"),
        (torch.zeros(0), r"L >= 1"),
        (noise(1)[None], r"are \[L\]"),
    ],
)
def test_prompts_that_cannot_be_used(tts, prompt, said):
    with pytest.raises(ValueError, match=said):
        tts(TEXT, prompt)


def test_a_prompt_without_speech(tts, monkeypatch):
    codec = type(tts.synthesizer.codec)
    monkeypatch.setattr(codec, "decode", lambda self, codes, *_, **__: torch.zeros(1, int(codes.lengths[0])))
    with pytest.raises(ValueError, match="no speech in the prompt"):
        tts(TEXT, noise(1))


@pytest.mark.parametrize(("text", "said"), [("", "nothing to synthesize"), ("abz", "cannot pronounce 'z'")])
def test_texts_that_cannot_be_said(tts, text, said):
    with pytest.raises(ValueError, match=said):
        tts(text, noise(1))
