"""Systems on the same test mixtures, scored in the same way; scores of earlier runs come from a cache."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.codec.padding import pad_to_frames
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.cache import CachedScores, hash_audio, metric_ids
from espnet2_decodec.evaluation.metrics.registry import ENGLISH_ONLY, measure
from espnet2_decodec.evaluation.mixture_set import MixtureItem, MixtureSet
from espnet2_decodec.evaluation.systems.base import TARGETS, System, Unavailable
from espnet2_decodec.evaluation.systems.identity import hash_source
from espnet2_decodec.evaluation.systems.specs import build, expand
from espnet2_decodec.evaluation.tables import Row
from espnet2_decodec.io.audio import read, write
from espnet2_decodec.training.energy_ratios import SILENCE_POWER

REMIX_FRAME = 320
"""Samples at 16 kHz in whole multiples of which the background of a remix is looped, the hop of the codec."""

DERIVED = {"si_sdri": "si_sdr"}
"""Metric -> the metric that it is computed along with."""

REFERENCE = "_truth"
"""Folder of the mixtures and true stems beside those of the systems."""


@dataclass(frozen=True)
class Entry:
    """A system of a benchmark.

    Attributes:
        name: of its rows and its folders.
        spec: to build it from.
        identity: of its version.
        kbps: kbit/s by target.
        description: of its model; may be empty.
    """

    name: str
    spec: str
    identity: dict[str, str]
    kbps: dict[str, float | None]
    description: str


@dataclass(frozen=True)
class BenchmarkResult:
    """The scores of a benchmark.

    Attributes:
        rows: one per system, recording and target: system, kbps, condition, seen, uttid, speaker, target, metrics.
        skipped: a line for each system that is unavailable here.
        computed: recordings that systems were run on; the scores of the others came from the cache.
        descriptions: system -> its model in words.
    """

    rows: list[Row]
    skipped: list[str]
    computed: int
    descriptions: dict[str, str]


@dataclass(frozen=True)
class Task:
    """One system on one recording.

    Attributes:
        system, spec: of the system.
        key: of the recording.
        remix: whether the background is exchanged, in place of estimating stems.
        cached: file of its scores.
        wavs: target -> file for the estimate; empty where none is written.
    """

    system: str
    spec: str
    key: str
    remix: bool
    cached: CachedScores
    wavs: Mapping[str, Path]


def run_benchmark(
    data: str | Path | Sequence[str | Path],
    specs: Sequence[str],
    out: str | Path,
    metrics: Sequence[str],
    targets: Sequence[str] = TARGETS[:3],
    keep: int = 0,
    limit: int | None = None,
    conditions: Sequence[str] = (),
    jobs: int = 1,
    device: str = "cpu",
    warn: Callable[[str], None] = lambda line: None,
    part: tuple[int, int] = (1, 1),
) -> BenchmarkResult:
    """Run systems on test mixtures and score their estimates at 16 kHz.

    Args:
        data: one or several folders that `make_mixtures` wrote, see `MixtureSet`.
        specs: of systems, see `systems.specs`.
        out: folder of the benchmark, for its cache and its wavs.
        metrics: names of metrics that are available here.
        targets: some of `TARGETS`.
        keep: of how many recordings of each condition and folder, the first ones, the estimates are written to out/wav.
        limit: the first recordings of each condition and folder only; None for all.
        conditions: some of those of the sets; empty for all.
        jobs: processes.
        device: of systems that can run elsewhere than on the CPU.
        warn: called with a line for each system that is skipped, before anything is run.
        part: (k, n), every n-th of these recordings, beginning with number k of 1..n, for jobs that share a cache.

    Raises:
        ValueError: if a set, a target, a condition or a spec cannot be used, two sets have a recording of the same
            name, or a system fails on a recording.
        FileNotFoundError: if a model does not exist.
    """
    for target in targets:
        if target not in TARGETS:
            raise ValueError(f"Unknown target {target!r}; there are {', '.join(TARGETS)}.")
    mixtures, out = MixtureSet(data), Path(out)
    keys = mixtures.select(conditions, limit)[part[0] - 1 :: part[1]]
    kept = set(mixtures.select(conditions, min(keep, limit or keep))) if keep else set()
    entries, skipped = _build_entries(specs, device, warn)
    ids = metric_ids(metrics)
    tasks = [task for entry in entries for task in _plan(entry, mixtures, keys, targets, kept, out)]
    todo = [task for task in tasks if not _is_done(task, ids)]
    _write_references(mixtures, sorted(kept & set(keys)), out)
    work = partial(Worker, data, ids, device)
    computed = len(list(parallel_map(work, todo, jobs, "evaluate")))
    kbps = {entry.name: entry.kbps for entry in entries}
    rows = []
    for task in tasks:
        for target, scores in task.cached.read().items():
            if target in targets:
                row: Row = {"system": task.system, "kbps": kbps[task.system][target]}
                row |= {"condition": mixtures.conditions[task.key], "seen": mixtures.seen.get(task.key, "")}
                row |= {"uttid": task.key, "speaker": mixtures.speakers[task.key], "target": target}
                wanted = (*ids, "level")
                rows.append(row | {name: scores[name] for name in scores if DERIVED.get(name, name) in wanted})
    descriptions = {entry.name: entry.description for entry in entries if entry.description}
    return BenchmarkResult(rows, skipped, computed, descriptions)


class Worker:
    """Runs tasks in one process, and keeps the system of the last one: tasks come sorted by system.

    Args:
        data: folders of the mixtures.
        ids: metric -> id of the way in which it is computed.
        device: of the systems.
    """

    def __init__(self, data: str | Path | Sequence[str | Path], ids: Mapping[str, str], device: str):
        self.data, self.ids, self.device = MixtureSet(data), ids, device
        self.spec = ""
        self.system: System | None = None

    def __call__(self, task: Task) -> None:
        """Run a system on a recording, and store the scores of its estimates.

        Raises:
            ValueError: if the system fails, with its name and the recording's.
        """
        if self.system is None or task.spec != self.spec:
            self.spec, self.system = task.spec, build(task.spec).to(self.device)
        item = self.data.load(task.key, SAMPLE_RATE)
        references = {target: getattr(item, target) for target in TARGETS[:3]}
        try:
            if task.remix:
                other = self.data.load(self.data.remix_source(task.key), SAMPLE_RATE)
                estimates, references = remix(self.system, item, other)
            else:
                estimates = self.system.estimate(item, SAMPLE_RATE)
        except (ValueError, RuntimeError, OSError) as problem:
            raise ValueError(f"{task.system} fails on {task.key}: {problem}") from problem
        wavs = {target: path for target, path in task.wavs.items() if target in estimates}
        for target, path in wavs.items():
            write(path, [estimates[target]], SAMPLE_RATE)
        ids = task.cached.missing(self.ids)
        undefined = set() if self.data.languages.get(task.key, "en") == "en" else ENGLISH_ONLY & ids.keys()
        names = [name for name in ids if name not in undefined]
        scores = {
            target: measure(target, references[target], wav, item.mixture, names, SAMPLE_RATE)
            | dict.fromkeys(undefined, math.nan)
            for target, wav in estimates.items()
        }
        task.cached.store(ids, scores, wavs)


def remix(system: System, item: MixtureItem, other: MixtureItem) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Estimate and reference of the speech of one mixture over the background of another.

    Both are empty where a stem is silent, or the system cannot remix.
    """
    if any(wav.square().mean() <= SILENCE_POWER for wav in (item.speech, item.background, other.background)):
        return {}, {}
    estimate = system.remix(item, other, SAMPLE_RATE)
    if estimate is None:
        return {}, {}
    return {"remix": estimate}, {"remix": item.speech + loop_frames(other.background, len(item.speech))}


def loop_frames(wav: Tensor, length: int, frame: int = REMIX_FRAME) -> Tensor:
    """[L'] -> [length]: padded to whole frames and repeated, as `DeCodec.remix` repeats the codes of a background."""
    return loop_to_length(pad_to_frames(wav[None], None, frame)[0][0], length)


def _build_entries(specs: Sequence[str], device: str, warn: Callable[[str], None]) -> tuple[list[Entry], list[str]]:
    """The systems of some specs, and a line for each that is unavailable here."""
    entries, skipped = [], []
    for name, spec in expand(specs).items():
        try:
            system = build(spec).to(device)
        except Unavailable as problem:
            skipped.append(f"{name} is skipped: {problem}")
            warn(skipped[-1])
            continue
        identity = system.identity() | {"frame": hash_source("evaluation/systems/base.py")}
        rates = {target: system.kbps(target) for target in TARGETS}
        kbps = {target: None if rate is None else round(rate, 4) for target, rate in rates.items()}
        entries.append(Entry(name, spec, identity, kbps, system.describe()))
    return entries, skipped


def _plan(
    entry: Entry, mixtures: MixtureSet, keys: Sequence[str], targets: Sequence[str], kept: set[str], out: Path
) -> list[Task]:
    """The tasks of one system, recording by recording."""
    folder, tasks = out / "cache" / entry.name, []
    for key in keys:
        version = entry.identity | ({"language": mixtures.languages[key]} if key in mixtures.languages else {})
        files = [paths[key] for paths in mixtures.paths.values()]
        if set(targets) & set(TARGETS[:3]):
            wavs = {target: wav_path(out, entry.name, key, target) for target in TARGETS[:3]} if key in kept else {}
            cached = CachedScores.locate(folder, key, version, hash_audio(files))
            tasks.append(Task(entry.name, entry.spec, key, False, cached, wavs))
        if "remix" in targets:
            other = mixtures.remix_source(key)
            files += [paths[other] for paths in mixtures.paths.values()]
            cached = CachedScores.locate(folder, key, version | {"target": "remix"}, hash_audio(files))
            tasks.append(Task(entry.name, entry.spec, key, True, cached, {}))
    return tasks


def _is_done(task: Task, ids: Mapping[str, str]) -> bool:
    """Whether nothing of a task is left to compute."""
    return task.cached.is_complete(ids) and (not task.wavs or task.cached.has_wavs(task.wavs))


def wav_path(out: Path, system: str, key: str, target: str) -> Path:
    """The file of an estimate that is kept."""
    return out / "wav" / system / f"{key}.{target}.flac"


def _write_references(mixtures: MixtureSet, keys: Sequence[str], out: Path) -> None:
    """Write mixtures and true stems of the recordings that are kept."""
    for key in keys:
        for stem, paths in mixtures.paths.items():
            write(wav_path(out, REFERENCE, key, stem), [read(paths[key], SAMPLE_RATE)], SAMPLE_RATE)
