"""What a corpus module yields: one audio file with its metadata."""

from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "dev", "test")
STREAMS = ("speech", "background")
BACKGROUND_CLASSES = ("environment", "music", "effects")


@dataclass(frozen=True)
class Recording:
    """One source file.

    Attributes:
        path: The audio file, in any format and sample rate.
        stream: ``speech`` or ``background``.
        split: ``train``, ``dev`` or ``test``.
        speaker: The speaker, or the source of a background.
        name: Name of the file among those of its speaker; :func:`utterance_id` converts it to ASCII.
        text: Transcript, empty if there is none.
        background_class: For a background: ``environment``, ``music`` or ``effects``.
        noisy: Whether the recording is known to contain noise.
    """

    path: Path
    stream: str
    split: str
    speaker: str
    name: str
    text: str = ""
    background_class: str = ""
    noisy: bool = False

    def __post_init__(self) -> None:
        if self.stream not in STREAMS or self.split not in SPLITS:
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
