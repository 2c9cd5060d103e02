"""decodec say."""

import pytest
import soundfile
import torch

from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.tts.synthesizer import Synthesizer

OPTIONS = {
    "channels": 16,
    "text_blocks": 1,
    "semantic_blocks": 1,
    "acoustic_blocks": 1,
    "duration_blocks": 1,
    "speaker_dim": 8,
}


@pytest.fixture(scope="module")
def voice(tmp_path_factory, vocoder_codec):
    """The folder of a tiny text-to-speech model with random weights."""
    synthesizer = Synthesizer(list(CharacterTokenizer.from_texts(["abc."]).tokens), vocoder_codec, OPTIONS)
    torch.nn.init.constant_(synthesizer.model.duration_predictor.out_proj.bias, 1.5)
    folder = tmp_path_factory.mktemp("voice")
    synthesizer.save_pretrained(folder)
    return folder


@pytest.fixture
def say(run, voice):
    """A function that runs decodec say with the tiny model."""
    return lambda *arguments: run("say", *arguments, "--model", voice, "--device", "cpu", with_model=False)


def test_a_file_with_its_stems_is_written(say, make_wav, tmp_path):
    prompt, street = make_wav("prompt.wav", 20000), make_wav("street.wav", 9000, rate=8000)
    code, _, lines = say(
        "Abc.", "--prompt", prompt, "--background", street, "--background-snr", 6, "--stems", "-o", tmp_path / "out.wav"
    )
    assert code == 0 and "out.wav" in lines[-1]
    mix, speech, background = (
        soundfile.read(tmp_path / name)[0] for name in ("out.wav", "out.speech.wav", "out.background.wav")
    )
    assert len(mix) == len(speech) == len(background) and background.any()


def test_stems_have_the_gain_of_the_mix(say, make_wav, tmp_path):
    """Where the background would clip, the speech is scaled as much."""
    prompt, street = make_wav("prompt.wav", 20000), make_wav("street.wav", 9000)
    options = ("--prompt", prompt, "--background", street, "--background-snr", -60, "--stems", "--rescale")
    assert say("Abc.", *options, "-o", tmp_path / "out.wav")[0] == 0
    mix, speech, background = (
        soundfile.read(tmp_path / name)[0] for name in ("out.wav", "out.speech.wav", "out.background.wav")
    )
    assert 0.9 < abs(mix).max() < 1 and abs(mix - speech - background).max() < 1e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "out"), "out cannot be written: the suffix must be"),
        (("-o", "-", "--stems"), "--stems writes three files"),
        (("-o", "out.wav", "--voice", "none.wav"), "none.wav does not exist"),
        (("-o", "out.wav", "--background", "none.wav"), "none.wav does not exist"),
    ],
)
def test_files_are_checked_before_models_are_loaded(run, arguments, message):
    code, _, lines = run("say", "Abc.", *arguments, "--model", "no-such-model", with_model=False)
    assert code == 1 and len(lines) == 1 and message in lines[0]


def test_the_same_seed_gives_the_same_file(say, make_wav, tmp_path):
    prompt, street = make_wav("prompt.wav", 20000), make_wav("street.wav", 90000)
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        options = ("--background", street, "--seed", seed, "--rescale", "-q", "-o", tmp_path / f"{name}.wav")
        assert say("abc", "--prompt", prompt, *options) == (0, "", [])
    a, b, c = ((tmp_path / f"{name}.wav").read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "--background", "none"), "nothing to synthesize"),
        (("xyz",), "cannot pronounce 'x' 'y' 'z'"),
        (("abc", "--background", "no-such.wav"), "no-such.wav does not exist"),
        (("abc", "--speed", "0"), "speed must be within"),
        (("abc", "--background-snr", "5"), "There is no background"),
    ],
)
def test_errors_are_one_line(say, make_wav, tmp_path, arguments, message):
    prompt = make_wav("prompt.wav", 20000)
    code, _, lines = say(*arguments, "--prompt", prompt, "-o", tmp_path / "out.wav")
    assert code == 1 and len(lines) == 1 and message in lines[0]
    assert not (tmp_path / "out.wav").exists()


def test_a_prompt_of_50_ms(say, make_wav, tmp_path):
    code, _, lines = say("abc", "--prompt", make_wav("short.wav", 800), "-o", tmp_path / "out.wav")
    assert code == 1 and lines == ["decodec: error: The prompt is 0.05 s long; give at least 0.5 s of speech."]


def test_a_folder_without_a_tts_model(run, model, make_wav, tmp_path):
    code, _, lines = run("say", "abc", "--prompt", make_wav("p.wav"), "-o", tmp_path / "o.wav")
    assert code == 1 and len(lines) == 1 and "text-to-speech model" in lines[0]


def test_files_are_not_overwritten(say, make_wav, tmp_path):
    prompt = make_wav("prompt.wav", 20000)
    code, _, lines = say("abc", "--prompt", prompt, "-o", prompt)
    assert code == 1 and "--force" in lines[0]


def test_the_demo_page_has_synthesized_speech(run, voice, tmp_path):
    code, _, lines = run("demo", tmp_path / "page", "--tts", voice, "--text", "abc.", "-q")
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert code == 0 and not any("decodec:" in line for line in lines) and "<h2>Text to speech</h2>" in page
    assert page.count("<b>without background</b>") == page.count("<b>with the background of the prompt</b>") == 2
    assert "<h2>Voice conversion</h2>" not in page  # this model has no parametric levels
