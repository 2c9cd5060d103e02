"""Audio files of every format, made by libsndfile and PyAV."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

RATE = 16000


def chirp(seconds: float = 1.5, rate: int = RATE) -> np.ndarray:
    """A tone that rises from 200 Hz to 2 kHz, amplitude 0.3."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * (200 * time + 600 * time**2))


def encode(path: Path, codec: str, wav: np.ndarray, container: str | None = None, rate: int = RATE) -> Path:
    """Write samples by PyAV."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        if codec == "wmav2":
            stream.bit_rate = 48000
        size = stream.codec_context.frame_size or 1024
        stream.codec_context.time_base = Fraction(1, rate)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate, frame_size=size)
        frame = av.AudioFrame.from_ndarray(wav.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


SNDFILE = {
    "wav": {"format": "WAV"},
    "wav_24": {"format": "WAV", "subtype": "PCM_24"},
    "wav_float": {"format": "WAV", "subtype": "FLOAT"},
    "wav_double": {"format": "WAV", "subtype": "DOUBLE"},
    "wav_ulaw": {"format": "WAV", "subtype": "ULAW"},
    "wav_adpcm": {"format": "WAV", "subtype": "MS_ADPCM"},
    "wavex": {"format": "WAVEX"},
    "rifx": {"format": "WAV", "endian": "BIG"},
    "rf64": {"format": "RF64"},
    "w64": {"format": "W64"},
    "aiff": {"format": "AIFF"},
    "aiff_float": {"format": "AIFF", "subtype": "FLOAT"},
    "au": {"format": "AU"},
    "au_little": {"format": "AU", "endian": "LITTLE"},
    "caf": {"format": "CAF"},
    "caf_float": {"format": "CAF", "subtype": "FLOAT"},
    "nist": {"format": "NIST"},
    "svx": {"format": "SVX"},
    "voc": {"format": "VOC"},
    "flac": {"format": "FLAC"},
    "flac_24": {"format": "FLAC", "subtype": "PCM_24"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "mp3": {"format": "MP3"},
}
"""Options of soundfile.write."""

FFMPEG = {
    "m4a": ("aac", None),
    "alac.m4a": ("alac", None),
    "aac": ("aac", "adts"),
    "webm": ("libopus", None),
    "mka": ("libopus", None),
    "wma": ("wmav2", "asf"),
    "mp4": ("aac", None),
    "avi": ("libmp3lame", None),
    "mov": ("aac", None),
    "oga": ("flac", "ogg"),
    "ts": ("aac", "mpegts"),
    "tta": ("tta", None),
}
"""Codec and container of PyAV."""


@pytest.fixture
def make(tmp_path):
    """Function that writes samples in one of the formats, and returns the path."""

    def write(kind: str, wav: np.ndarray, rate: int = RATE) -> Path:
        path = tmp_path / f"{kind}.{kind.split('.')[-1]}"
        if kind in SNDFILE:
            soundfile.write(path, wav, rate, **SNDFILE[kind])
            return path
        return encode(path, FFMPEG[kind][0], wav, FFMPEG[kind][1], rate)

    return write
