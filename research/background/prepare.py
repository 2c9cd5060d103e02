"""Data of the background's training: `python -m research.background.prepare --bank BANK --model MODEL --out FEATURES`.

Pieces of the mixtures of `research.separation.mixtures`, many of them noise alone. For each piece, frame by frame in
float16: the background's latent as the codec separates it, and the samples of the background.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.codec.decodec import DeCodec
from research.feature_files import FrameBank, write_features
from research.separation.mixtures import MixtureSampler

NAME = "background"
"""Of the bank that is written."""
FRAMES, BATCH = 128, 8


def sampler(bank: Path) -> MixtureSampler:
    """Mixtures, half of them without speech and some with nothing else."""
    found = MixtureSampler(bank, level=(-50.0, -8.0))
    found.noise_alone, found.clean = 0.5, 0.03
    return found


def feature_bank(folder: Path, codec: DeCodec) -> FrameBank:
    """The bank of `main`, for a codec of the same dimensions."""
    return FrameBank(folder, NAME, {"latent": codec.subspace.dims[1], "wav": codec.hop})


@torch.no_grad()
def pieces(
    codec: DeCodec, mixtures: MixtureSampler, count: int, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield `count` latents [T, D_b] and samples [T, hop] of backgrounds."""
    for first in range(0, count, BATCH):
        batch = mixtures.draw(min(BATCH, count - first), FRAMES * codec.hop, random)
        latents = codec.subspace.split(codec.latent(batch.mixture))[1].transpose(1, 2)
        yield from zip(latents.numpy(), batch.background.unflatten(1, (FRAMES, codec.hop)).numpy())


def main() -> None:
    """Write the features."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", default="decodec-16k-semantic", help="codec that separates; name or folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000, help="number of pieces of 2.56 s (default: 4000)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec, random = DeCodec.from_pretrained(args.model), np.random.default_rng(7)
    rows = [("piece", "mixtures", "", str(i)) for i in range(args.count)]
    found = pieces(codec, sampler(args.bank), args.count, random)
    write_features(args.out, NAME, ("latent", "wav"), rows, found, every=400)


if __name__ == "__main__":
    main()
