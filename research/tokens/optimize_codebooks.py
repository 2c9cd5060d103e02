"""Optimize the codebooks of the waveform levels jointly: `python -m research.tokens.optimize_codebooks --model MODEL`.

Beam search and weighted least squares for all codebooks at once take turns, as in additive quantization (Babenko and
Lempitsky, 2014; Martinez et al., 2018, LSQ++), with noise added to the codebooks that becomes less. The weights keep
what the first levels alone decode to.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.beam_search import beam_search
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.kmeans import symmetrize
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from research.tokens.audio_bank import AudioBank
from research.tokens.batches import BatchSampler


@torch.no_grad()
def scaled_coefficients(codec: DeCodec, mixture: Tensor) -> Tensor:
    """Mixtures [B, L] -> inputs of the waveform levels in frames with speech [M, D]."""
    quantizer = codec.speech_quantizer
    assert isinstance(quantizer, SemanticRVQ)
    speech = codec.subspace.split(codec.latent(mixture))[0]
    _, parameters = quantizer.encode_parameters(speech)
    factors = quantizer.scale_factors(parameters.transpose(1, 2))
    power = codec.backbone.frame_power(speech)
    audible = power > 1e-4 * power.amax(1, keepdim=True)
    return (speech[:, quantizer.parametric_dim :].transpose(1, 2) / factors)[audible]


def errors(frames: Tensor, codebooks: Tensor, codes: Tensor) -> list[float]:
    """Error of each number of levels in dB of the power."""
    rest, found = frames.clone(), []
    for level in range(len(codebooks)):
        rest -= codebooks[level][codes[:, level]]
        found.append(round(10 * float(torch.log10(rest.square().sum() / frames.square().sum())), 3))
    return found


def least_squares(frames: Tensor, codes: Tensor, size: int, weights: Tensor, ridge: float = 1.0) -> Tensor:
    """Codebooks [K, size, D] with the smallest weighted sum of the errors of each number of levels.

    Args:
        frames: [M, D].
        codes: [M, K] of sign-symmetric codebooks of 2 * `size` codes.
        size: number of codes without sign.
        weights: [K] of the errors of 1..K levels.
        ridge: added to the counts.
    """
    count = codes.shape[1]
    index, sign = codes % size, 1.0 - 2.0 * (codes >= size)
    tail = weights.flip(0).cumsum(0).flip(0)  # weight of all errors in which a level takes part
    normal = torch.zeros(count * size, count * size, dtype=torch.float64)
    right = torch.zeros(count * size, frames.shape[1], dtype=torch.float64)
    for i in range(count):
        rows = slice(i * size, (i + 1) * size)
        total = torch.zeros(size, frames.shape[1]).index_add_(0, index[:, i], frames * sign[:, i : i + 1])
        right[rows] = tail[i] * total
        for j in range(i, count):
            pairs = torch.bincount(index[:, i] * size + index[:, j], (sign[:, i] * sign[:, j]).double(), size * size)
            block = tail[j] * pairs.view(size, size)
            normal[rows, j * size : (j + 1) * size] = block
            normal[j * size : (j + 1) * size, rows] = block.T
    normal.diagonal().add_(ridge)
    return torch.linalg.solve(normal, right).float().view(count, size, -1)


def optimize(frames: Tensor, held_out: Tensor, codebooks: Tensor, beams: list[int], weights: Tensor) -> Tensor:
    """Codebooks [K, N, D] after as many turns as there are beams; prints the errors of both sets of frames."""
    size, best = codebooks.shape[1] // 2, codebooks
    generator = torch.Generator().manual_seed(0)
    for turn, beam in enumerate(beams):
        begun = time.process_time()
        codes = beam_search(frames, codebooks, beam, True)
        before = errors(frames, codebooks, codes)
        half = least_squares(frames, codes, size, weights)
        codebooks = torch.stack([symmetrize(part) for part in half])
        after = errors(frames, codebooks, codes)
        checked = errors(held_out, codebooks, beam_search(held_out, codebooks, 4, True))
        print(f"turn {turn} beam {beam}: {before[2::4]} -> {after[2::4]} dB, held out with beam 4 {checked} dB, "
              f"{time.process_time() - begun:.0f} s", flush=True)  # fmt: skip
        best = codebooks
        if turn + 2 < len(beams):
            noise = 0.15 * (1 - turn / (len(beams) - 2)) ** 2
            spread = half.std((1, 2), keepdim=True)
            half = half + noise * spread * torch.randn(half.shape, generator=generator)
            codebooks = torch.stack([symmetrize(part) for part in half])
    return best


def main() -> None:
    """Write the codec with new codebooks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="decodec-16k-semantic")
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=250000)
    parser.add_argument("--beams", type=int, nargs="+", default=[4, 4, 4, 8, 8, 8, 8, 8, 8, 8])
    parser.add_argument("--weights", type=float, nargs="+", default=[0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 1.0])
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec, random, found = DeCodec.from_pretrained(args.model), np.random.default_rng(5), []
    sampler = BatchSampler(args.bank)
    while sum(map(len, found)) < args.frames:
        found.append(scaled_coefficients(codec, sampler.draw(8, 3, 40960, random).mixture))
    dev = AudioBank(args.bank, "speech_dev").draw(40, 80000, np.random.default_rng(6))
    held_out = torch.cat([scaled_coefficients(codec, part) for part in dev.split(8)])
    books = codec.speech_quantizer.waveform.codebooks
    books.copy_(optimize(torch.cat(found), held_out, books.clone(), args.beams, torch.tensor(args.weights)))
    codec.save_pretrained(args.out, half=True, shard_megabytes=15)


if __name__ == "__main__":
    main()
