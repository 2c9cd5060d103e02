"""Audio files of every format, made by libsndfile and PyAV."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

RATE = 16000


def chirp(seconds: float = 1.5, rate: int = RATE) -> np.ndarray:
    """A tone that rises from 200 Hz to 2 kHz, amplitude 0.3."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * (200 * time + 600 * time**2))


def encode(path: Path, codec: str, wav: np.ndarray, container: str | None = None, rate: int = RATE) -> Path:
    """Write samples by PyAV."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        if codec in BIT_RATES:
            stream.bit_rate = BIT_RATES[codec]
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
    "avr": {"format": "AVR"},
    "ircam": {"format": "IRCAM"},
    "paf": {"format": "PAF"},
    "pvf": {"format": "PVF"},
    "mpc2k": {"format": "MPC2K"},
    "mat4": {"format": "MAT4"},
    "mat5": {"format": "MAT5"},
    "mat5_big": {"format": "MAT5", "endian": "BIG"},
    "sds": {"format": "SDS"},
    "htk": {"format": "HTK"},
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
    "mkv": ("aac", "matroska"),
    "flac.mkv": ("flac", "matroska"),
    "mp2": ("mp2", "mp2"),
    "wv": ("wavpack", "wv"),
    "sox": ("pcm_s32le", "sox"),
    "ac3": ("ac3", "ac3"),
    "eac3": ("eac3", "eac3"),
    "flv": ("libmp3lame", "flv"),
    "blocks.voc": ("pcm_s16le", "voc"),
    "mp3.asf": ("libmp3lame", "asf"),
    "pcm.flv": ("pcm_s16le", "flv"),
    "rm": ("real_144", "rm"),
    "mpg": ("mp2", "mpeg"),
    "adx": ("adpcm_adx", "adx"),
    "alac.caf": ("alac", "caf"),
    "s64.wav": ("pcm_s64le", "wav"),
    "sbc": ("sbc", "sbc"),
    "nut": ("libmp3lame", "nut"),
    "pcm.nut": ("pcm_s16le", "nut"),
    "ast": ("pcm_s16be_planar", "ast"),
    "apm": ("adpcm_ima_apm", "apm"),
    "kvag": ("adpcm_ima_ssi", "kvag"),
    "smjpeg": ("pcm_s16le", "smjpeg"),
    "argo.asf": ("adpcm_argo", "argo_asf"),
}
"""Codec and container of PyAV."""
PADDED = {"gxf": ("pcm_s16le", "gxf"), "wtv": ("mp2", "wtv")}
"""The same for containers whose writers add silence, or blocks without samples, at the end."""
WITHOUT_LENGTH = ("ircam", "paf", "pvf")
"""Formats whose header does not state how long they are: one that is cut off is as good as a shorter one."""
CUT_BETWEEN_FRAMES = ("sbc", "mpg")
"""Formats in which a file that is cut off between two frames is as good as a shorter one."""
ONLY_SNDFILE = ("rifx", "au_little", "mpc2k", "mat4", "mat5", "mat5_big", "sds", "htk")
"""Formats that FFmpeg does not read, or reads wrong."""
RATES = {"ac3": 48000, "eac3": 48000, "gxf": 48000, "wtv": 48000, "flv": 44100, "pcm.flv": 44100, "rm": 8000}
"""Sample rates of encoders that have few."""
BIT_RATES = {"wmav2": 48000, "sbc": 100000}
"""Bit rates of encoders that need one."""


@pytest.fixture
def make(tmp_path):
    """Function that writes samples in one of the formats, and returns the path."""

    def write(kind: str, wav: np.ndarray, rate: int = RATE) -> Path:
        if kind in RATES:
            wav, rate = soxr.resample(wav, rate, RATES[kind]), RATES[kind]
        path = tmp_path / f"{kind}.{kind.split('.')[-1]}"
        if kind in SNDFILE:
            soundfile.write(path, wav, rate, **SNDFILE[kind])
            return path
        codec, container = (FFMPEG | PADDED)[kind]
        return encode(path, codec, wav, container, rate)

    return write
