"""Sets that share no speaker and no source, over all corpora."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from local.recording import SPLITS, STREAMS, Recording

SHARE = 0.1
"""Share of the training speakers or sources that a missing set gets, at least one."""


def keep_apart(recordings: Sequence[Recording]) -> tuple[list[Recording], list[str]]:
    """Leave out of train the speakers and sources that are also in dev or test, and out of dev those in test.

    Returns:
        The recordings that are kept, and a line for each set that lost some.
    """
    last: dict[tuple[str, str], str] = {}
    for recording in recordings:
        key = recording.stream, recording.speaker
        last[key] = max(recording.split, last.get(key, "train"), key=SPLITS.index)
    kept: list[Recording] = []
    lost: dict[tuple[str, str], list[Recording]] = {}
    for recording in recordings:
        if recording.split == last[recording.stream, recording.speaker]:
            kept.append(recording)
        else:
            lost.setdefault((recording.stream, recording.split), []).append(recording)
    return kept, [
        f"{stream}: {len(found)} left out: recordings of {split} whose speaker or source is also in dev or test "
        f"(first: {found[0].path})"
        for (stream, split), found in lost.items()
    ]


def fill_missing_splits(recordings: Sequence[Recording]) -> tuple[list[Recording], list[str]]:
    """Move some training speakers or sources to dev or test, where the corpora have no recordings for it.

    Returns:
        The recordings, and a line for each set that was filled.

    Raises:
        ValueError: There are too few speakers or sources.
    """
    filled, lines = list(recordings), []
    for stream in STREAMS:
        for split in ("dev", "test"):
            if any((r.stream, r.split) == (stream, split) for r in filled):
                continue
            labels = {r.speaker for r in filled if (r.stream, r.split) == (stream, "train")}
            if len(labels) < 2:
                raise ValueError(
                    f"There is no {stream} for {split}, and training has only {' '.join(labels) or 'nothing'}: "
                    "name a further corpus."
                )
            order = sorted(labels, key=lambda label: hashlib.sha256(label.encode()).digest())
            moved = set(order[: max(1, round(SHARE * len(order)))])
            filled = [replace(r, split=split) if r.stream == stream and r.speaker in moved else r for r in filled]
            lines.append(f"{stream}: no corpus has a {split} set, so it has {len(moved)} of {len(labels)} of train")
    return filled, lines
