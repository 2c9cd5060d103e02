"""Turn a waveform level of a trained codec into a parametric one, at the same bit rate.

`python -m research.tokens.parametric_level --bank BANK --codec decodec-16k-semantic --out FOLDER`; then
`research.tokens.train --keep` lets predictor, post-filter and codebooks learn it. The last waveform level is dropped,
and a new level after the last parametric one codes its residual, by k-means.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from research.tokens.batches import BatchSampler


@torch.no_grad()
def add_parametric_level(codec: DeCodec, latents: Iterable[Tensor], iterations: int = 12) -> DeCodec:
    """A codec with one parametric level more and one waveform level less in the speech stream.

    Args:
        codec: with a semantic level.
        latents: of the speech [B, D, T] each, with as many frames in total as a codebook has codes, or more.
        iterations: of k-means.

    Raises:
        ValueError: if the codec has no semantic level or less than two waveform levels, or there are too few frames.
    """
    quantizer = codec.speech_quantizer
    if not isinstance(quantizer, SemanticRVQ) or quantizer.waveform.levels < 2:
        raise ValueError("The codec needs a semantic level and two waveform levels in its speech stream.")
    parameters = slice(quantizer.semantic_dim, quantizer.parametric_dim)
    residuals = []
    for latent in latents:
        decoded = quantizer.decode(quantizer.encode(latent, quantizer.parametric_levels))
        residuals.append(((latent - decoded)[:, parameters] / quantizer.scale[:, None]).transpose(1, 2).flatten(0, 1))
    level = ResidualVQ(len(quantizer.scale), 1, quantizer.codebook_size)
    level.init_kmeans(torch.cat(residuals), iterations)
    state, config = codec.state_dict(), codec.resolved_config()
    for name in ("codebooks", "counts"):
        parametric, waveform = (f"speech_quantizer.{part}.{name}" for part in ("parametric", "waveform"))
        state[parametric] = torch.cat([state[parametric], getattr(level, name)])
        state[waveform] = state[waveform][:-1]
    levels = {
        "parametric_levels": quantizer.parametric_levels + 1,
        "background_parametric_levels": codec.background_quantizer.parametric_levels,
    }
    options = {**config["quantizer"], **levels}
    found = DeCodec({**config, "quantizer": options})
    found.load_state_dict(state)
    return found.eval()


def main() -> None:
    """Write the codec in float32."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--codec", default="decodec-16k-semantic", help="name or folder")
    parser.add_argument("--batches", type=int, default=160, help="of 1024 frames each, half of them in noise")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec, sampler, random = DeCodec.from_pretrained(args.codec), BatchSampler(args.bank), np.random.default_rng(0)

    def draw() -> Tensor:
        with torch.no_grad():
            return codec.subspace.split(codec.latent(sampler.draw(8, 4, 40960, random).mixture))[0]

    found = add_parametric_level(codec, (draw() for _ in range(args.batches)))
    found.save_pretrained(args.out, shard_megabytes=15)
    print(f"{args.out}: {found.parametric_levels} parametric levels of {found.speech_levels}")


if __name__ == "__main__":
    main()
