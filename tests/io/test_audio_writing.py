"""Audio files are written atomically, and clipping is counted or avoided."""

import av
import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.cli.parser import AUDIO_FORMATS
from espnet2_decodec.io import audio, errors
from espnet2_decodec.io.audio import OUTPUT_FORMATS, AudioWriter, write


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".m4a", ".WAV"])
def test_suffix_is_the_format(tmp_path, suffix):
    """A file written in blocks has the exact samples and length."""
    wav = 0.4 * torch.sin(torch.arange(20001) / 20)
    writer = write(tmp_path / "new" / f"a{suffix}", wav.split(777), 16000)
    read = audio.read(writer.path, 16000)
    assert len(read) == writer.samples == 20001
    error = torch.linalg.norm(read - wav) / torch.linalg.norm(wav)
    assert error < (0.1 if suffix in (".ogg", ".opus", ".m4a") else 1e-4)
    assert [p.name for p in writer.path.parent.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", [".opus", ".m4a"])
@pytest.mark.parametrize("samples", [1, 959, 1023, 1024, 1025, 20001])
def test_lossy_files_are_exactly_as_long(tmp_path, suffix, samples):
    """The delay of the encoder and the padding of its last frame are not part of the recording."""
    wav = 0.3 * torch.sin(torch.arange(samples) ** 2 / 1e5)
    read = audio.read(write(tmp_path / f"a{suffix}", wav.split(777), 16000).path, 16000)
    assert len(read) == samples and (read - wav).abs().max() <= 0.3


def test_headers_of_each_format(tmp_path):
    """Codec, sample rate, channels, and the program that wrote the file."""
    codecs = {".wav": "pcm_s16le", ".flac": "flac", ".ogg": "vorbis", ".opus": "opus", ".m4a": "aac"}
    assert codecs.keys() == OUTPUT_FORMATS.keys() == {f".{name}" for name in AUDIO_FORMATS}
    for suffix, codec in codecs.items():
        write(tmp_path / f"a{suffix}", [np.zeros(4000)], 16000)
        with av.open(str(tmp_path / f"a{suffix}")) as file:
            context, tags = file.streams[0].codec_context, {**file.metadata, **file.streams[0].metadata}
            assert context.name.removeprefix("lib") == codec and context.channels == 1
            assert context.sample_rate == (48000 if suffix == ".opus" else 16000)
            assert suffix == ".wav" or any(text.startswith("espnet2_decodec") for text in tags.values())


def test_sample_rates_that_a_format_does_not_have(tmp_path):
    """One line, and no file."""
    for suffix, name in ((".m4a", "AAC"), (".opus", "OPUS")):
        with pytest.raises(ValueError, match=f"{name} has no sample rate of 11111 Hz; write another format"):
            write(tmp_path / f"a{suffix}", [np.zeros(10)], 11111)
    assert not list(tmp_path.iterdir())


def test_clipping_is_counted(tmp_path):
    """Samples are clipped, not wrapped."""
    writer = write(tmp_path / "a.wav", [np.array([0.5, 1.5, -3.0])], 16000)
    assert writer.clipped == 2 and writer.peak == 3.0
    assert np.allclose(soundfile.read(writer.path)[0], [0.5, 1.0, -1.0], atol=1e-3)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_rescale_applies_one_gain(tmp_path, suffix):
    """The gain is the same for the whole file, and 1 if nothing would clip."""
    writer = write(tmp_path / f"a{suffix}", [np.array([0.5, 1.5]), np.array([-3.0])], 16000, rescale=True)
    assert writer.clipped == 0
    assert np.allclose(soundfile.read(writer.path)[0], np.array([0.5, 1.5, -3.0]) * 0.33, atol=1e-3)
    writer = write(tmp_path / f"b{suffix}", [np.array([0.5, -0.7])], 16000, rescale=True)
    assert np.allclose(soundfile.read(writer.path)[0], [0.5, -0.7], atol=1e-3)
    assert len(list(tmp_path.iterdir())) == 2


def test_rescale_of_lossy_files(tmp_path):
    """The gain is applied before the encoder."""
    wav = 2 * torch.sin(torch.arange(20001) / 20)
    read = audio.read(write(tmp_path / "a.m4a", [wav], 16000, rescale=True).path)
    assert len(read) == 20001 and torch.linalg.norm(2 * read - 0.99 * wav) < 0.1 * torch.linalg.norm(wav)


@pytest.mark.parametrize("rescale", [False, True])
def test_failure_leaves_the_old_file(tmp_path, rescale):
    """After an exception the old file stays, without temporary files."""
    path = tmp_path / "a.wav"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        with AudioWriter(path, 16000, rescale) as writer:
            writer.write(np.zeros(10))
            raise RuntimeError
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_unknown_suffix(tmp_path):
    """The message lists the supported suffixes."""
    with pytest.raises(errors.UnknownSuffixError, match=r"one of .wav .flac .ogg"):
        AudioWriter(tmp_path / "a.mp3", 16000)
