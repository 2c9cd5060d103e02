"""Audio files that `decodec evaluate --keep` wrote beside its tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.data.mixtures import condition_order
from espnet2_decodec.evaluation.benchmark import REFERENCE

SUFFIXES = (".flac", ".wav")
TRUE, FALSE = ("seen", "yes", "true", "1"), ("unseen", "no", "false", "0")


@dataclass(frozen=True)
class Recording:
    """One test recording with all of its audio files.

    Attributes:
        uttid, condition, speaker: as in the table of scores.
        seen: whether its background source was in the training set; None if unknown.
        paths: (system, target) -> audio file; mixture and reference stems have the system `REFERENCE`.
    """

    uttid: str
    condition: str
    speaker: str
    seen: bool | None
    paths: dict[tuple[str, str], Path]


def find_recordings(
    folder: Path, rows: Sequence[Mapping[str, str]], systems: Sequence[str]
) -> tuple[list[Recording], list[str]]:
    """Find the audio files below a folder.

    Args:
        folder: holds <system>/<uttid>.<target>.flac or .wav. A folder whose name equals no system's belongs to the
            system of the same name up to characters that are not allowed in file names.
        rows: rows of the table of scores.
        systems: names of the systems.

    Returns:
        Recordings sorted by condition and name, and the names of folders and recordings without scores.
    """
    row_of = {row["uttid"]: row for row in reversed(rows)}
    simplified = [_simplify(system) for system in systems]
    system_of = {name: system for name, system in zip(simplified, systems) if simplified.count(name) == 1}
    system_of |= {name: name for name in (REFERENCE, *systems)}
    paths: dict[str, dict[tuple[str, str], Path]] = {}
    unscored: set[str] = set()
    for subfolder in sorted(path for path in folder.glob("*") if path.is_dir()):
        system = system_of.get(subfolder.name) or system_of.get(_simplify(subfolder.name))
        if system is None:
            unscored.add(subfolder.name)
            continue
        for path in sorted(path for path in subfolder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()):
            name = path.relative_to(subfolder).as_posix().removesuffix(path.suffix)
            uttid, _, target = name.rpartition(".")
            if uttid in row_of:
                paths.setdefault(uttid, {}).setdefault((system, target), path)
            elif uttid and not path.name.startswith("."):
                unscored.add(uttid)
    recordings = [_recording(uttid, row_of[uttid], found) for uttid, found in paths.items()]
    return sorted(recordings, key=lambda r: (condition_order(r.condition), r.uttid)), sorted(unscored)


def _recording(uttid: str, row: Mapping[str, str], paths: dict[tuple[str, str], Path]) -> Recording:
    """A recording with the attributes of its row."""
    seen = row["seen"].strip().lower()
    return Recording(uttid, row["condition"], row["speaker"], seen in TRUE if seen in (*TRUE, *FALSE) else None, paths)


def _simplify(name: str) -> str:
    """A name with every run of characters other than letters, digits, dots and plus signs replaced by one space."""
    return re.sub(r"(?:[^\w.+]|_)+", " ", name).strip()
