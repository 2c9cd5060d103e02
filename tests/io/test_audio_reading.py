"""Audio of any rate, format and number of channels is read as mono at the codec's rate; each defect has its error."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.io import audio, errors


def tone(seconds: float, rate: int, frequency: float = 440.0) -> np.ndarray:
    """A sine of amplitude 0.5."""
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_channels(tmp_path, rate, channels):
    """A tone is resampled to 16 kHz with its exact length, and the conversion is described."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([tone(1.0, rate)] * channels, axis=1), rate)
    reader = audio.AudioReader(path, 16000, block=1000)
    wav = np.concatenate([b.numpy() for b in reader])
    assert wav.shape == (16000,) and wav.dtype == np.float32
    assert np.abs(wav - tone(1.0, 16000))[500:-500].max() < 1e-3
    assert reader.seconds == pytest.approx(1.0)
    assert ("mixed down" in (reader.conversion or "")) == (channels > 1)
    assert (f"from {rate} to 16000" in (reader.conversion or "")) == (rate != 16000)


@pytest.mark.parametrize("frames", [1, 2, 3, 999, 1000, 1001, 30000])
@pytest.mark.parametrize("rate", [44100, 16000, 8000])
def test_lengths_are_exact_for_any_block_size(tmp_path, frames, rate):
    """round(frames * 16000 / rate) samples, at least one, the same in any blocks."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).normal(size=frames) * 0.1, rate)
    wavs = [np.concatenate([b.numpy() for b in audio.AudioReader(path, 16000, block)]) for block in (313, 2**16)]
    assert len(wavs[0]) == len(wavs[1]) == max(1, round(frames * 16000 / rate))
    assert np.allclose(*wavs, atol=1e-6)


@pytest.mark.parametrize(
    ("gains", "cancels"),
    [([1], False), ([1, 1], False), ([1, 0, 0, 0, 0, 0], False), ([1, -1], True), ([1, -0.95], True)],
)
def test_channels_that_cancel_each_other_are_found(tmp_path, gains, cancels):
    soundfile.write(tmp_path / "a.wav", np.outer(tone(0.1, 16000), gains), 16000, subtype="FLOAT")
    reader = audio.AudioReader(tmp_path / "a.wav")
    list(reader)
    assert reader.cancels == cancels


def test_channels_are_averaged(tmp_path):
    """The mono signal is the mean of the channels."""
    path = tmp_path / "a.flac"
    soundfile.write(path, np.stack([np.full(100, 0.5), np.full(100, -0.25)], axis=1), 16000)
    assert np.allclose(audio.read(path, 16000), 0.125, atol=1e-4)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".aiff"])
def test_formats(tmp_path, suffix):
    """Formats of libsndfile; no block is empty, and a reader can be iterated twice."""
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, tone(0.5, 16000), 16000)
    reader = audio.AudioReader(path, 16000)
    assert sum(map(len, reader)) == sum(map(len, reader)) and all(map(len, reader))
    assert suffix in audio.INPUT_SUFFIXES


def test_one_error_for_each_kind(tmp_path):
    """Missing file, folder, empty file, text, header without samples, NaN, truncated files."""
    path = tmp_path / "a.wav"

    def check(kind, words):
        with pytest.raises(kind, match=words) as caught:
            audio.read(path, 16000)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)

    check(errors.MissingFileError, "does not exist")
    path.mkdir()
    check(errors.MissingFileError, "is a folder")
    path.rmdir()
    path.write_bytes(b"")
    check(errors.EmptyAudioError, "is an empty file")
    path.write_text("hello, this is text " * 9)
    check(errors.AudioFormatError, "Format not recognised")
    soundfile.write(path, np.zeros(0), 16000)
    check(errors.EmptyAudioError, "no samples")
    soundfile.write(path, np.array([0.0] * 8000 + [np.nan]), 16000, subtype="FLOAT")
    check(errors.NonFiniteAudioError, "at 0.50 s")
    soundfile.write(path, tone(1.0, 16000), 16000)
    good = path.read_bytes()
    path.write_bytes(good[:-1000])
    check(errors.TruncatedFileError, "1000 bytes")
    path.write_bytes(good[:20])
    check(errors.AudioFormatError, "Malformed")
    soundfile.write(path, np.random.default_rng(0).normal(size=16000) * 0.1, 16000, format="FLAC")
    path.write_bytes(path.read_bytes()[:-5000])
    check(errors.TruncatedFileError, "cut off")


def test_wav_of_unknown_length_is_read_to_its_end(tmp_path):
    """Programs that write to a pipe store 0xFFFFFFFF as the size."""
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(0.5, 16000), 16000)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff" * 4
    path.write_bytes(data)
    assert len(audio.read(path, 16000)) == 8000
