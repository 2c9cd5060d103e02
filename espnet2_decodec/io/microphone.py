"""Recording from a microphone by PortAudio."""

import importlib
from types import TracebackType
from typing import Any

from espnet2_decodec.extras import require

SAMPLE_BYTES = 2


class Microphone:
    """Signed 16-bit mono samples as they are recorded, as bytes like those of a file; Ctrl-C ends the recording.

    Args:
        sample_rate: in Hz.
        device: number, or part of the name; empty for the default device.

    Raises:
        ImportError: if the package sounddevice is missing.
        ValueError: if PortAudio is missing, or there is no such device, or it does not record at this rate.
    """

    def __init__(self, sample_rate: int, device: str = ""):
        require("microphone", "Recording from a microphone", "sounddevice")
        name = f"microphone {device!r}" if device else "default microphone"
        try:
            sounddevice = importlib.import_module("sounddevice")
            self._stream: Any = sounddevice.RawInputStream(
                sample_rate, channels=1, dtype="int16", device=int(device) if device.isdecimal() else device or None
            )
        except Exception as error:  # an OSError without PortAudio, and types of the package
            message = " ".join(str(error).split())
            raise ValueError(f"The {name} cannot be opened: {message}.") from error

    def __enter__(self) -> "Microphone":
        self._stream.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stream.close()

    def read(self, size: int) -> bytes:
        """The next `size` bytes; none after Ctrl-C."""
        try:
            samples, _ = self._stream.read(size // SAMPLE_BYTES)
        except KeyboardInterrupt:
            return b""
        return bytes(samples)
