"""Compare networks for the separation: `python -m research.separation.compare --network NAME --bank BANK --out OUT`.

One of `networks.py` is trained from random weights, and scored. All have the same mixtures, losses and CPU minutes. One
JSON line is appended to --scores: parameters, CPU seconds for a second of audio, and scores of the development set.
It resumes from the checkpoint in OUT if there is one.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch.nn import functional as F

from espnet2_decodec.data.mixing import Batch
from research import training
from research.separation.losses import StemLosses
from research.separation.mixtures import MixtureSampler
from research.separation.networks import NETWORKS, SeparationNetwork
from research.separation.score import cases, scores_by_kind
from research.separation.train import WEIGHTS
from research.training import BaseTrainer, TrainingSettings


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of the training of a network.

    Attributes:
        network: arguments of `SeparationNetwork`.
        batch: items per step.
        segment: samples of each item.
        snr: range of the mixtures in dB.
    """

    network: dict[str, Any] = field(default_factory=lambda: {"name": "two_stage"})
    batch: int = 6
    segment: int = 40960
    lr: float = 2e-3
    minutes: float = 12.0
    decay_minutes: float = 5.0
    ema_decay: float = 0.99
    snr: list[float] = field(default_factory=lambda: [-8.0, 25.0])


class Trainer(BaseTrainer):
    """One network, by the losses of the stems alone.

    Args:
        settings: of the training.
    """

    module_name = "network"

    settings: Settings

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.network, self.losses = SeparationNetwork(**settings.network), StemLosses()
        self.prepare([{"params": self.network.trained_parameters(), "base": settings.lr}], weight_decay=1e-3)

    def train_step(self, batch: Batch) -> dict[str, float]:
        """One step; returns the named losses."""
        stems = self.network.separate(batch.mixture)
        terms = self.losses(stems, torch.stack([batch.speech, batch.background], dim=1), self.step)
        norm = self.update(sum(WEIGHTS[name] * value for name, value in terms.items()))
        return {name: float(value.detach()) for name, value in terms.items()} | {"norm": norm}


@torch.no_grad()
def cpu_seconds(network: SeparationNetwork, seconds: float = 5.0, repeats: int = 10) -> float:
    """CPU seconds of the network for a second of audio, without the STFT: the smallest of some repeats."""
    hop, found = network.backbone.hop, []
    spectrum = network.backbone._stft(0.1 * torch.randn(1, int(seconds * 16000) // hop * hop))
    for _ in range(repeats):
        begun = time.process_time()
        network(spectrum)
        found.append(time.process_time() - begun)
    return min(found) / seconds


@torch.no_grad()
def scores(network: SeparationNetwork, bank: Path, per_kind: int = 12) -> dict[str, Any]:
    """Parameters, `cpu_seconds`, and the scores of `scores_by_kind`, of a trained network."""
    found, wavs = cases(bank, 0.0, per_kind=per_kind), []
    for case in found:
        padded = F.pad(case.mixture, (0, -len(case.mixture) % network.backbone.hop))
        wavs.append(network.separate(padded[None])[0, 0, : len(case.mixture)])
    return {
        "parameters": sum(weight.numel() for weight in network.trained_parameters()),
        "cpu_seconds": round(cpu_seconds(network), 4),
        **scores_by_kind(found, wavs, None),
    }


def main() -> int:
    """Train and score; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("compare.yaml"))
    parser.add_argument("--network", choices=sorted(NETWORKS), required=True)
    parser.add_argument("--minutes", type=float, help="CPU minutes; the rates fall over the same share of them")
    parser.add_argument("--lr", type=float, help="learning rate, in place of that of the network")
    parser.add_argument("--scores", type=Path, default=Path("networks.jsonl"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = read_settings(args.config, args.network, args.minutes, args.lr)
    trainer, sampler = Trainer(settings), MixtureSampler(args.bank, tuple(settings.snr))
    training.resume(trainer, args.out)
    size = settings.batch, settings.segment
    status = training.run(trainer, lambda: sampler.draw(*size, trainer.random), args)
    if not status:
        network = trainer.ema.module
        assert isinstance(network, SeparationNetwork)
        row = {"network": args.network, "lr": settings.lr, "steps": trainer.step, "minutes": round(trainer.minutes, 1)}
        with args.scores.open("a") as file:
            file.write(json.dumps(row | scores(network, args.bank)) + "\n")
    return status


def read_settings(path: Path, network: str, minutes: float | None = None, lr: float | None = None) -> Settings:
    """Settings of all networks, and what differs for one of them, from a YAML file; `minutes` and `lr` replace its."""
    common = yaml.safe_load(path.read_text(encoding="utf-8"))
    own = common.pop("networks").get(network, {})
    settings = Settings(network={"name": network}, **(common | own))
    if minutes is not None:
        decay_minutes = settings.decay_minutes * minutes / settings.minutes
        settings = replace(settings, minutes=minutes, decay_minutes=decay_minutes)
    return settings if lr is None else replace(settings, lr=lr)


if __name__ == "__main__":
    sys.exit(main())
