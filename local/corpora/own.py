"""Folders of the user: each folder inside is a speaker or a source, and is in one set only."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from espnet2_decodec.folders import find_files, suffix_counts
from local.audio import SUFFIXES
from local.recording import Recording


def recordings(folder: Path, stream: str, dev: float, test: float) -> Iterator[Recording]:
    """Every audio file below ``folder``, split by speaker or source: its top-level folder, or the file itself.

    Args:
        folder: The user's folder.
        stream: ``speech`` or ``background``.
        dev: Fraction of the speakers for dev; at least one.
        test: Fraction of the speakers for test; at least one.

    Raises:
        ValueError: The folder does not exist, has no audio, a broken link or a folder that cannot be read, or too few
            speakers for three sets.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    found = find_files(folder, SUFFIXES)
    if found.problems:
        rest = f" {len(found.problems) - 1} more problems follow in this folder." if len(found.problems) > 1 else ""
        raise ValueError(f"{found.problems[0][1]} Mend or remove it.{rest}")
    if found.other:
        print(f"left out of {folder}: {suffix_counts(found.other)}, as their format is not read")
    names = [(path, path.relative_to(folder).with_suffix("").as_posix()) for path in found.files]
    files = [(speaker_of(name), path, name) for path, name in names]
    if not files:
        suffixes = ", ".join(SUFFIXES)
        raise ValueError(f"{folder} contains no audio file: {suffixes} are supported, also in folders inside it.")
    splits = split_speakers(sorted({speaker for speaker, _, _ in files}), dev, test, folder)
    background_class = "environment" if stream == "background" else ""
    for speaker, path, name in files:
        name = name.removeprefix(f"{speaker}/")
        yield Recording(path, stream, splits[speaker], speaker, name, background_class=background_class)


def speaker_of(name: str) -> str:
    """The top-level folder of ``name``, or ``name`` itself."""
    return name.split("/")[0]


def split_speakers(speakers: list[str], dev: float, test: float, folder: Path) -> dict[str, str]:
    """Speaker or source -> split. The order depends only on the names, so the result is the same on every machine.

    Raises:
        ValueError: There are fewer than three speakers, or the fractions leave nothing to train on.
    """
    if len(speakers) < 3:
        raise ValueError(
            f"{folder} has only {', '.join(speakers)}: train, dev and test need at least one speaker or source each. "
            "Make at least three folders, or put unrelated files directly into it."
        )
    num_dev, num_test = (max(1, round(fraction * len(speakers))) for fraction in (dev, test))
    if min(dev, test) < 0 or num_dev + num_test >= len(speakers):
        raise ValueError(
            f"--dev {dev} and --test {test} leave none of the {len(speakers)} folders in {folder} to train on."
        )
    order = sorted(speakers, key=lambda speaker: hashlib.sha256(speaker.encode()).digest())
    names = ["dev"] * num_dev + ["test"] * num_test + ["train"] * (len(speakers) - num_dev - num_test)
    return dict(zip(order, names, strict=True))
