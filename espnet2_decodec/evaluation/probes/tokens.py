"""What linear probes read off the tokens of each stream and level: who speaks, and which kind of background there is."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.probes.features import log_mel, segment, windowed
from espnet2_decodec.evaluation.probes.linear import cross_validated, folds, majority
from espnet2_decodec.evaluation.probes.tables import Line

ONE, SUM = "this level alone", "up to this level"
PLAIN = "log-mel, no codec"


@dataclass(frozen=True)
class View:
    """Frames of one recording as a probe sees them.

    Attributes:
        system: stream that they are from, or what else they are.
        what: level, or nothing for what has none.
        condition: `ONE` or `SUM`.
        frames: [T, D].
    """

    system: str
    what: str
    condition: str
    frames: Tensor


@torch.no_grad()
def views(codec: DeCodec, wav: Tensor) -> list[View]:
    """Wav [L] at the codec's rate -> its log-mel, and for each stream (and the content, where it has tokens) each level alone
    and the sum up to it.

    A level is looked at as the vector that its code stands for, where that is not zero for all codes.
    """
    batch = wav[None].to(next(codec.parameters()).device)
    codes, encoder = codec.encode(batch), codec.content_encoder
    streams = {
        "speech": (codec.speech_quantizer, codes.speech),
        "background": (codec.background_quantizer, codes.background),
    }
    if encoder is not None and encoder.levels:
        streams["content"] = encoder.quantizer, codec.content_tokens(batch)
    found = [View(PLAIN, "mixture", SUM, log_mel(wav, codec.sample_rate, codec.hop))]
    for stream, (quantizer, tokens) in streams.items():
        parts = quantizer.embed(tokens)[:, 0].transpose(1, 2).cpu() if tokens.shape[1] else ()
        total = 0
        for number, part in enumerate(parts, start=1):
            total = total + part
            found += [View(stream, f"level {number}", ONE, part), View(stream, f"level {number}", SUM, total)]
    return found


@dataclass(frozen=True)
class Example:
    """One recording of a test set: its id, its class, and its views with windows of statistics in place of frames."""

    key: str
    label: str
    views: Sequence[View]


def example(codec: DeCodec, key: str, label: str, wav: Tensor) -> Example:
    """See `Example`; wav [L] is at the codec's rate."""
    found = views(codec, wav)
    return Example(key, label, [View(v.system, v.what, v.condition, windowed(v.frames)) for v in found])


def token_lines(probe: str, examples: Sequence[Example]) -> list[Line]:
    """Accuracy in percent of each view, cross-validated: all conditions of a segment are held out together.

    Args:
        probe: `speaker` or `background`, for the table.
        examples: of all recordings, with the same views each.

    Raises:
        ValueError: if there are fewer than two classes, or two segments of one.
    """
    names = sorted({example.label for example in examples})
    if len(names) < 2:
        raise ValueError(f"A probe of the {probe} needs recordings of at least two classes.")
    sizes = [len(example.views[0].frames) for example in examples]
    segments = [segment(example.key) for example in examples]
    labels = [example.label for example, size in zip(examples, sizes) for _ in range(size)]
    groups = [name for name, size in zip(segments, sizes) for _ in range(size)]
    held_out = folds(labels, groups)
    y = torch.tensor([names.index(label) for label in labels])
    chance = bootstrap_interval(_by_segment(majority(y, held_out), sizes, segments)).mean
    lines = []
    for number, view in enumerate(examples[0].views):
        x = torch.cat([example.views[number].frames for example in examples])
        right = (cross_validated(x, y, held_out, len(names)).argmax(1) == y).float()
        found = bootstrap_interval(_by_segment(right, sizes, segments))
        lines.append(Line(probe, view.system, view.what, view.condition, found, chance))
    return lines


def _by_segment(right: Tensor, sizes: Sequence[int], segments: Sequence[str]) -> list[float]:
    """[N] windows -> percent of each segment: its recordings at several SNRs are not independent of each other."""
    shares: dict[str, list[float]] = {}
    for part, name in zip(right.split(list(sizes)), segments):
        shares.setdefault(name, []).append(100 * float(part.mean()))
    return [sum(values) / len(values) for values in shares.values()]
