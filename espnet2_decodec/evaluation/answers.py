"""What is scored on one recording: the codec's answers, its own ceiling, and the answers that need no codec."""

from dataclasses import dataclass

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.training.energy_ratios import SILENCE_POWER
from espnet2_decodec.training.validation import reconstruct_unquantized, whole_frames


@dataclass(frozen=True)
class Item:
    """A test mixture with its stems, each [L], and the mixture and background [L'] of a second one to remix with."""

    key: str
    condition: str
    mixture: Tensor
    speech: Tensor
    background: Tensor
    other_mixture: Tensor
    other_background: Tensor


@dataclass(frozen=True)
class Answer:
    """An estimate [L] of a reference [L]: `target` is speech, background, mixture or remix, `name` who answered."""

    target: str
    name: str
    reference: Tensor
    estimate: Tensor


def trivial(item: Item) -> list[Answer]:
    """What can be had without a codec: the untouched mixture as either stem, silence as background."""
    return [
        Answer("speech", "untouched mixture", item.speech, item.mixture),
        Answer("background", "untouched mixture", item.background, item.mixture),
        Answer("background", "silence", item.background, torch.zeros_like(item.background)),
    ]


@torch.no_grad()
def answers(
    codec: DeCodec, item: Item, speech_levels: int | None = None, background_levels: int | None = None
) -> list[Answer]:
    """Trivial answers, then those of the codec; everything on the CPU.

    The ceiling is the codec on the clean stem alone, decoded from both streams: what it could reach if separation
    were perfect. `mixture less speech` takes the codec's speech off the mixture. The remix is compared with
    the true one, and done only where both recordings have speech and background.

    Args:
        codec: on any device.
        item: at the codec's sample rate.
        speech_levels, background_levels: of the quantized answers, as in `DeCodec.encode`.
    """
    device = next(codec.parameters()).device
    inputs = torch.stack([item.mixture, item.speech, item.background]).to(device)
    codes = codec.encode(inputs, None, speech_levels, background_levels)
    whole, clean, alone = codec.decode(codes).cpu()
    mine = codes.select(0, codec.hop)
    speech, background = (codec.decode(mine, speech=s, background=not s)[0].cpu() for s in (True, False))
    free = codec.separate(inputs[:1], quantize=False)
    found = trivial(item) + [
        Answer("speech", "codec", item.speech, speech),
        Answer("speech", "codec, not quantized", item.speech, free.speech[0].cpu()),
        Answer("speech", "ceiling: clean speech", item.speech, clean),
        Answer("background", "mixture less speech", item.background, item.mixture - speech),
        Answer("background", "codec", item.background, background),
        Answer("background", "codec, not quantized", item.background, free.background[0].cpu()),
        Answer("background", "ceiling: background alone", item.background, alone),
        Answer("mixture", "codec", item.mixture, whole),
        Answer("mixture", "codec, not quantized", item.mixture, reconstruct_unquantized(codec, inputs[:1])[0].cpu()),
    ]
    if all(x.square().mean() > SILENCE_POWER for x in (item.speech, item.background, item.other_background)):
        other = codec.encode(item.other_mixture[None].to(device), None, speech_levels, background_levels)
        truth = item.speech + loop_to_length(whole_frames(item.other_background, codec.hop), len(item.speech))
        found += [
            Answer("remix", "untouched mixture", truth, item.mixture),
            Answer("remix", "codec", truth, codec.remix(mine, other)[0].cpu()),
        ]
    return found
