"""Several systems on the same test mixtures, measured in the same way; only what is new is run."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation.compare_cache import Cache, metric_ids
from espnet2_decodec.evaluation.compare_sets import Sets, Workers
from espnet2_decodec.evaluation.compare_work import RATE
from espnet2_decodec.evaluation.scoring import MixtureSet
from espnet2_decodec.evaluation.systems import specs
from espnet2_decodec.evaluation.systems.base import TARGETS, Unavailable
from espnet2_decodec.evaluation.systems.identity import source
from espnet2_decodec.io.audio import read, write

Row = dict[str, str | float | None]
"""One answer to one recording: system, kbps, condition, seen, uttid, speaker, target, and the metrics."""

ORIGIN = {"si_sdri": "si_sdr"}
"""What is measured along with another metric."""

TRUTH = "_truth"
"""Folder of the mixtures and stems themselves beside those of the systems."""


@dataclass(frozen=True)
class Entry:
    """A system of a comparison: its name, its spec, what tells its versions apart, and kbit/s by target."""

    name: str
    spec: str
    identity: dict[str, str]
    kbps: dict[str, float | None]


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Attributes:
        rows: of all systems, recordings and targets.
        skipped: a line for each system that cannot be had here.
        done: how many answers were computed now; the others were there.
    """

    rows: list[Row]
    skipped: list[str]
    done: int


def entries(wanted: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """The systems of some specs, and a line for each that cannot be had here, which says what is missing.

    Raises:
        ValueError, FileNotFoundError: if a spec cannot be understood, or what it names cannot be used.
    """
    found, skipped = [], []
    for name, spec in specs.expand(wanted).items():
        try:
            system = specs.build(spec)
        except Unavailable as problem:
            skipped.append(f"{name} is skipped: {problem}")
            continue
        identity = system.identity() | {"frame": source("evaluation/systems/base.py")}
        found.append(Entry(name, spec, identity, {target: _rate(system.kbps, target) for target in TARGETS}))
    return found, skipped


def compare(
    data: str | Path | Sequence[str | Path],
    wanted: Sequence[str],
    out: str | Path,
    metrics: Sequence[str],
    keep: int = 0,
    limit: int | None = None,
    conditions: Sequence[str] = (),
    jobs: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> Comparison:
    """Run systems over test mixtures and measure what they answer, at 16 kHz.

    Args:
        data: one or several folders that `make_mixtures` wrote; the table utt2seen (uttid -> yes or no) of each may tell
            whether the source of a background is among the training data.
        wanted: specs of systems.
        out: folder of the comparison, for its cache and its wavs.
        metrics: names of metrics that can be taken here.
        keep: of how many recordings of each condition and folder, the first ones, the answers are written to out/wav.
        limit: the first recordings of each condition and folder only; None for all.
        conditions: some of those of the sets; empty for all.
        jobs: processes.
        tell: gets a line for each system that is skipped, before anything is run.

    Raises:
        ValueError: if a set, a condition or a spec cannot be used, two sets have a recording of the same name, or a
            system fails on a recording.
        FileNotFoundError: if a model is not there.
    """
    sets, cache = Sets(data), Cache(Path(out) / "cache")
    keys = _chosen(sets, conditions, limit)
    kept = set(_chosen(sets, conditions, min(keep, limit) if limit else keep)) if keep else set()
    systems, skipped = entries(wanted)
    for line in skipped:
        tell(line)
    ids = metric_ids(metrics)
    content = {key: cache.content([paths[key] for paths in sets.paths.values()]) for key in keys}
    todo = []
    for entry in systems:
        for key in keys:
            task = cache.task(entry.name, entry.identity, key, content[key])
            if not cache.complete(task, ids) or (key in kept and not cache.heard(task, Path(out))):
                todo.append((sets.home[key], (task, entry.spec, key in kept)))
    _write_truth(sets, sorted(kept), Path(out))
    work = partial(Workers, Path(out), ids)
    done = sum(1 for _ in parallel_map(work, todo, jobs, "evaluate"))
    rows = []
    for entry in systems:
        for key in keys:
            answers = cache.read(cache.task(entry.name, entry.identity, key, content[key]))
            for target in (target for target in TARGETS if target in answers):
                about = {"condition": sets.conditions[key], "seen": sets.seen.get(key, ""), "uttid": key}
                about |= {"speaker": sets.speakers[key], "target": target}
                scores = {
                    name: value for name, value in answers[target].items() if ORIGIN.get(name, name) in (*ids, "level")
                }
                rows.append({"system": entry.name, "kbps": entry.kbps[target], **about, **scores})
    return Comparison(rows, skipped, done)


def chosen(folder: MixtureSet, conditions: Sequence[str] = (), limit: int | None = None) -> list[str]:
    """The first recordings of each condition, in the order in which they were mixed where their ids tell it.

    Raises:
        ValueError: if the set has no such condition, or the limit is below 1.
    """
    there = list(dict.fromkeys(folder.conditions.values()))
    for condition in conditions:
        if condition not in there:
            raise ValueError(f"The set has no condition {condition!r}; there are {', '.join(there)}.")
    if limit is not None and limit < 1:
        raise ValueError(f"At least 1 recording of each condition is needed, not {limit}.")
    found = []
    for condition in conditions or there:
        found += sorted((key for key in folder.keys if folder.conditions[key] == condition), key=_place)[:limit]
    return found


def _chosen(sets: Sets, conditions: Sequence[str], limit: int | None) -> list[str]:
    """Those of each folder; a condition that only some folders have is taken from these, one that none has is refused."""
    found, known = [], set(sets.conditions.values())
    for folder in sets.folders.values():
        here = set(folder.conditions.values())
        wanted = [condition for condition in conditions if condition in here or condition not in known]
        if wanted or not conditions:
            found += chosen(folder, wanted, limit)
    return found


def _place(key: str) -> tuple[int, str]:
    """Where a recording stands among those of its condition: `make_mixtures` numbers the segments in its ids."""
    number = re.search(r"_(\d+)_[^_]+$", key)
    return (int(number[1]) if number else 0), key


def _rate(kbps: Callable[[str], float | None], target: str) -> float | None:
    """kbit/s, without the noise of binary fractions."""
    rate = kbps(target)
    return None if rate is None else round(rate, 4)


def _write_truth(sets: Sets, keys: Sequence[str], out: Path) -> None:
    """Mixtures and stems of the recordings that are kept."""
    for key in keys:
        for stem, paths in sets.paths.items():
            write(out / "wav" / TRUTH / f"{key}.{stem}.flac", [read(paths[key], RATE)], RATE)
