"""What a corpus module yields: one audio file with the facts that the data directories need."""

from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "dev", "test")
STREAMS = ("speech", "background")
SOUNDS = ("environment", "music", "effects")


@dataclass(frozen=True)
class Recording:
    """One source file.

    Attributes:
        path: The audio file, in whatever format and sample rate it came.
        stream: ``speech`` or ``background``.
        split: ``train``, ``dev`` or ``test``.
        label: The speaker, or for a background the source it came from.
        name: The file's name inside its label; made safe for an utterance id later.
        text: What is said, empty where nobody wrote it down.
        sound: For a background: ``environment``, ``music`` or ``effects``.
        noisy: Whether the recording is known to carry noise of its own.
    """

    path: Path
    stream: str
    split: str
    label: str
    name: str
    text: str = ""
    sound: str = ""
    noisy: bool = False

    def __post_init__(self) -> None:
        if self.stream not in STREAMS or self.split not in SPLITS:
            raise ValueError(f"{self.path}: no such set as {self.stream}_{self.split}.")
        if self.stream == "background" and self.sound not in SOUNDS:
            raise ValueError(f"{self.path}: a background is one of {', '.join(SOUNDS)}, not '{self.sound}'.")


def safe(name: str) -> str:
    """``name`` in ASCII letters, digits, underscores: other ASCII becomes ``_``, the rest its code point."""
    mapped = (c if c.isascii() and c.isalnum() else "_" if c.isascii() else f"u{ord(c):x}" for c in name)
    return "".join(mapped).strip("_") or "_"


def utterance_id(recording: Recording) -> str:
    """``<label>-<name>``: the speaker first, so that sorting by utterance also sorts by speaker."""
    return f"{safe(recording.label)}-{safe(recording.name)}"
