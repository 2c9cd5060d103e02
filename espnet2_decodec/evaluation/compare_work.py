"""One system on one recording after the other, in a process of a comparison."""

from collections.abc import Mapping
from pathlib import Path

import torch

from espnet2_decodec.evaluation.answers import Answer, Item
from espnet2_decodec.evaluation.compare_cache import Task, missing, store, wav_path
from espnet2_decodec.evaluation.metrics import registry as metrics
from espnet2_decodec.evaluation.scoring import MixtureSet, measure
from espnet2_decodec.evaluation.systems.identity import digest
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.io.audio import write

RATE = 16000
"""Hz at which everything is compared: wide-band PESQ and DNSMOS know no other."""


class Worker:
    """Runs tasks, and keeps the system of the last one: tasks come sorted by system.

    Args:
        data: folder of the mixtures.
        out: folder of the comparison.
        ids: metrics and what tells one way of taking them from another.
    """

    def __init__(self, data: str | Path, out: Path, ids: Mapping[str, str]):
        self.data, self.out, self.ids = MixtureSet(data), out, ids
        self.spec, self.system = "", None

    def __call__(self, work: tuple[Task, str, bool]) -> None:
        """Run the system of a spec on a recording, and store what was measured; True keeps the wavs.

        Raises:
            ValueError: if the system fails, with its name and the recording's.
        """
        task, spec, keep = work
        if spec != self.spec:
            self.spec, self.system = spec, build(spec)
        item = self.data.load(task.key, RATE)
        try:
            answers = self.system(item.mixture, RATE)
        except (ValueError, RuntimeError, OSError) as problem:
            raise ValueError(f"{task.system} fails on {task.key}: {problem}") from problem
        wavs = {}
        for target in answers if keep else ():
            path = wav_path(self.out, task, target)
            write(path, [answers[target]], RATE)
            wavs[target] = digest([path])
        ids = missing(task, self.ids)
        scores = {target: scored(target, item, wav, tuple(ids)) for target, wav in answers.items()}
        store(task, ids, scores, wavs)


def scored(target: str, item: Item, estimate: torch.Tensor, names: tuple[str, ...]) -> dict[str, float]:
    """Metrics of an estimate [L] of one part of a mixture; DNSMOS is taken of speech only, as PESQ and STOI are."""
    answer = Answer(target, "", getattr(item, target), estimate)
    values = measure(answer, item.mixture, tuple(name for name in names if name in metrics.METRICS), RATE)
    for name in names:
        if name in metrics.DNSMOS:
            wanted = target == "speech"
            values[name] = metrics.DNSMOS[name](answer.reference, estimate, RATE) if wanted else float("nan")
    return values
