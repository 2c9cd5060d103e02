"""G.722 files (16 kHz, 64 kbit/s), decoded by ffmpeg, or by PyAV where there is no ffmpeg."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

SAMPLE_RATE = 16000


def decode(path: Path) -> np.ndarray:
    """A raw .g722 file as ``[L]`` float32 in [-1, 1] at 16 kHz.

    Raises:
        ValueError: No decoder is installed, or the decoder refused the file.
    """
    if shutil.which("ffmpeg"):
        pcm = _with_ffmpeg(path)
    else:
        pcm = _with_pyav(path)
    return pcm.astype(np.float32) / 32768.0


def check() -> None:
    """Fail early, before anything is fetched.

    Raises:
        ValueError: Neither ffmpeg nor PyAV is there.
    """
    if not shutil.which("ffmpeg"):
        _import_pyav()


def _import_pyav():
    try:
        import av
    except ImportError as error:
        raise ValueError(
            "The asterisk recordings are G.722: install ffmpeg, or the Python package av (pip install av), which needs no root."
        ) from error
    return av


def _with_ffmpeg(path: Path) -> np.ndarray:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "g722", "-i", str(path), "-f", "s16le", "-ac", "1", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise ValueError(f"{path} cannot be decoded as G.722: {done.stderr.decode(errors='replace').strip()}")
    return np.frombuffer(done.stdout, dtype="<i2")


def _with_pyav(path: Path) -> np.ndarray:
    av = _import_pyav()
    try:
        with av.open(str(path), format="g722") as container:
            frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be decoded as G.722: {error}") from error
    return np.concatenate(frames) if frames else np.zeros(0, dtype=np.int16)
