"""The result of corpus modules: one audio file with its metadata."""

from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "dev", "test")
STREAMS = ("speech", "background")
ROOMS = "rir"
"""Stream of room impulse responses, which not every corpus has."""
BACKGROUND_CLASSES = ("environment", "music", "effects")


@dataclass(frozen=True)
class Recording:
    """One source file, or a part of it.

    Attributes:
        path: The audio file, in any format and sample rate.
        stream: ``speech``, ``background`` or ``rir``.
        split: ``train``, ``dev`` or ``test``.
        speaker: The speaker, or the source of a background.
        name: Name of the file among those of its speaker; :func:`utterance_id` converts it to ASCII.
        text: Transcript, empty if there is none.
        background_class: For a background: ``environment``, ``music`` or ``effects``.
        noisy: Whether the recording is known to contain noise.
        start: Seconds of the file before the recording.
        seconds: Duration of the recording; None to the end of the file.
        channel: Channel of the file, from 0; None for the mean of all.
    """

    path: Path
    stream: str
    split: str
    speaker: str
    name: str
    text: str = ""
    background_class: str = ""
    noisy: bool = False
    start: float = 0.0
    seconds: float | None = None
    channel: int | None = None

    def __post_init__(self) -> None:
        if self.stream not in (*STREAMS, ROOMS) or self.split not in SPLITS:
            raise ValueError(f"{self.path}: there is no set {self.stream}_{self.split}.")
        if self.stream == "background" and self.background_class not in BACKGROUND_CLASSES:
            classes = ", ".join(BACKGROUND_CLASSES)
            raise ValueError(
                f"{self.path}: the class of a background is one of {classes}, not '{self.background_class}'."
            )


def ascii_name(name: str) -> str:
    """``name`` in ASCII letters, digits and underscores: other ASCII becomes ``_``, the rest its code point."""
    mapped = (c if c.isascii() and c.isalnum() else "_" if c.isascii() else f"u{ord(c):x}" for c in name)
    return "".join(mapped).strip("_") or "_"


def utterance_id(recording: Recording) -> str:
    """``<speaker>-<name>``: sorting by utterance also sorts by speaker."""
    return f"{ascii_name(recording.speaker)}-{ascii_name(recording.name)}"
