"""Clean speech of LibriSpeech through codecs: PESQ, STOI, naturalness, words and speakers of what is decoded.

The field compares codecs by these figures on LibriSpeech test-clean. Here the words are counted against the
transcripts, all utterances together.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.cache import CachedScores, hash_audio, metric_ids
from espnet2_decodec.evaluation.metrics.error_rate import require_jiwer, word_errors
from espnet2_decodec.evaluation.metrics.recognizers import Recognizer, normalize_level, recognizer
from espnet2_decodec.evaluation.metrics.registry import METRICS, ON_REQUEST
from espnet2_decodec.evaluation.systems.base import System, Unavailable
from espnet2_decodec.evaluation.systems.identity import hash_source
from espnet2_decodec.evaluation.systems.specs import build, expand
from espnet2_decodec.io.audio import read

SUBSET = "test-clean"

QUALITY = ("pesq", "stoi", "distillmos", "similarity")
"""Metrics of the decoded speech against the recording; the mean over utterances is taken."""

WORDS = ("word_errors", "words")
"""Errors of the recognizer on the decoded speech, and words of the transcript."""

_TARGETS = ("mixture", "speech")
"""What is scored of a system's estimates: all that it decodes, or of a denoiser or a cascade the speech."""


@dataclass(frozen=True)
class Utterance:
    """One recording with its transcript.

    Attributes:
        key: id, speaker-chapter-number.
        path: FLAC file.
        text: transcript.
    """

    key: str
    path: Path
    text: str


@dataclass(frozen=True)
class CodecScores:
    """Scores of one system.

    Attributes:
        name: of the system.
        kbps: bit rate of all its streams in kbit/s; None for none.
        frame_rate: Hz; None if unknown.
        scores: utterance id -> metric -> value, NaN where undefined.
    """

    name: str
    kbps: float | None
    frame_rate: float | None
    scores: dict[str, dict[str, float]]

    def mean(self, metric: str) -> float:
        """Mean over the utterances in which a metric is defined; NaN where there are none."""
        values = [row[metric] for row in self.scores.values() if not math.isnan(row.get(metric, math.nan))]
        return sum(values) / len(values) if values else math.nan

    @property
    def word_error_rate(self) -> float:
        """Errors over words of all utterances, in percent; NaN where nothing was recognized."""
        errors, words = (sum(row.get(name, 0.0) for row in self.scores.values()) for name in WORDS)
        return 100 * errors / words if words else math.nan


def read_utterances(folder: str | Path, limit: int | None = None) -> list[Utterance]:
    """The utterances of LibriSpeech's test-clean, or of another subset, sorted by id.

    Args:
        folder: of LibriSpeech, with test-clean in it; or of one subset, with SPEAKER/CHAPTER/*.flac.
        limit: number of utterances, taken evenly over the whole, so that all speakers stay; None for all.

    Raises:
        ValueError: if there are none, or a recording has no transcript.
    """
    root = Path(folder) / SUBSET if (Path(folder) / SUBSET).is_dir() else Path(folder)
    texts: dict[str, str] = {}
    for listed in root.glob("*/*/*.trans.txt"):
        for line in listed.read_text(encoding="utf-8").splitlines():
            key, _, text = line.partition(" ")
            texts[key] = text.strip()
    paths = {path.stem: path for path in sorted(root.glob("*/*/*.flac"))}
    if not paths:
        raise ValueError(f"{root} has no SPEAKER/CHAPTER/*.flac; give the folder LibriSpeech, or its {SUBSET}.")
    missing = [key for key in paths if not texts.get(key)]
    if missing:
        raise ValueError(f"{paths[missing[0]]} has no transcript in a *.trans.txt beside it.")
    keys = list(paths)
    if limit is not None and limit < len(keys):
        keys = [keys[i * len(keys) // limit] for i in range(limit)]
    return [Utterance(key, paths[key], texts[key]) for key in keys]


@dataclass(frozen=True)
class Task:
    """One system on one utterance, with the file of its scores."""

    spec: str
    utterance: Utterance
    cached: CachedScores


class Worker:
    """Runs tasks in one process, and keeps the system of the last one: tasks come sorted by system.

    Args:
        ids: metric -> id of the way in which it is computed.
        device: of the systems.
        recognizer_name: of the recognizer; None for none.
    """

    def __init__(self, ids: Mapping[str, str], device: str, recognizer_name: str | None):
        self.ids, self.device = dict(ids), device
        self.recognizer: Recognizer | None = recognizer(recognizer_name) if recognizer_name else None
        self.spec = ""
        self.system: System | None = None

    def __call__(self, task: Task) -> None:
        """Decode an utterance and store its scores.

        Raises:
            ValueError: if the system fails, with its name and the utterance's.
        """
        if self.system is None or task.spec != self.spec:
            self.spec, self.system = task.spec, build(task.spec).to(self.device)
        reference = read(task.utterance.path, SAMPLE_RATE)
        try:
            estimates = self.system(reference, SAMPLE_RATE)
        except (ValueError, RuntimeError, OSError) as problem:
            raise ValueError(f"{task.spec} fails on {task.utterance.key}: {problem}") from problem
        target = next((target for target in _TARGETS if target in estimates), None)
        if target is None:
            raise ValueError(f"{task.spec} decodes no speech; leave it out.")
        estimate, known, ids = estimates[target], METRICS | ON_REQUEST, task.cached.missing(self.ids)
        scores = {name: known[name](reference, estimate, SAMPLE_RATE) for name in ids if name in QUALITY}
        if WORDS[0] in ids:
            scores |= self._words(task.utterance.text, estimate)
        task.cached.store(ids, {target: scores}, {})

    def _words(self, text: str, estimate: Tensor) -> dict[str, float]:
        """Word errors of the decoded speech [L], and words of the transcript."""
        if self.recognizer is None:
            raise ValueError("No recognizer was given to count words with.")
        counts = word_errors(text, self.recognizer(normalize_level(estimate), SAMPLE_RATE))
        return {"word_errors": float(counts.errors), "words": float(counts.reference_length)}


def score_codecs(
    utterances: Sequence[Utterance],
    specs: Sequence[str],
    out: str | Path,
    metrics: Sequence[str],
    recognizer_name: str | None,
    jobs: int = 1,
    device: str = "cpu",
    warn: Callable[[str], None] = lambda line: None,
) -> list[CodecScores]:
    """Decode all utterances by all systems, and score what is decoded; a rerun computes only what is new.

    Args:
        utterances: see `read_utterances`.
        specs: of systems, see `systems.specs`.
        out: folder for the cache.
        metrics: some of `QUALITY`.
        recognizer_name: of the recognizer; None leaves word errors out.
        jobs: processes.
        device: of systems that can run elsewhere than on the CPU.
        warn: called with a line for each system that is skipped.

    Raises:
        ValueError: if a spec or a recognizer is unknown, or a system fails.
        FileNotFoundError: if a model does not exist.
        Unavailable: if a package of the recognizer is missing.
    """
    ids = metric_ids(metrics)
    if recognizer_name is not None:
        require_jiwer()
        about = f"{recognizer(recognizer_name).about} {hash_source('evaluation/librispeech.py')[:16]}"
        ids |= dict.fromkeys(WORDS, about)
    systems: dict[str, System] = {}
    tasks: dict[str, list[Task]] = {}
    for name, spec in expand(specs).items():
        try:
            systems[name] = build(spec)
        except Unavailable as problem:
            warn(f"{name} is skipped: {problem}")
            continue
        identity, folder = systems[name].identity() | {"set": "librispeech"}, Path(out) / "cache" / name
        tasks[name] = [
            Task(spec, item, CachedScores.locate(folder, item.key, identity, hash_audio([str(item.path)])))
            for item in utterances
        ]
    todo = [task for parts in tasks.values() for task in parts if not task.cached.is_complete(ids)]
    for _ in parallel_map(partial(Worker, ids, device, recognizer_name), todo, jobs, "librispeech"):
        pass
    return [_collect(name, system, tasks[name], ids) for name, system in systems.items()]


def _collect(name: str, system: System, tasks: Sequence[Task], metrics: Iterable[str]) -> CodecScores:
    """The scores of one system from the cache, with the rate of what was scored."""
    scores, target = {}, _TARGETS[0]
    for task in tasks:
        ((target, found),) = task.cached.read().items()
        scores[task.utterance.key] = {metric: found[metric] for metric in metrics if metric in found}
    kbps = system.kbps(target)
    return CodecScores(name, kbps, system.frame_rate if kbps else None, scores)
