"""Every answer to every test mixture, measured; spread over processes."""

import math
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation import ratios
from espnet2_decodec.evaluation.answers import Answer, Item, answers
from espnet2_decodec.evaluation.metrics import METRICS, PACKAGES, si_sdr_improvement
from espnet2_decodec.evaluation.mixtures import STEMS
from espnet2_decodec.sets.tables import read_table, read_wav

Row = dict[str, str | float]
"""One answer to one mixture: uttid, condition, speaker, target, answer, and the metrics."""


@dataclass(frozen=True)
class Settings:
    """How a set is scored.

    Attributes:
        model: folder of the codec; None for the shipped one.
        metrics: names of `METRICS` that can be taken here, see `available`.
        speech_levels, background_levels: of the quantized answers; None for all.
        device: of the codec; the metrics run on the CPU.
    """

    model: str | None
    metrics: tuple[str, ...]
    speech_levels: int | None = None
    background_levels: int | None = None
    device: str = "cpu"


class MixtureSet:
    """Mixtures that `make_mixtures` wrote, read one at a time.

    Args:
        folder: with {mixture,speech,background}.scp, utt2snr and utt2spk.

    Raises:
        ValueError: if a table is missing, or they list different recordings.
    """

    def __init__(self, folder: str | Path):
        folder = Path(folder)
        self.paths = {stem: read_table(folder / f"{stem}.scp") for stem in STEMS}
        self.conditions, self.speakers = read_table(folder / "utt2snr"), read_table(folder / "utt2spk")
        for table in (*self.paths.values(), self.speakers):
            if table.keys() != self.conditions.keys():
                raise ValueError(f"{folder}: the tables list different recordings; write the set again.")
        self.keys = list(self.conditions)

    def load(self, key: str, sample_rate: int) -> Item:
        """The mixture `key`, and the next one of its condition to remix with.

        Raises:
            ValueError: if the stems do not have the mixture's length, or cannot be read.
        """
        alike = [other for other in self.keys if self.conditions[other] == self.conditions[key]]
        other = alike[(alike.index(key) + 1) % len(alike)]
        wavs = [read_wav(self.paths[stem][key], sample_rate) for stem in STEMS]
        if len({len(wav) for wav in wavs}) > 1:
            raise ValueError(f"The stems of {key} are not as long as its mixture.")
        second = [read_wav(self.paths[stem][other], sample_rate) for stem in ("mixture", "background")]
        return Item(key, self.conditions[key], *wavs, *second)


def measure(answer: Answer, mixture: Tensor, metrics: tuple[str, ...], sample_rate: int) -> dict[str, float]:
    """The metrics of one answer, and its level in dB relative to the mixture [L].

    PESQ and STOI are taken of speech only; the improvement over the mixture of speech and of background.
    """
    stem = answer.target in ("speech", "background")
    values = {"level": ratios.level(answer.estimate, mixture).item()}
    for name in metrics:
        wanted = name not in PACKAGES or answer.target == "speech"
        values[name] = METRICS[name](answer.reference, answer.estimate, sample_rate) if wanted else math.nan
    if "si_sdr" in metrics:
        values["si_sdri"] = si_sdr_improvement(answer.reference, answer.estimate, mixture) if stem else math.nan
    return values


def score_item(codec: DeCodec, item: Item, settings: Settings) -> list[Row]:
    """All rows of one mixture."""
    found = answers(codec, item, settings.speech_levels, settings.background_levels)
    return [
        {"uttid": item.key, "condition": item.condition, "target": answer.target, "answer": answer.name}
        | measure(answer, item.mixture, settings.metrics, codec.sample_rate)
        for answer in found
    ]


def score_set(folder: str | Path, settings: Settings, jobs: int = 1) -> list[Row]:
    """All rows of all mixtures in `folder`, in its order.

    Args:
        folder: see `MixtureSet`.
        settings: see there.
        jobs: processes, of one thread each; with 1 it runs here with torch's threads.

    Raises:
        ValueError: if the set or the model cannot be used.
    """
    data = MixtureSet(folder)
    rows: list[Row] = []
    with tqdm(total=len(data.keys), desc="scoring", unit="file") as bar:
        for part in _parts(folder, data.keys, settings, jobs):
            rows += part
            bar.update()
    return rows


def _parts(folder: str | Path, keys: list[str], settings: Settings, jobs: int) -> Iterator[list[Row]]:
    """The rows of each mixture, in order."""
    if jobs == 1:
        worker = Worker(folder, settings)
        yield from map(worker, keys)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start, (folder, settings)) as pool:
        yield from pool.map(_score, keys)


class Worker:
    """A codec and a set, ready to score one mixture after the other."""

    def __init__(self, folder: str | Path, settings: Settings):
        self.codec = DeCodec.from_pretrained(settings.model).to(settings.device).eval()
        self.data, self.settings = MixtureSet(folder), settings

    def __call__(self, key: str) -> list[Row]:
        rows = score_item(self.codec, self.data.load(key, self.codec.sample_rate), self.settings)
        return [row | {"speaker": self.data.speakers[key]} for row in rows]


_worker: list[Worker] = []
"""That of a process of the pool."""


def _start(folder: str | Path, settings: Settings) -> None:
    """Make this process ready."""
    torch.set_num_threads(1)
    _worker[:] = [Worker(folder, settings)]


def _score(key: str) -> list[Row]:
    """The rows of one mixture, in a process of the pool."""
    return _worker[0](key)
