"""Phones recognized from the tokens: `python -m research.tokens.recognizer --bank BANK --recordings R --downloads D`.

A small network with CTC is trained for each input: the embeddings of level 1, those of all levels of the speech, the
semantic features before quantization, and log-mel spectra. The figures are phone error rates on readers that were left
out.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jiwer
import numpy as np
import torch
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.padding import length_mask
from espnet2_decodec.voice.text_phones import PHONES
from research.training import autocast
from research.voice.text_recordings import readings

SYMBOLS = sorted({phone.rstrip("012") for phone in PHONES if phone[0].isalpha()})
IDS = {phone: SYMBOLS.index(phone.rstrip("012")) + 1 for phone in PHONES if phone[0].isalpha()}
"""Phones without stress -> classes; 0 is CTC's blank."""
DEV_READERS = 5
"""Of the readers, every one with this number is left out."""


class Example(NamedTuple):
    """Inputs [T, C] by name, classes [M], and the reader of a recording."""

    inputs: dict[str, Tensor]
    classes: list[int]
    reader: str


@torch.no_grad()
def inputs(codec: DeCodec, samples: np.ndarray) -> dict[str, Tensor]:
    """All inputs [T, C] of a recording [L]."""
    wav = torch.from_numpy(np.pad(samples, (0, -len(samples) % codec.hop)))[None]
    speech, quantizer = codec.subspace.split(codec.latent(wav))[0], codec.speech_quantizer
    codes, size = quantizer.encode(speech), quantizer.semantic_dim
    decoded = quantizer.decode(codes)[0].T
    found = {"level 1": decoded[:, :size], "all levels": decoded, "not quantized": speech[0, :size].T}
    return {name: x.half() for name, x in found.items()} | {
        "log-mel": codec.backbone.semantic_encoder.log_mel(wav)[0].half()
    }


def batches(examples: Sequence[Example], frames: int, random: np.random.Generator) -> list[list[Example]]:
    """Examples of similar length, at most `frames` in each batch, in random order."""
    order = sorted(examples, key=lambda e: len(e.inputs["log-mel"]) * (1 + 0.1 * random.random()))
    found: list[list[Example]] = [[]]
    for example in order:
        longest = len(example.inputs["log-mel"])
        if found[-1] and longest * (len(found[-1]) + 1) > frames:
            found.append([])
        found[-1].append(example)
    return [found[i] for i in random.permutation(len(found))]


def padded(examples: Sequence[Example], name: str) -> tuple[Tensor, Tensor]:
    """Inputs [B, T, C] and lengths [B]."""
    parts = [example.inputs[name].float() for example in examples]
    return nn.utils.rnn.pad_sequence(parts, batch_first=True), torch.tensor([len(part) for part in parts])


def train(examples: Sequence[Example], name: str, epochs: int) -> nn.Module:
    """A recognizer of one input."""
    torch.manual_seed(0)
    random, frames = np.random.default_rng(0), torch.cat([example.inputs[name] for example in examples]).float()
    network = ConvNeXtStack(frames.shape[1], 192, 5, len(SYMBOLS) + 1, 9, causal=False, norm_in=True)
    mean, std = frames.mean(0), frames.std(0).clamp(min=1e-3)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, (0.9, 0.98), weight_decay=0.02)
    steps = epochs * len(batches(examples, 4000, random))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps + epochs, pct_start=0.1)
    for _ in range(epochs):
        for batch in batches(examples, 4000, random):
            x, lengths = padded(batch, name)
            mask = length_mask(lengths, x.shape[1])
            x = (x - mean) / std
            width = int(random.integers(0, 12))
            x[:, (place := int(random.integers(x.shape[1]))) : place + width] = 0
            with autocast():
                logits = network(nn.functional.dropout(x, 0.1), mask)
            targets = torch.cat([torch.tensor(example.classes) for example in batch])
            counts = torch.tensor([len(example.classes) for example in batch])
            loss = nn.functional.ctc_loss(
                logits.float().log_softmax(-1).transpose(0, 1), targets, lengths, counts, zero_infinity=True
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    network.register_buffer("mean", mean)
    network.register_buffer("std", std)
    return network.eval()


@torch.no_grad()
def phone_error_rate(network: nn.Module, examples: Sequence[Example], name: str) -> float:
    """In percent."""
    expected, found = [], []
    for example in examples:
        x = (example.inputs[name].float() - network.mean) / network.std
        best = network(x[None], None)[0].argmax(-1).unique_consecutive()
        found.append(" ".join(SYMBOLS[i - 1] for i in best.tolist() if i))
        expected.append(" ".join(SYMBOLS[i - 1] for i in example.classes))
    return 100 * float(jiwer.wer(expected, found))


def main() -> None:
    """Print phone error rates, one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bank", "recordings", "downloads"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--model", default="decodec-16k-semantic", help="name or folder of a codec")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--limit", type=int, help="only as many recordings")
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec, examples = DeCodec.from_pretrained(args.model), []
    for row in readings(args.bank, args.recordings, args.downloads):
        if row.style == "accented" and len(examples) < (args.limit or 10**9):
            classes = [IDS[PHONES[i]] for i in row.phones if PHONES[i] in IDS]
            examples.append(Example(inputs(codec, row.samples), classes, row.speaker))
    left_out = set(sorted({example.reader for example in examples})[::DEV_READERS])
    train_set = [example for example in examples if example.reader not in left_out]
    dev_set = [example for example in examples if example.reader in left_out]
    result: dict[str, str | int | float] = {"model": args.model, "recordings": len(train_set), "left out": len(dev_set)}
    for name in examples[0].inputs:
        result[name] = round(phone_error_rate(train(train_set, name, args.epochs), dev_set, name), 1)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
