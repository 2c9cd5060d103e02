"""Every answer to every test mixture, measured; spread over processes."""

import math
from functools import partial
from pathlib import Path

from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixtures import STEMS
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.data.settings import Settings
from espnet2_decodec.evaluation.answers import Answer, Item, answers
from espnet2_decodec.evaluation.metrics.registry import METRICS, PACKAGES, si_sdr_improvement
from espnet2_decodec.io.audio import read
from espnet2_decodec.training import energy_ratios

Row = dict[str, str | float]
"""One answer to one mixture: uttid, condition, speaker, target, answer, and the metrics."""


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
        wavs = [read(self.paths[stem][key], sample_rate) for stem in STEMS]
        if len({len(wav) for wav in wavs}) > 1:
            raise ValueError(f"The stems of {key} are not as long as its mixture.")
        second = [read(self.paths[stem][other], sample_rate) for stem in ("mixture", "background")]
        return Item(key, self.conditions[key], *wavs, *second)


def measure(answer: Answer, mixture: Tensor, metrics: tuple[str, ...], sample_rate: int) -> dict[str, float]:
    """The metrics of one answer, and its level in dB relative to the mixture [L].

    PESQ and STOI are taken of speech only; the improvement over the mixture of speech and of background.
    """
    stem = answer.target in ("speech", "background")
    values = {"level": energy_ratios.relative_level(answer.estimate, mixture).item()}
    for name in metrics:
        wanted = name not in PACKAGES or answer.target == "speech"
        values[name] = METRICS[name](answer.reference, answer.estimate, sample_rate) if wanted else math.nan
    if "si_sdr" in metrics:
        values["si_sdri"] = si_sdr_improvement(answer.reference, answer.estimate, mixture) if stem else math.nan
    return values


def score_item(codec: DeCodec, item: Item, settings: Settings, metrics: tuple[str, ...]) -> list[Row]:
    """All rows of one mixture."""
    found = answers(codec, item, settings.speech_levels, settings.background_levels)
    return [
        {"uttid": item.key, "condition": item.condition, "target": answer.target, "answer": answer.name}
        | measure(answer, item.mixture, metrics, codec.sample_rate)
        for answer in found
    ]


def score_set(folder: str | Path, settings: Settings, metrics: tuple[str, ...], jobs: int = 1) -> list[Row]:
    """All rows of all mixtures in `folder`, in its order.

    Args:
        folder: see `MixtureSet`.
        settings: the codec, and the levels of its quantized answers; the metrics run on the CPU.
        metrics: names of `METRICS` that can be taken here, see `metrics.available`.
        jobs: processes.

    Raises:
        ValueError: if the set or the model cannot be used.
    """
    work = partial(Scorer, folder, settings, metrics)
    return [row for rows in parallel_map(work, MixtureSet(folder).keys, jobs, "scoring") for row in rows]


class Scorer:
    """A codec and a set, ready to score one mixture after the other."""

    def __init__(self, folder: str | Path, settings: Settings, metrics: tuple[str, ...]):
        self.data, self.settings, self.metrics, self.codec = MixtureSet(folder), settings, metrics, settings.codec()

    def __call__(self, key: str) -> list[Row]:
        """The rows of mixture `key`."""
        rows = score_item(self.codec, self.data.load(key, self.codec.sample_rate), self.settings, self.metrics)
        return [row | {"speaker": self.data.speakers[key]} for row in rows]
