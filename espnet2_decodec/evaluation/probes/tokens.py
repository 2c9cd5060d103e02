"""Linear probes of the tokens of each stream and level: speaker, and class of the background."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.probes.features import log_mel, segment_of, window_statistics
from espnet2_decodec.evaluation.probes.linear import assign_folds, cross_validate, majority_baseline
from espnet2_decodec.evaluation.probes.results import ProbeResult

SINGLE_LEVEL, CUMULATIVE = "this level alone", "up to this level"
LOG_MEL = "log-mel, no codec"


@dataclass(frozen=True)
class Representation:
    """Features of one recording.

    Attributes:
        source: stream of the codec, or `LOG_MEL`.
        part: level, or `mixture`.
        levels: `SINGLE_LEVEL` or `CUMULATIVE`.
        frames: [T, D], or [W, 2 D] statistics of windows.
    """

    source: str
    part: str
    levels: str
    frames: Tensor


@dataclass(frozen=True)
class ProbeExample:
    """One recording of a test set: its id, its class, and window statistics of its representations."""

    key: str
    label: str
    representations: Sequence[Representation]


@torch.no_grad()
def represent(codec: DeCodec, wav: Tensor) -> list[Representation]:
    """Wav [L] at the codec's rate -> log-mel, and each level of each stream, alone and added to those before.

    A level is represented by its code vectors. The content is a stream if it has codebooks.
    """
    batch = wav[None].to(next(codec.parameters()).device)
    codes, encoder = codec.encode(batch), codec.content_encoder
    streams = {
        "speech": codec.speech_quantizer.embed(codes.speech),
        "background": codec.background_quantizer.embed(codes.background),
    }
    if encoder is not None and encoder.quantizer is not None and encoder.levels:
        streams["content"] = encoder.quantizer.embed(codec.content_tokens(batch))
    found = [Representation(LOG_MEL, "mixture", CUMULATIVE, log_mel(wav, codec.sample_rate, codec.hop))]
    for stream, vectors in streams.items():
        total = torch.zeros(())
        for number, level in enumerate(vectors[:, 0].transpose(1, 2).cpu(), start=1):
            total = total + level
            found.append(Representation(stream, f"level {number}", SINGLE_LEVEL, level))
            found.append(Representation(stream, f"level {number}", CUMULATIVE, total))
    return found


def make_example(codec: DeCodec, key: str, label: str, wav: Tensor) -> ProbeExample:
    """See `ProbeExample`; wav [L] is at the codec's rate."""
    found = [replace(x, frames=window_statistics(x.frames)) for x in represent(codec, wav)]
    return ProbeExample(key, label, found)


def token_results(probe: str, examples: Sequence[ProbeExample]) -> list[ProbeResult]:
    """Cross-validated accuracy in percent for each representation: all conditions of a segment are in one fold.

    Args:
        probe: `speaker` or `background`, for the table.
        examples: of all recordings, with the same representations each.

    Raises:
        ValueError: if there are fewer than two classes, or two segments of one.
    """
    names = sorted({example.label for example in examples})
    if len(names) < 2:
        raise ValueError(f"A probe of the {probe} needs recordings of at least two classes.")
    sizes = [len(example.representations[0].frames) for example in examples]
    segments = [segment_of(example.key) for example in examples]
    labels = [example.label for example, size in zip(examples, sizes) for _ in range(size)]
    groups = [name for name, size in zip(segments, sizes) for _ in range(size)]
    folds = assign_folds(labels, groups)
    y = torch.tensor([names.index(label) for label in labels])
    chance = bootstrap_interval(_mean_by_segment(majority_baseline(y, folds), sizes, segments)).mean
    results = []
    for number, one in enumerate(examples[0].representations):
        x = torch.cat([example.representations[number].frames for example in examples])
        correct = (cross_validate(x, y, folds, len(names)).argmax(1) == y).float()
        interval = bootstrap_interval(_mean_by_segment(correct, sizes, segments))
        results.append(ProbeResult(probe, one.source, one.part, one.levels, interval, chance))
    return results


def _mean_by_segment(correct: Tensor, sizes: Sequence[int], segments: Sequence[str]) -> list[float]:
    """[N] windows -> percent of each segment, whose recordings at several SNRs are not independent of each other."""
    shares: dict[str, list[float]] = {}
    for part, name in zip(correct.split(list(sizes)), segments):
        shares.setdefault(name, []).append(100 * float(part.mean()))
    return [sum(values) / len(values) for values in shares.values()]
