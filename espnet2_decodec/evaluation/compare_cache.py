"""What was measured already, per system and recording, so that a rerun does only what is new."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.evaluation.metrics import registry as metrics
from espnet2_decodec.evaluation.systems.base import TARGETS
from espnet2_decodec.evaluation.systems.identity import digest, source

Scores = dict[str, dict[str, float]]
"""Target -> metric -> value, NaN where undefined."""

CODE = (
    "evaluation/metrics/registry.py",
    "training/energy_ratios.py",
    "evaluation/metrics/spectral.py",
    "evaluation/metrics/perceptual.py",
    "evaluation/scoring.py",
    "evaluation/compare_work.py",
)
PACKAGES = metrics.PACKAGES | {"dnsmos": "speechmos"}


@dataclass(frozen=True)
class Task:
    """One system on one recording: their names, and the file that holds what was measured of this very pair."""

    system: str
    key: str
    path: Path


class Cache:
    """A folder of small JSON files, one for each system and recording.

    The name of a file holds a hash of all that its figures depend on but for the metrics: the system's identity and
    the bytes of the recording. Each metric in it has the id under which it was taken, see `metric_ids`. A file that
    does not fit is not looked at, and one that is damaged is taken for missing.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def content(self, paths: Sequence[str]) -> str:
        """A hash of a recording: its mixture and its stems.

        Raises:
            ValueError: if a file is missing.
        """
        for path in paths:
            if not Path(path).is_file():
                raise ValueError(f"{path} is not there.")
        return digest([Path(path) for path in paths])

    def task(self, system: str, identity: Mapping[str, str], key: str, content: str) -> Task:
        """One system on one recording."""
        text = json.dumps([dict(identity), content], sort_keys=True)
        return Task(system, key, self.folder / system / f"{key}.{hashlib.sha256(text.encode()).hexdigest()[:16]}.json")

    def complete(self, task: Task, ids: Mapping[str, str]) -> bool:
        """Whether all these metrics have been taken, each as it is taken now."""
        taken = _load(task.path).get("metrics", {})
        return bool(taken) and all(taken.get(name) == ids[name] for name in ids)

    def heard(self, task: Task, out: Path) -> bool:
        """Whether the wavs of the answers are in out/wav, as this system made them."""
        noted = _load(task.path).get("wavs", {})
        return bool(noted) and all(
            path.is_file() and digest([path]) == noted[target]
            for target, path in ((target, wav_path(out, task, target)) for target in noted)
        )

    def read(self, task: Task) -> Scores:
        """Everything that was measured."""
        scores = _load(task.path).get("scores", {})
        return {
            target: {name: math.nan if value is None else value for name, value in scores[target].items()}
            for target in TARGETS
            if target in scores
        }


def store(task: Task, ids: Mapping[str, str], scores: Scores, wavs: Mapping[str, str]) -> None:
    """Add metrics, and hashes of the wavs by target, to what is known of a task."""
    known = _load(task.path)
    old = known.get("scores", {})
    plain = {
        target: old.get(target, {}) | {name: None if math.isnan(value) else value for name, value in values.items()}
        for target, values in scores.items()
    }
    content = {
        "metrics": known.get("metrics", {}) | {"level": "level"} | dict(ids),
        "scores": plain,
        "wavs": dict(wavs) or known.get("wavs", {}),
    }
    with atomic_write(task.path) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")


def missing(task: Task, ids: Mapping[str, str]) -> dict[str, str]:
    """Those of the metrics that have not been taken as they are taken now."""
    taken = _load(task.path).get("metrics", {})
    return {name: value for name, value in ids.items() if taken.get(name) != value}


def metric_ids(names: Sequence[str]) -> dict[str, str]:
    """What tells one way of taking a metric from another: the code of the metrics and the version of its package."""
    code = source(*CODE, "codec/dsp/mel.py")
    return {name: f"{code[:16]} {_version(PACKAGES.get(name.split('_')[0]))}".rstrip() for name in names}


def wav_path(out: Path, task: Task, target: str) -> Path:
    """Where an answer is kept to be listened to."""
    return out / "wav" / task.system / f"{task.key}.{target}.flac"


def _version(name: str | None) -> str:
    """Of a distribution; empty when it is not there or none is needed."""
    try:
        return version(name) if name else ""
    except PackageNotFoundError:
        return ""


def _load(path: Path) -> dict:
    """The content of a file; empty when it is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
