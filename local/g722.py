"""G.722 files (16 kHz, 64 kbit/s), decoded by PyAV or else by ffmpeg, which give the same samples."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

SAMPLE_RATE = 16000


def decode(path: Path) -> np.ndarray:
    """A raw .g722 file as ``[L]`` float32 in [-1, 1] at 16 kHz.

    Raises:
        ValueError: No decoder is installed, or it rejects the file.
    """
    return find_decoder()(path).astype(np.float32) / 32768.0


def find_decoder() -> Callable[[Path], np.ndarray]:
    """The installed decoder; called early, so that it is missed before anything is downloaded.

    Raises:
        ValueError: Neither PyAV nor ffmpeg is installed.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        if not shutil.which("ffmpeg"):
            raise ValueError(
                "The asterisk recordings are G.722: pip install av (needs no root), or install ffmpeg."
            ) from None
        return decode_ffmpeg
    return decode_pyav


def decode_ffmpeg(path: Path) -> np.ndarray:
    """Decode in a subprocess; ``[L]`` int16."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "g722", "-i", str(path), "-f", "s16le", "-ac", "1", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise ValueError(f"{path} cannot be decoded as G.722: {done.stderr.decode(errors='replace').strip()}")
    return np.frombuffer(done.stdout, dtype="<i2")


def decode_pyav(path: Path) -> np.ndarray:
    """Decode in this process; ``[L]`` int16."""
    import av

    try:
        with av.open(str(path), format="g722") as container:
            frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    except (av.FFmpegError, OSError) as error:
        raise ValueError(f"{path} cannot be decoded as G.722: {error}") from error
    return np.concatenate(frames) if frames else np.zeros(0, dtype=np.int16)
