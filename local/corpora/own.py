"""The user's own folders: a folder inside is a speaker or a source, and stays on one side of the split."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from local.audio import SUFFIXES
from local.corpora import audio_files
from local.recording import Recording


def recordings(folder: Path, stream: str, dev: float, test: float) -> Iterator[Recording]:
    """Every audio file below ``folder``, split by label: the top-level folder, or the file that is in none.

    Args:
        folder: The user's folder.
        stream: ``speech`` or ``background``.
        dev: Share of the labels for dev; at least one.
        test: Share of the labels for test; at least one.

    Raises:
        ValueError: No such folder, no audio in it, too few labels, or shares that leave nothing to train on.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    files = [(label_of(name), path, name) for path, name in audio_files(folder) if not path.name.startswith(".")]
    if not files:
        raise ValueError(f"{folder} holds no audio: {', '.join(SUFFIXES)} are looked for, in folders inside it too.")
    splits = split_labels(sorted({label for label, _, _ in files}), dev, test, folder)
    for label, path, name in files:
        sound = "environment" if stream == "background" else ""
        yield Recording(path, stream, splits[label], label, name.removeprefix(f"{label}/"), sound=sound)


def label_of(name: str) -> str:
    """The top-level folder of ``name``, or ``name`` itself."""
    return name.split("/")[0]


def split_labels(labels: list[str], dev: float, test: float, folder: Path) -> dict[str, str]:
    """Label -> split, in an order that depends on the labels alone, so that it is the same on every machine.

    Raises:
        ValueError: Fewer than three labels, or shares that leave nothing to train on.
    """
    if len(labels) < 3:
        raise ValueError(
            f"{folder} has only {', '.join(labels)}: train, dev and test need a speaker or source each. "
            "Make at least three folders, or put the files straight into it if they have nothing in common."
        )
    num_dev, num_test = (max(1, round(share * len(labels))) for share in (dev, test))
    if min(dev, test) < 0 or num_dev + num_test >= len(labels):
        raise ValueError(
            f"--dev {dev} and --test {test} leave none of the {len(labels)} folders in {folder} to train on."
        )
    order = sorted(labels, key=lambda label: hashlib.sha256(label.encode()).digest())
    names = ["dev"] * num_dev + ["test"] * num_test + ["train"] * (len(labels) - num_dev - num_test)
    return dict(zip(order, names, strict=True))
