"""Scores of earlier runs, by system and recording, so that a rerun computes only what is new."""

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
from espnet2_decodec.evaluation.systems.identity import hash_files, hash_source

Scores = dict[str, dict[str, float]]
"""Target -> metric -> value, NaN where undefined."""

METRIC_CODE = (
    "evaluation/metrics/registry.py",
    "evaluation/metrics/spectral.py",
    "evaluation/metrics/perceptual.py",
    "evaluation/metrics/listening.py",
    "evaluation/benchmark.py",
    "training/energy_ratios.py",
    "codec/dsp/mel.py",
)
METRIC_PACKAGES = metrics.PACKAGES | {"dnsmos": "speechmos"}
METRIC_PACKAGES |= {"similarity": "resemblyzer", "dwer": "faster-whisper", "distillmos": "distillmos"}


@dataclass(frozen=True)
class CachedScores:
    """A JSON file with the scores of one system on one recording.

    Each metric in it has the id under which it was computed, see `metric_ids`. A damaged file counts as missing.

    Attributes:
        path: its name holds a hash of all that the scores depend on but for the metrics.
    """

    path: Path

    @classmethod
    def locate(cls, folder: Path, key: str, identity: Mapping[str, str], audio_hash: str) -> "CachedScores":
        """The file of one recording in the folder of a system.

        Args:
            folder: of the system.
            key: of the recording.
            identity: of the system.
            audio_hash: see `hash_audio`.
        """
        text = json.dumps([dict(identity), audio_hash], sort_keys=True)
        return cls(folder / f"{key}.{hashlib.sha256(text.encode()).hexdigest()[:16]}.json")

    def missing(self, ids: Mapping[str, str]) -> dict[str, str]:
        """Those of the metrics that were not computed as they are computed now."""
        computed = self._load().get("metrics", {})
        return {name: value for name, value in ids.items() if computed.get(name) != value}

    def is_complete(self, ids: Mapping[str, str]) -> bool:
        """Whether all these metrics were computed as they are computed now."""
        return bool(self._load().get("metrics")) and not self.missing(ids)

    def has_wavs(self, paths: Mapping[str, Path]) -> bool:
        """Whether the files of the estimates (by target) are there, as this system wrote them."""
        hashes = self._load().get("wavs", {})
        return bool(hashes) and all(
            paths[target].is_file() and hash_files([paths[target]]) == value for target, value in hashes.items()
        )

    def read(self) -> Scores:
        """All scores."""
        scores = self._load().get("scores", {})
        return {
            target: {name: math.nan if value is None else value for name, value in scores[target].items()}
            for target in TARGETS
            if target in scores
        }

    def store(self, ids: Mapping[str, str], scores: Scores, wavs: Mapping[str, Path]) -> None:
        """Add metrics, and hashes of the files of the estimates by target, to what is there."""
        known = self._load()
        old = known.get("scores", {})
        plain = {
            target: old.get(target, {}) | {name: None if math.isnan(value) else value for name, value in values.items()}
            for target, values in scores.items()
        }
        content = {
            "metrics": known.get("metrics", {}) | {"level": "level"} | dict(ids),
            "scores": plain,
            "wavs": {target: hash_files([path]) for target, path in wavs.items()} or known.get("wavs", {}),
        }
        with atomic_write(self.path) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")

    def _load(self) -> dict:
        """The content of the file; empty when it is missing or damaged."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def hash_audio(paths: Sequence[str]) -> str:
    """A hash of the files of a recording: its mixture and its stems.

    Raises:
        ValueError: if a file is missing.
    """
    for path in paths:
        if not Path(path).is_file():
            raise ValueError(f"{path} is not there.")
    return hash_files([Path(path) for path in paths])


def metric_ids(names: Sequence[str]) -> dict[str, str]:
    """Metric -> id of the way in which it is computed: the code of the metrics and the version of its package."""
    code = hash_source(*METRIC_CODE)
    return {name: f"{code[:16]} {_version(METRIC_PACKAGES.get(name.split('_')[0]))}".rstrip() for name in names}


def _version(name: str | None) -> str:
    """The version of a distribution; empty when it is not installed or none is needed."""
    try:
        return version(name) if name else ""
    except PackageNotFoundError:
        return ""
