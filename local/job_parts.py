"""Preparation in a job array: a list of recordings, parts of it that jobs convert, and what they have made."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from espnet2_decodec.atomic import atomic_write
from local.data_dir import Utterance
from local.format_wav import Result, assign_ids, format_recording, remove_duplicates
from local.recording import Recording

LIST, DUPLICATES, PARTS = "recordings.jsonl", "duplicates.jsonl", "parts"


def write_list(recordings: Iterable[Recording], folder: Path) -> int:
    """Write the recordings with their ids, without repeated files; return their number.

    What jobs have converted from the same list before is kept.
    """
    kept, duplicates = remove_duplicates(recordings)
    before = (folder / LIST).read_bytes() if (folder / LIST).is_file() else b""
    _write(folder / DUPLICATES, map(_describe, duplicates))
    _write(folder / LIST, ({"id": name, "recording": asdict(recording)} for name, recording in assign_ids(kept)))
    if (folder / LIST).read_bytes() != before:
        for path in (folder / PARTS).glob("*.jsonl"):
            path.unlink()
    return len(kept)


def convert_part(folder: Path, wav_folder: Path, part: tuple[int, int]) -> int:
    """Convert every n-th recording of the list, beginning with number k, unless that was done; return their number."""
    if not (folder / LIST).is_file():
        return 0
    done = folder / PARTS / f"{part[0]}_{part[1]}.jsonl"
    rows = _read(folder / LIST)[part[0] - 1 :: part[1]]
    if not done.is_file():
        named = ((row["id"], _recording(row["recording"])) for row in rows)
        _write(done, (_describe(format_recording(pair, wav_folder)) for pair in named))
    return len(rows)


def collect(folder: Path) -> tuple[list[Result], list[Result]] | None:
    """The results of all jobs, and the repeated files; None if there is no list.

    Raises:
        ValueError: A job has not finished.
    """
    if not (folder / LIST).is_file():
        return None
    parts = sorted((folder / PARTS).glob("*.jsonl"))
    results = [_result(row) for path in parts for row in _read(path)]
    count = len(_read(folder / LIST))
    if len(results) != count:
        raise ValueError(f"{folder}: {len(results)} of {count} recordings are converted: run the jobs again (stage 1).")
    return results, [_result(row) for row in _read(folder / DUPLICATES)]


def remove(folder: Path) -> None:
    """Remove list and parts."""
    for path in (folder / LIST, folder / DUPLICATES, *(folder / PARTS).glob("*.jsonl")):
        path.unlink(missing_ok=True)
    if (folder / PARTS).is_dir():
        (folder / PARTS).rmdir()


def _describe(result: Result) -> dict[str, Any]:
    return {
        "recording": asdict(result.recording),
        "utterances": [asdict(utterance) for utterance in result.utterances],
        "problem": result.problem,
    }


def _result(row: dict[str, Any]) -> Result:
    utterances = tuple(Utterance(**{**found, "path": Path(found["path"])}) for found in row["utterances"])
    return Result(_recording(row["recording"]), utterances, row["problem"])


def _recording(row: dict[str, Any]) -> Recording:
    return Recording(**{**row, "path": Path(row["path"])})


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, default=str) + "\n" for row in rows)


def _read(path: Path) -> Sequence[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
