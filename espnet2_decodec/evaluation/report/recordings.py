"""The recordings that a comparison kept for listening."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.data.mixtures import condition_order

TRUTH = "_truth"
"""Name of the folder with mixtures and stems, which is no system's."""

SUFFIXES = (".flac", ".wav")

SEEN = {
    "seen": True,
    "yes": True,
    "true": True,
    "1": True,
    "unseen": False,
    "no": False,
    "false": False,
    "0": False,
}


@dataclass(frozen=True)
class Recording:
    """One test recording and everything that can be heard of it.

    Attributes:
        uttid: its name.
        condition: as in scores.csv.
        speaker: as in scores.csv.
        seen: whether its background was among those of the training; None if that is not said.
        paths: (system, target) -> audio file; the system of mixture and stems is `TRUTH`.
    """

    uttid: str
    condition: str
    speaker: str
    seen: bool | None
    paths: dict[tuple[str, str], Path]


def find_recordings(
    folder: Path, rows: Sequence[Mapping[str, str]], systems: Sequence[str]
) -> tuple[list[Recording], list[str]]:
    """The recordings below `folder`, by condition and then name; none if there is no such folder.

    Args:
        folder: with <system>/<uttid>.<target>.flac or .wav. A folder that has no system's name belongs to the
            system whose name is the same but for the characters that file names do not hold.
        rows: lines of scores.csv.
        systems: their names.

    Returns:
        The recordings, and the names of folders and recordings that are neither truth nor in the rows.
    """
    about = {row["uttid"]: row for row in reversed(rows)}
    plain = [_plain(system) for system in systems]
    known = {name: system for name, system in zip(plain, systems) if plain.count(name) == 1}
    known |= {name: name for name in (TRUTH, *systems)}
    found: dict[str, dict[tuple[str, str], Path]] = {}
    strange: set[str] = set()
    for place in sorted(path for path in folder.glob("*") if path.is_dir()):
        system = known.get(place.name) or known.get(_plain(place.name))
        if system is None:
            strange.add(place.name)
            continue
        for path in sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()):
            name = path.relative_to(place).as_posix().removesuffix(path.suffix)
            uttid, _, target = name.rpartition(".")
            if uttid in about:
                found.setdefault(uttid, {}).setdefault((system, target), path)
            elif uttid and not path.name.startswith("."):
                strange.add(uttid)
    recordings = [_recording(uttid, about[uttid], paths) for uttid, paths in found.items()]
    return sorted(recordings, key=lambda r: (condition_order(r.condition), r.uttid)), sorted(strange)


def _recording(uttid: str, row: Mapping[str, str], paths: dict[tuple[str, str], Path]) -> Recording:
    """A recording with what scores.csv says of it."""
    return Recording(uttid, row["condition"], row["speaker"], SEEN.get(row["seen"].strip().lower()), paths)


def _plain(name: str) -> str:
    """A name as it may look as a file's: letters, digits, dots and plus signs stay, what is between them is one blank."""
    return re.sub(r"(?:[^\w.+]|_)+", " ", name).strip()
