"""Models of the recipe that make the first level, and a voice model that makes the others."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import main
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.io import audio
from espnet2_decodec.tts import TTS, VoiceTTS
from espnet2_decodec.tts.character_text import CharacterText
from espnet2_decodec.tts.synthesizer import Synthesizer
from tests.tts.conftest import OPTIONS
from tests.voices import build_codec, save_models, vowels

TEXT = "abc де. де!"


def build(codec, **options):
    """A tiny model with random weights that gives each character some frames."""
    torch.manual_seed(0)
    tokens = list(CharacterTokenizer.from_texts([TEXT]).tokens)
    synthesizer = Synthesizer(tokens, codec, {**OPTIONS, **options})
    with torch.no_grad():
        synthesizer.model.duration_predictor.out_proj.bias.fill_(1.5)
    return synthesizer.eval()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder with the folders codec, voice, semantic (first level alone) and whole (all parametric levels)."""
    folder = save_models(tmp_path_factory.mktemp("models"))
    for name, semantic_only in (("semantic", True), ("whole", False)):
        build(build_codec(), semantic_only=semantic_only).save_pretrained(folder / name)
    audio.write(folder / "voice.wav", [vowels(210, 2)], 16000)
    return folder


@pytest.mark.parametrize("name", ["semantic", "whole"])
def test_the_voice_model_speaks_the_features_of_the_text(models, name):
    tts = VoiceTTS.from_pretrained(models / name, models / "voice")
    first, again, other = (tts(TEXT, vowels(f0, 2)) for f0 in (210, 210, 120))
    assert torch.equal(first.mix, again.mix) and first.mix.abs().max() > 1e-3
    assert first.tokens.shape[0] == 1 and len(first.mix) == first.tokens.shape[1] * 320
    assert first.mix.shape != other.mix.shape or not torch.equal(first.mix, other.mix)


def test_features_have_the_norm_of_the_encoder_and_follow_the_speed(models):
    text = CharacterText.from_pretrained(models / "semantic")
    prompt = VoiceTTS.from_pretrained(models / "semantic", models / "voice").read_prompt(vowels(210, 2))
    speak = text.in_voice(prompt)
    slow, fast = (speak("abc де.", speed, None) for speed in (0.5, 2.0))
    assert torch.allclose(slow.embeddings.square().mean(1), torch.ones(len(slow.embeddings)), atol=1e-3)
    assert len(slow.tokens) == len(slow.embeddings) > 2 * len(fast.embeddings)
    with pytest.raises(ValueError, match="no style 'loud'"):
        speak("abc", 1.0, "loud")


def test_sentences_are_those_of_the_language(models):
    tts = VoiceTTS.from_pretrained(models / "semantic", models / "voice")
    assert [sentence.text for sentence in tts.split("abc де. - Де! \n\nде")] == ["abc де.", "- Де!", "де"]
    with pytest.raises(ValueError, match="characters"):
        tts.split("xyz")


def test_a_model_of_the_first_level_needs_a_voice_model(models):
    with pytest.raises(ValueError, match="need a voice model"):
        TTS.from_pretrained(models / "semantic")("abc", vowels(210, 2))


def test_another_codec_is_refused(models, vocoder_codec):
    with pytest.raises(ValueError, match="needs a codec with a semantic level"):
        CharacterText(build(vocoder_codec))
    codec = build_codec()
    with torch.no_grad():
        codec.speech_quantizer.semantic.codebooks.mul_(2)
    with pytest.raises(ValueError, match="tokens of another codec"):
        CharacterText(build(codec)).check_codec(build_codec())


def test_options_of_say(models, tmp_path, capsys):
    options = ["--voice", models / "voice.wav", "--device", "cpu", "-q", "-f", "-o", tmp_path / "out.wav"]
    with_voice = ["--voice-model", models / "voice"]

    def say(model, *more):
        code = main(["say", "abc.", *map(str, [*options, "--model", models / model, *more])])
        return code, capsys.readouterr().err

    assert say("semantic", *with_voice, "--pitch-range", "2") == (0, "")
    assert say("whole", *with_voice) == (0, "") and say("whole") == (0, "")
    code, error = say("whole", "--pitch-range", "2")
    assert code == 1 and "without --voice-model" in error
    code, error = say("semantic")  # with the voice model of the package, which is of another codec
    assert code == 1 and len(error.splitlines()) == 1 and "another codec" in error


def test_a_background_of_a_set_begins_at_its_offset(models):
    tts, noise = VoiceTTS.from_pretrained(models / "whole", models / "voice"), 0.2 * torch.randn(200000)
    output = tts("abc", vowels(210, 2), noise, background_gain=0.0, seed=5)
    separated = tts.codec.separate(noise[None], quantize=False).background[0]
    start, count = output.background_offset, len(output.mix)
    assert start > 0
    assert torch.allclose(output.background[200:-200], separated[start : start + count][200:-200], atol=1e-4)


def test_a_codec_is_no_text_model(tmp_path):
    DeCodec.from_config(TINY).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a codec|codec"):
        VoiceTTS.from_pretrained(tmp_path)
