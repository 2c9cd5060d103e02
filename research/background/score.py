"""Scores of decoded backgrounds: `python -m research.background.score --bank BANK --model MODEL --out scores.csv`.

Backgrounds of recordings that no training saw, alone and under speech. Stages of the codec, each of which adds
errors to that before: the mixture; the stem separated without quantization; its parameters without quantization,
decoded; its whole latent, decoded; and tokens of several rates.

The log-mel error is the mean absolute difference in dB of 40 mel bands in windows of 40 ms, every 20 ms, to the
background before mixing; what is more than 60 dB below the loudest band of the latter counts as that. The level is that
of active frames relative to the background. SI-SDR says little where the decoder synthesizes. The class is that of
`NoiseClassifier`.
"""

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.probes.features import log_mel
from espnet2_decodec.evaluation.tables import Row
from espnet2_decodec.evaluation.tts import background_scores
from research.background.cases import Case, cases
from research.separation.score import centered_si_sdr
from research.voice.kept_background import HOP, NoiseClassifier

DYNAMIC_RANGE = 60.0
"""dB below the loudest mel band of the reference, from which on differences do not count."""
LEVELS = (1, 3, 6)
ALL = "all"
"""In place of a class."""
CONDITIONS: dict[str, float | None] = {"alone": None, "10 dB": 10.0, "0 dB": 0.0}


def log_mel_error(reference: Tensor, estimate: Tensor) -> float:
    """Mean absolute difference in dB of the log-mel spectra of samples [L], within `DYNAMIC_RANGE`."""
    ours, theirs = (20 / math.log(10) * log_mel(wav, SAMPLE_RATE, HOP) for wav in (reference, estimate))
    floor = ours.max() - DYNAMIC_RANGE
    return float((ours.clamp(min=floor) - theirs.clamp(min=floor)).abs().mean())


@torch.no_grad()
def stages(codec: DeCodec, mixture: Tensor, levels: Sequence[int] = LEVELS) -> dict[str, Tensor]:
    """Mixture [L] -> background [L] after each stage of the codec.

    Raises:
        TypeError: if the codec has no semantic level.
    """
    backbone, length = codec.backbone, len(mixture)
    if not isinstance(backbone, SemanticMDCTBackbone):
        raise TypeError("A codec with a semantic level is needed.")
    latent = codec.subspace.split(codec.latent(mixture[None]))[1]
    parameters = latent.clone()
    parameters[:, backbone.parametric_dim :] = 0
    codes = codec.background_quantizer.encode(latent)
    decoded = {"parameters": parameters, "latent": latent}
    decoded |= {f"{codec.kbps(k):g} kbit/s": codec.background_quantizer.decode(codes[:, :k]) for k in levels}
    found = {"mixture": mixture, "separated": codec.separate(mixture[None], quantize=False).background[0]}
    return found | {name: decode_background(codec, stream)[0, :length] for name, stream in decoded.items()}


def decode_background(codec: DeCodec, background: Tensor) -> Tensor:
    """Latent of the background [B, D_b, T] -> wav [B, T * hop]."""
    empty = background.new_zeros(len(background), codec.subspace.dims[0], background.shape[2])
    return codec.synthesize(codec.subspace.merge(empty, background))


def scores(
    codec: DeCodec, classifier: NoiseClassifier | None, found: Iterable[Case], by_class: bool = False
) -> dict[tuple[str, str], Row]:
    """Scores of backgrounds after each stage.

    Args:
        codec: with a semantic level.
        classifier: of the class; None for no such score.
        found: the backgrounds.
        by_class: also the scores of each class.

    Returns:
        (class or `all`, stage) -> log-mel error, level, its distance from 0 and SI-SDR in dB, classes found in %, each
        with its interval. The stage `original` has the class alone.
    """
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for case in found:
        labeled = classifier is not None and case.label is not None
        for name, wav in {"original": case.background, **stages(codec, case.mixture)}.items():
            row: Row = {}
            if name != "original":
                fidelity = background_scores(case.background, wav)
                row = {"log_mel_db": log_mel_error(case.background, wav)}
                row |= {"level_db": fidelity["level"], "level_error_db": fidelity["level_error"]}
                row["si_sdr_db"] = centered_si_sdr(wav, case.background)
            if labeled and classifier is not None:
                row["class_percent"] = 100.0 * (classifier(wav) == case.label)
            rows[ALL, name].append(row)
            if by_class and case.label is not None:
                rows[case.label, name].append(row)
    return {key: _intervals(group) for key, group in rows.items()}


def _intervals(rows: list[Row]) -> Row:
    """Mean and limits of the 95 % interval of each score."""
    found: Row = {}
    for name in dict.fromkeys(key for row in rows for key in row):
        interval = bootstrap_interval([row[name] for row in rows if name in row])
        found |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return found


def main() -> None:
    """Score codecs, one row for each stage and condition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", nargs="+", default=["decodec-16k-semantic"], help="names or folders")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--limit", type=int, help="number of backgrounds; all by default")
    parser.add_argument("--by-class", action="store_true", help="also the scores of each class")
    parser.add_argument("--out", type=Path, required=True, help="CSV file, to which the rows are added")
    args = parser.parse_args()
    torch.set_num_threads(1)
    classifier = NoiseClassifier.from_bank(args.bank)
    for model in args.model:
        codec = DeCodec.from_pretrained(model)
        for condition in args.conditions:
            selected = cases(args.bank, CONDITIONS[condition], args.limit)
            found = scores(codec, classifier, selected, args.by_class)
            heads = ({"model": model, "condition": condition, "class": label, "stage": name} for label, name in found)
            _write(args.out, [head | row for head, row in zip(heads, found.values())])


def _write(path: Path, rows: list[Row]) -> None:
    """Add rows to a CSV file, with a head if it is new; print the means."""
    names = list(dict.fromkeys(key for row in rows[::-1] for key in row))
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        if new:
            writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{x:.2f}" if isinstance(x, float) else x for key, x in row.items()})
            means = {key: x for key, x in row.items() if not key.endswith(("_low", "_high"))}
            print(" ".join(f"{x:.2f}" if isinstance(x, float) else str(x) for x in means.values()), flush=True)


if __name__ == "__main__":
    main()
