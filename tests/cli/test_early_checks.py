"""Options of decodec say and decodec convert are checked before any weights are read."""

import pytest

from espnet2_decodec.cli import main
from espnet2_decodec.codec import serialization
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.tts.synthesizer import Synthesizer
from tests.voices import save_models

TEXT = "Hello there. Hello!"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder with the folders codec, voice and text."""
    return save_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def no_weights(monkeypatch):
    """Loading the weights of any model fails."""

    def refuse(*arguments):
        raise AssertionError("Weights were loaded.")

    monkeypatch.setattr(serialization, "load_weights", refuse)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TEXT, "--speed", 0), "speed must be within 0.4..2.5, not 0."),
        ((TEXT, "--speed", 3), "speed must be within 0.4..2.5, not 3."),
        ((TEXT, "--pitch-range", -1), "The pitch range must be within 0..3, not -1."),
        ((TEXT, "--snr", 5), "There is no background to set the level of"),
        ((TEXT, "--gain", 5, "--background", "none"), "There is no background to set the level of"),
        ((TEXT, "--voice-model", "text"), "text is a text model, but a voice model is needed here."),
        ((TEXT, "--voice-model", "no-such"), "There is no folder no-such"),
        (("", "--speed", 1), "There is nothing to synthesize"),
        (("Окна",), "cannot read these characters"),
    ],
)
def test_options_of_say_are_checked_before_weights_are_read(run, models, tmp_path, no_weights, arguments, message):
    given = [models / x if x == "text" else x for x in arguments]
    options = ("--model", models / "text", "--device", "cpu", "-o", tmp_path / "out.wav")
    options += () if "--voice-model" in given else ("--voice-model", models / "voice")
    code, _, lines = run("say", *given, *options, with_model=False)
    assert code == 1 and len(lines) == 1 and message in lines[0], lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("abc", "--speed", 6), "speed must be within 0.2..5, not 6."),
        (("xyz",), "cannot pronounce 'x' 'y' 'z'"),
        ((" - ",), "There is nothing to synthesize"),
        (("abc", "--pitch-range", 2), "--pitch-range is not possible with"),
    ],
)
def test_options_of_models_of_the_recipe_are_checked_first(
    run, tmp_path, vocoder_codec, no_weights, arguments, message
):
    tokens = list(CharacterTokenizer.from_texts(["abc."]).tokens)
    Synthesizer(tokens, vocoder_codec, {"channels": 16}).save_pretrained(tmp_path / "tts")
    options = ("--model", tmp_path / "tts", "--device", "cpu", "-o", tmp_path / "x.wav")
    code, _, lines = run("say", *arguments, *options, with_model=False)
    assert code == 1 and len(lines) == 1 and message in lines[0], lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--snr", 3), "There is no background to set the level of"),
        (
            ("--method", "knn_shift", "--background", "keep", "--snr", 3),
            "--snr is for --method voice, not for knn_shift",
        ),
        (("--no-quantize", "--statistics", 3), "--statistics is for --method voice, not for knn_shift"),
        (("--no-quantize", "--method", "voice"), "the voice model does not quantize"),
        (("--no-quantize", "--method", "swap_codes"), "--method swap_codes exchanges tokens"),
    ],
)
def test_options_of_convert_are_checked_before_weights_are_read(
    run, make_wav, tmp_path, no_weights, arguments, message
):
    paths = make_wav("source.wav"), make_wav("voice.wav"), "-o", tmp_path / "x.wav", "--device", "cpu"
    code, _, lines = run("convert", *paths, *arguments, with_model=False)
    assert code == 1 and len(lines) == 1 and message in lines[0], lines


def test_a_seed_is_a_number_of_32_bits(capsys, tmp_path):
    for command in (("say", TEXT), ("convert", "a.wav", "b.wav")):
        with pytest.raises(SystemExit) as status:
            main([*command, "-o", str(tmp_path / "x.wav"), "--seed", str(2**70)])
        assert status.value.code == 2 and "is not within 0..4294967295" in capsys.readouterr().err
