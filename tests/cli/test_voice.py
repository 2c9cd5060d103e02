"""decodec say and decodec convert with a voice model, and what other commands say of such models."""

import io
import json
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import main
from espnet2_decodec.codec import serialization
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.conversion import convert
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.io import audio
from espnet2_decodec.tts.synthesizer import Synthesizer
from espnet2_decodec.voice import VoiceModel
from espnet2_decodec.voice.converter import VoiceConverter
from espnet2_decodec.voice.prompt import analyze_prompt
from espnet2_decodec.voice.sources import RecordedSource, convert_source
from espnet2_decodec.voice.tagging import is_synthetic
from tests.voices import save_models, vowels

TEXT = "Hello there. Hello!"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder with the folders codec, voice and text."""
    return save_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def files(tmp_path):
    """Files source, voice, noise and silent.wav, by name."""
    wavs = {
        "source": vowels(120, 1.2) + 0.02 * torch.randn(19200, generator=torch.Generator().manual_seed(0)),
        "voice": vowels(210, 2),
        "noise": 0.1 * torch.randn(9000, generator=torch.Generator().manual_seed(1)),
        "silent": torch.zeros(16000),
    }
    paths = {name: tmp_path / f"{name}.wav" for name in wavs}
    for name, wav in wavs.items():
        soundfile.write(paths[name], wav.numpy(), 16000)
    return paths


@pytest.fixture
def say(run, models, files):
    """A function that runs decodec say with the tiny models."""
    options = ("--model", models / "text", "--voice-model", models / "voice", "--device", "cpu")
    return lambda *arguments: run("say", *arguments, *options, with_model=False)


@pytest.fixture
def change(run, models, files, tmp_path):
    """A function that runs decodec convert with the tiny models, source and voice -> its results and the samples."""

    def call(*arguments, source=files["source"], voice=files["voice"]):
        options = ("--voice-model", models / "voice", "--device", "cpu", "-f", "-o", tmp_path / "out.wav")
        code, _, lines = run("convert", source, voice, *options, *arguments, with_model=False)
        return code, lines, samples(tmp_path / "out.wav") if code == 0 else None

    return call


def samples(path):
    """Samples of a written file."""
    return torch.from_numpy(soundfile.read(path, dtype="float32")[0])


def snr(mix, speech):
    """SNR in dB of a mixture with this speech."""
    return 10 * math.log10(float(speech.square().mean()) / float((mix - speech).square().mean()))


def test_a_text_over_a_background(say, files, tmp_path):
    options = ("--voice", files["voice"], "--background", files["noise"], "--snr", 12, "--stems")
    code, _, lines = say(TEXT, *options, "-o", tmp_path / "out.flac")
    assert code == 0 and "out.flac" in lines[-1]
    mix, speech, background = (samples(tmp_path / f"out{stem}.flac") for stem in ("", ".speech", ".background"))
    stems = torch.stack([speech, background], dim=1)  # each file is scaled if it would clip
    scales = torch.linalg.lstsq(stems, mix[:, None]).solution[:, 0]
    assert torch.allclose(stems @ scales, mix, atol=1e-3)
    power, under = (scales * stems).square().mean(0).tolist()
    assert 10 * math.log10(power / under) == pytest.approx(12, abs=0.1)
    assert is_synthetic(tmp_path / "out.flac") and is_synthetic(tmp_path / "out.speech.flac")


def test_text_from_a_file_and_the_standard_input(say, files, tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text("\ufeff" + TEXT, encoding="utf-8")
    voice = ("--voice", files["voice"], "-q", "--rescale")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert say(TEXT, *voice, "-o", tmp_path / "a.wav") == (0, "", [])
    assert say("--text-file", tmp_path / "text.txt", *voice, "-o", tmp_path / "b.wav") == (0, "", [])
    assert say("-", *voice, "-o", tmp_path / "c.wav") == (0, "", [])
    first, second, third = ((tmp_path / f"{name}.wav").read_bytes() for name in "abc")
    assert first == second == third


def test_the_seed_the_voice_and_the_speed_change_the_speech(say, files, tmp_path):
    written = []
    for i, options in enumerate(([], [], ["--seed", 1], ["--speed", 2], ["--pitch-range", 0])):
        assert say(TEXT, "--voice", files["voice"], *options, "-q", "-o", tmp_path / f"{i}.wav")[0] == 0
        written.append(samples(tmp_path / f"{i}.wav"))
    assert torch.equal(written[0], written[1]) and len(written[3]) < 0.7 * len(written[0])
    assert not torch.equal(written[0], written[2]) and not torch.equal(written[0], written[4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "--speed", 1), "There is nothing to synthesize: the text has no word"),
        (("Окна",), "cannot read these characters"),
        ((TEXT, "--speed", 0), "speed must be within"),
        ((TEXT, "--pitch-range", 4), "pitch range must be within 0..3"),
        ((TEXT, "--snr", 5), "There is no background to set the level of"),
        ((TEXT, "--background", "silent", "--snr", 5), "has no background"),
        ((TEXT, "--background", "no-such.wav"), "no-such.wav does not exist"),
        ((TEXT, "--voice", "no-such.wav"), "no-such.wav does not exist"),
        ((TEXT, "--voice", "silent"), "silent.wav: The prompt is silent"),
        ((TEXT, "--voice", "noise"), "noise.wav: There is no speech in the prompt"),
        (("--text-file", "voice"), "voice.wav is not text in UTF-8"),
        (("--text-file", "no-such.txt"), "no-such.txt"),
    ],
)
def test_errors_of_say_are_one_line(say, files, tmp_path, arguments, message):
    voice = [] if "--voice" in arguments else ["--voice", files["voice"]]
    code, _, lines = say(*(files.get(x, x) for x in arguments), *voice, "-o", tmp_path / "out.wav")
    assert code == 1 and len(lines) == 1 and message in lines[0], lines
    assert not (tmp_path / "out.wav").exists()


def test_conversion_is_that_of_python(change, models, files, tmp_path):
    codec = DeCodec.from_pretrained(models / "codec")
    model = VoiceModel.from_pretrained(models / "voice")
    source, voice, noise = (audio.read(files[name], 16000)[None] for name in ("source", "voice", "noise"))
    for options, given, extra in (
        ([], None, {}),
        (["--keep-pitch"], None, {"convert_f0": False}),
        (["--background", "keep"], source, {}),
        (["--seed", 3], None, {"seed": 3}),
    ):
        code, lines, found = change(*options)
        expected = convert(codec, source, voice, given, voice_model=model, **extra)[0]
        assert code == 0 and torch.allclose(found, expected.clamp(-1, 1), atol=1e-3), lines
    assert is_synthetic(tmp_path / "out.wav")
    speech = change()[2]
    mix = change("--background", files["noise"], "--snr", 6)[2]
    assert len(mix) == len(speech) and snr(mix, speech) == pytest.approx(6, abs=0.1)


def test_tokens_as_source_voice_and_background(change, run, models, files, tmp_path):
    for name in ("source", "voice"):
        options = ("--model", models / "codec", "--device", "cpu", "-o", tmp_path / f"{name}.dcd")
        assert run("encode", files[name], *options, with_model=False)[0] == 0
    tokens = tmp_path / "source.dcd"
    code, lines, plain = change(source=tokens, voice=tmp_path / "voice.dcd")
    assert code == 0 and len(plain) == 19200, lines
    kept = change("--background", "keep", source=tokens, voice=tmp_path / "voice.dcd")[2]
    codec = DeCodec.from_pretrained(models / "codec")
    background = codec.decode(codec.encode(audio.read(files["source"], 16000)[None]), speech=False)[0]
    assert torch.allclose(kept - plain, background, atol=2e-3)


def test_errors_of_convert_are_one_line(change, run, models, files, model, tmp_path):
    for options, voice, message in (
        ([], files["silent"], "silent.wav: The prompt is silent"),
        ([], files["noise"], "noise.wav: There is no speech in the prompt"),
        (["--snr", "3"], files["voice"], "There is no background to set the level of"),
        (["--model", model], files["voice"], "needs a codec with a semantic level"),
        (["--method", "knn_shift", "--model", models / "codec"], files["voice"], "--voice-model is for --method voice"),
        (["--no-quantize", "--method", "voice"], files["voice"], "the voice model does not quantize"),
    ):
        code, lines, _ = change(*options, voice=voice)
        assert code == 1 and len(lines) == 1 and message in lines[0], lines
    snr_of_tokens = ("--method", "knn_shift", "--snr", 3, "--model", models / "codec", "-o", tmp_path / "x.wav")
    code, _, lines = run("convert", files["source"], files["voice"], *snr_of_tokens, with_model=False)
    assert code == 1 and "--snr is for --method voice, not for knn_shift" in lines[0]


def test_a_source_without_speech_is_reported(change, files):
    code, lines, wav = change(source=files["silent"])
    assert code == 0 and len(wav) == 16000 and "no voiced speech" in lines[0]


def test_info_of_the_models(run, models):
    code, printed, lines = run("info", models / "voice", with_model=False)
    assert code == 0 and not lines and "voice model" in printed and f"codec         {models / 'codec'}" in printed
    found = json.loads(run("info", models / "text", "--json", with_model=False)[1])
    assert found["kind"] == "text model" and found["language"] == "en" and found["styles"] == ["native"]


def test_a_voice_model_is_no_codec(models, files, tmp_path, capsys):
    for command in (
        ["separate", files["source"], "-o", tmp_path / "stems"],
        ["encode", files["source"], "-o", tmp_path / "x.dcd"],
        ["remix", files["source"], files["noise"], "-o", tmp_path / "x.wav"],
        ["export", "-o", tmp_path / "graphs"],
    ):
        assert main([*map(str, command), "--model", str(models / "voice")]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.endswith("voice is a voice model, but a codec is needed here."), error


SEMANTIC_LEVEL = "The voice model needs a codec with a semantic level, such as decodec-16k-semantic."


@pytest.mark.parametrize(
    ("name", "method", "reason"),
    [
        ("tiny", "knn_codes", SEMANTIC_LEVEL),
        ("vocoder", "knn_shift", SEMANTIC_LEVEL),
        (
            "codec",
            "knn_shift",
            "The voice model does not fit the codec: it has 64 + 42 features per frame, the codec 4 + 6.",
        ),
    ],
)
def test_a_default_method_without_voice_model_is_named_with_its_reason(
    run, models, files, tmp_path, vocoder_codec, name, method, reason
):
    """The models of the package do not fit these codecs; without --quiet or with it, one line says so."""
    DeCodec.from_config(TINY).save_pretrained(tmp_path / "tiny")
    vocoder_codec.save_pretrained(tmp_path / "vocoder")
    folder = models / name if name == "codec" else tmp_path / name
    options = ("--model", folder, "--device", "cpu", "-f", "-o", tmp_path / "x.wav")
    paths = files["source"], files["voice"]
    code, _, lines = run("convert", *paths, *options, "-q", with_model=False)
    expected = f"decodec: warning: converting by {method}, not by voice, which is better: {reason}"
    assert code == 0 and lines[0].startswith(expected) and not is_synthetic(tmp_path / "x.wav")
    found = samples(tmp_path / "x.wav")
    code, _, lines = run("convert", *paths, *options, "--method", method, with_model=False)
    assert code == 0 and not any("voice, which is better" in line for line in lines)
    assert torch.equal(samples(tmp_path / "x.wav"), found)
    code, _, lines = run("convert", *paths, *options, "--background", "keep", "--gain", 3, with_model=False)
    assert code == 1 and len(lines) == 1 and f"--gain is for --method voice, not for {method}. {reason}" in lines[0]


def test_an_installation_without_voice_model_says_so(run, models, files, tmp_path, monkeypatch):
    monkeypatch.setattr(serialization, "packaged_model", lambda name: None)
    options = ("--model", models / "codec", "--device", "cpu", "-o", tmp_path / "x.wav")
    code, _, lines = run("convert", files["source"], files["voice"], *options, with_model=False)
    assert (
        code == 0
        and "not by voice, which is better: This installation comes without voice-16k; --voice-model" in lines[0]
    )


def test_a_codec_is_no_text_model(run, models, files, tmp_path):
    options = ("--voice-model", models / "voice", "--model", models / "codec", "-o", tmp_path / "x.wav")
    code, _, lines = run("say", TEXT, *options, with_model=False)
    assert code == 1 and len(lines) == 1 and "codec is a codec; --model needs a text model" in lines[0]


def test_a_model_of_the_recipe_has_no_pitch_range(run, tmp_path, vocoder_codec):
    tokens = list(CharacterTokenizer.from_texts(["abc."]).tokens)
    Synthesizer(tokens, vocoder_codec, {"channels": 16}).save_pretrained(tmp_path / "tts")
    options = ("--pitch-range", 2, "--model", tmp_path / "tts", "--device", "cpu", "-o", tmp_path / "x.wav")
    code, _, lines = run("say", "abc", *options, with_model=False)
    assert code == 1 and len(lines) == 1 and "--pitch-range is not possible with" in lines[0]
    code, printed, _ = run("info", tmp_path / "tts", with_model=False)
    assert code == 0 and "text-to-speech model" in printed


@pytest.fixture
def live(models, files, monkeypatch, capsysbinary):
    """A function that streams samples [L] through decodec stream --voice -> (exit code, samples, lines)."""

    def call(wav, *arguments, read=lambda source: source.read):
        source = io.BytesIO((wav * 32768).round().clamp(-32768, 32767).to(torch.int16).numpy().tobytes())
        stdin = SimpleNamespace(buffer=SimpleNamespace(read=read(source)), isatty=lambda: False)
        monkeypatch.setattr(sys, "stdin", stdin)
        options = ["--voice", files["voice"], "--voice-model", models / "voice", "--device", "cpu"]
        code = main(["stream", *map(str, [*options, *arguments])])
        output = capsysbinary.readouterr()
        return (
            code,
            torch.from_numpy(np.frombuffer(output.out, "<i2") / 32768).float(),
            output.err.decode().splitlines(),
        )

    return call


def test_live_conversion_is_that_of_whole_recordings(live, models, files):
    """For the same statistics."""
    wav = vowels(120, 4.03)
    code, found, lines = live(wav, "--statistics", 2)
    codec = DeCodec.from_pretrained(models / "codec")
    prompt = analyze_prompt(codec, [audio.read(files["voice"], 16000)])
    converter = VoiceConverter(VoiceModel.from_pretrained(models / "voice"), codec, prompt, statistics_seconds=2)
    expected = torch.cat(list(convert_source(converter, RecordedSource(codec, [wav]))))
    assert code == 0 and "not causal" in lines[0] and found.shape == wav.shape
    assert torch.allclose(found, expected.clamp(-1, 1), atol=1e-3)


def test_live_samples_are_written_after_the_stated_latency(live):
    """While the input is still open."""
    read = 0

    def reader(source):
        def call(size):
            nonlocal read
            content = source.read(size)
            read += len(content) // 2
            if not content:
                raise KeyboardInterrupt
            return content

        return call

    wav = vowels(120, 12)
    code, found, lines = live(wav, "--statistics", 1, read=reader)
    latency = round(float(lines[0].split("latency ")[1].split(" ms")[0]) * 16)
    assert code != 0 and len(found) >= len(wav) - latency > len(wav) / 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--keep-pitch",), "--keep-pitch needs --voice"),
        (("--voice", "voice", "--speech-levels", "2"), "--speech-levels is not possible with --voice"),
        (("--voice", "silent", "--voice-model", "voice-model"), "The prompt is silent"),
        (("--voice", "voice", "--voice-model", "voice-model", "--statistics", "0.1"), "measured for at least 0.5 s"),
    ],
)
def test_errors_of_live_conversion_are_one_line(models, files, monkeypatch, capsys, arguments, message):
    names = {**files, "voice-model": models / "voice"}
    assert main(["stream", *(str(names.get(x, x)) for x in arguments), "--device", "cpu"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and message in lines[0]


def test_a_pipe_over_its_own_background(change, files, monkeypatch):
    """It is read once, and used twice."""
    kept = change("--background", "keep")[2]
    content = io.BytesIO(files["source"].read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=content, isatty=lambda: False))
    code, lines, found = change("--background", "keep", source="-")
    assert code == 0 and torch.equal(found, kept), lines
