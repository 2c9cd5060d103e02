"""What the gate costs and loses: `python -m research.background.gate --bank BANK --out FILE.csv`.

The bit rate of the background of clean recordings of the development set, by source. And of mixtures, the share of
seconds without background in the file, by the level of the true background below the loudest second until then.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.io.gate import Gate
from espnet2_decodec.io.stream_power import frame_powers, stream_powers
from research.background.cases import scaled_to_snr
from research.tokens.audio_bank import AudioBank

SECONDS = 6
SNRS = (10, 20, 25, 30)
STEP = 5
"""dB; width of the ranges of levels."""


def recordings(folder: Path, per_source: int) -> Iterator[tuple[str, Tensor]]:
    """Yield (source, samples [L]) of voices of the development bank, up to 6 s each, the same in each call."""
    bank, random = AudioBank(folder, "speech_dev"), np.random.default_rng(8)
    by_source = defaultdict(list)
    for source, label in sorted(bank.keys):
        by_source[source].append((source, label))
    for source, keys in by_source.items():
        for i in range(per_source):
            members = random.permutation(bank.members[keys[i % len(keys)]])
            parts = [bank.recording(int(member)) for member in members[:20]]
            yield source, torch.cat(parts)[: SECONDS * 16000]


@torch.no_grad()
def decisions(codec: DeCodec, wav: Tensor) -> list[bool]:
    """Whether the background of each second of samples [L] is kept, from its tokens."""
    powers = stream_powers(codec, codec.encode(wav[None]))
    return [background for _, background in Gate().decisions(*powers, round(codec.frame_rate))]


def levels_below(background: Tensor, mixture: Tensor, size: int) -> list[float]:
    """Level in dB of a background [L] in each second of `size` samples, below the loudest second until then."""
    powers = (frame_powers(wav[None], size)[0].clamp(min=1e-12) for wav in (background, mixture))
    noise, total = powers
    return (10 * torch.log10(noise / total.cummax(0).values)).tolist()


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", default="decodec-16k-semantic", help="name or folder")
    parser.add_argument("--per-source", type=int, default=12, help="recordings of each source (default: 12)")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec, random = DeCodec.from_pretrained(args.model), np.random.default_rng(9)
    noises, found = AudioBank(args.bank, "noise_dev"), defaultdict(list)
    for i, (source, wav) in enumerate(recordings(args.bank, args.per_source)):
        found["clean", source] += decisions(codec, wav)
        if i % 3:
            continue
        noise = torch.from_numpy(noises.segment(len(wav), random))
        for snr in SNRS:
            speech, background = scaled_to_snr(wav, noise, snr)
            mixture = speech + background
            kept = decisions(codec, mixture)
            found["mixture", f"{snr} dB"] += kept
            for there, level in zip(kept, levels_below(background, mixture, codec.sample_rate)):
                if level > -40:
                    found["level", f"{level // STEP * STEP:.0f} dB"].append(there)
    with args.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["kind", "value", "seconds", "kept_percent", "background_kbps"])
        for (kind, value), kept in sorted(found.items()):
            share = sum(kept) / len(kept)
            rate = f"{share * codec.kbps(codec.background_levels):.2f}"
            writer.writerow([kind, value, len(kept), f"{100 * share:.0f}", rate])
            print(kind, value, len(kept), f"{100 * share:.0f} %", rate)


if __name__ == "__main__":
    main()
