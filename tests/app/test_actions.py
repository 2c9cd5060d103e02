"""What the page computes from uploads, without a browser and without Gradio."""

import os
import time
from types import SimpleNamespace

import pytest
import soundfile
import torch

from espnet2_decodec.app import processing
from espnet2_decodec.app.actions import Actions, report_failures
from espnet2_decodec.io import dcd
from espnet2_decodec.io.audio import read
from espnet2_decodec.tts import TTSOutput


def power(wav):
    return float(wav.double().square().mean())


def test_stems_and_tokens_are_those_of_the_codec(actions, upload, vocoder_codec):
    path = upload("a b.wav")
    found = actions.separate(path, 3, 2, False)
    codes = vocoder_codec.encode(read(path, 16000)[None], None, 3, 2)
    stored = dcd.load(found.files.tokens, vocoder_codec)
    assert torch.equal(stored.speech, codes.speech) and torch.equal(stored.background, codes.background)
    assert torch.allclose(found.result.speech, vocoder_codec.decode(codes, background=False)[0])
    assert torch.allclose(read(found.files.background), vocoder_codec.decode(codes, speech=False)[0], atol=1e-4)
    assert found.files.speech.name == "a_b.speech.wav" and found.files.spectrograms.read_bytes()[:4] == b"\x89PNG"
    assert f"| speech | 3 | {vocoder_codec.kbps(3):.2f} |" in found.rates and found.status.startswith("1.0 s; SNR")


def test_unquantized_stems_sum_to_the_mixture(actions, upload, vocoder_codec):
    path = upload()
    found = actions.separate(path, 4, 2, True).result
    assert torch.allclose(found.mixture, found.speech + found.background)
    assert torch.allclose(found.speech, vocoder_codec.separate(read(path)[None], quantize=False).speech[0])


@pytest.mark.parametrize("snr", [-20, 0, 35])
def test_a_remix_has_its_snr_and_the_level_of_the_speech(actions, upload, snr):
    found = actions.separate(upload(), 4, 2, True)
    noise = found.result.remix(snr) - found.result.speech
    assert 10 * torch.tensor(power(found.result.speech) / power(noise)).log10() == pytest.approx(snr, abs=0.01)
    path, line = actions.remix(found, snr)
    assert path.name == f"a.remix_{snr}_dB.wav" and f"{snr} dB" in line
    assert read(path).abs().max() <= 1


CONVERTED = "a.wav in the voice of b.wav, by knn_shift without a voice model."


def test_conversion_is_as_long_as_the_first_recording(actions, upload):
    path, line = actions.convert(upload(seconds=1.3), upload("b.wav", rate=8000), True)
    assert soundfile.info(path).frames == 1.3 * 16000 and line == CONVERTED


def test_codecs_without_parametric_levels_exchange_tokens():
    from espnet2_decodec import DeCodec
    from espnet2_decodec.codec.config import TINY

    torch.manual_seed(0)
    codec = DeCodec.from_config(TINY).eval()
    wav = 0.1 * torch.randn(8000)
    assert processing.convert_voice(codec, wav, 0.1 * torch.randn(5000)).shape == (8000,)


def test_speech_is_synthesized_in_the_voice_of_the_recording(vocoder_codec, files, upload):
    def tts(text, prompt, background):
        wav = prompt[:1600] * (1 if background == "prompt" else 0.5)
        return TTSOutput(wav, 0 * wav, wav, 16000, torch.zeros(1, 5))

    actions = Actions(vocoder_codec, files, 3, model := SimpleNamespace(sample_rate=16000))
    actions.tts = type("TTS", (), {"__call__": staticmethod(tts), "sample_rate": model.sample_rate})()
    path, line = actions.say(upload(), "Hello.", True)
    assert torch.allclose(read(path), read(upload())[:1600], atol=1e-4) and line == "0.1 s in the voice of a.wav."
    with pytest.raises(ValueError, match="no text to synthesize"):
        actions.say(upload(), "  ", False)


def test_models_of_different_sample_rates_are_refused(vocoder_codec, files):
    with pytest.raises(ValueError, match="24000 Hz.*16000 Hz"):
        Actions(vocoder_codec, files, 3, SimpleNamespace(sample_rate=24000))


def test_every_problem_is_one_line_without_the_folder_of_the_server(actions, upload, files, write_noise, tmp_path):
    separate = report_failures(lambda path: [actions.separate(path, 4, 2, False), "done"], 2)
    bad = files.root / "upload" / "bad.wav"
    bad.parent.mkdir(exist_ok=True)
    bad.write_text("no audio")
    cases = {
        None: "Error: There is no recording yet; drop a file or record one.",
        str(bad): "Error: bad.wav is not audio",
        upload("long.wav", seconds=3.2): "Error: long.wav is longer than 3 s, the limit of this page",
        upload("short.wav", seconds=0.05): "Error: short.wav is 0.05 s long; 0.1 s are needed.",
        upload("loud.wav", level=0.0) + "x": "Error: ",
        write_noise(tmp_path / "private.wav"): "Error: This recording was not uploaded to the page.",
        f"{files.root}/../private.wav": "Error: This recording was not uploaded to the page.",
    }
    for path, message in cases.items():
        result, line = separate(path)
        assert result is None and line.startswith(message), line
        assert "\n" not in line and str(files.root) not in line


def test_silence_has_no_streams_and_they_are_named(actions, upload):
    silent = upload("silent.wav", level=0.0)
    found = actions.separate(silent, 4, 2, False)
    assert found.status == "1.0 s; there is no speech and no background in this recording."
    for action, arguments, message in (
        (actions.remix, (found, 0), "There is no speech in this recording"),
        (actions.remix, (None, 0), "Nothing was separated yet"),
        (actions.convert, (silent, upload(), False), "There is no speech in the first recording"),
        (actions.convert, (upload(), silent, False), "There is no speech in the second recording"),
        (actions.convert, (upload(), None, False), "There is no second recording"),
        (actions.say, (silent, "a", False), "restart the page with --tts"),
    ):
        with pytest.raises(ValueError, match=message):
            action(*arguments)


def test_old_results_are_removed(files, actions, upload):
    old, recent = files.new_folder(), files.new_folder()
    os.utime(old, (time.time() - files.keep_seconds - 10,) * 2)
    found = actions.separate(upload(), 4, 2, False)
    assert not old.exists() and recent.exists() and found.files.speech.exists()
    assert sorted(path.name for path in found.files.speech.parent.iterdir()) == [
        "a.background.wav", "a.dcd", "a.mixture.wav", "a.png", "a.speech.wav",
    ]  # fmt: skip
