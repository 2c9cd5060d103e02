"""Give the parametric levels codes of several frames: `python -m research.tokens.overlapping_codebooks --out MODEL`.

The codebooks of a codec with a semantic level are replaced by overlapping ones (`OverlappingRVQ`), trained by moving
averages. The rest stays as it is; `research.tokens.train --keep` adapts it.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.overlapping_quantizer import OverlappingRVQ
from espnet2_decodec.codec.quantizer import draw_frames
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from research.tokens.audio_bank import AudioBank
from research.tokens.batches import BatchSampler

BATCH = 40
"""Segments in a step."""


@torch.no_grad()
def parametric_residuals(codec: DeCodec, wav: Tensor) -> Tensor:
    """Wav [B, L] -> what the parametric levels code [B, T, P]."""
    quantizer = codec.speech_quantizer
    assert isinstance(quantizer, SemanticRVQ)
    speech = codec.subspace.split(codec.latent(wav))[0]
    parameters = speech[:, quantizer.semantic_dim : quantizer.parametric_dim]
    prediction = quantizer.predict(quantizer.semantic.decode(quantizer.encode(speech, 1)))
    return ((parameters - prediction) / quantizer.scale[:, None]).transpose(1, 2)


@torch.no_grad()
def train_codebooks(quantizer: OverlappingRVQ, residuals: Tensor, steps: int, random: np.random.Generator) -> None:
    """Train the codebooks by moving averages, the weight of a step falling from 0.06 to 0.002.

    Args:
        quantizer: whose codebooks are replaced.
        residuals: [M', T, P].
        steps: number of steps after the initialization.
        random: of the segments of a step.
    """
    patches, count = quantizer.patches, residuals.shape[1]
    quantizer.init_kmeans(residuals[: 60000 // count + 1].flatten(0, 1).float(), iterations=4)
    kept = patches.ema_decay
    for step in range(steps):
        patches.ema_decay = 1 - 0.06 * min(1.0, (1 - step / steps) / 0.6) - 0.002
        frames = residuals[torch.from_numpy(random.integers(0, len(residuals), BATCH))].float()
        codes, inputs, rest = quantizer.search(
            frames, quantizer.levels, start=step % quantizer.frames, with_inputs=True
        )
        valid = torch.ones_like(codes[:, 0], dtype=torch.bool)
        quantizer.update(inputs, codes, valid, draw_frames(valid, patches.codebook_size))
        if step % 100 == 0:
            print(f"step {step}: {error_db(frames, rest):.2f} dB", flush=True)
    patches.ema_decay = kept


def error_db(frames: Tensor, residual: Tensor) -> float:
    """Power of the residual relative to that of the frames."""
    return 10 * float(torch.log10(residual.square().sum() / frames.square().sum()))


OPTIONS = {"speech": "parametric_frames", "background": "background_parametric_frames"}
"""Stream -> option of the quantizers that sets the frames of a code."""

REPLACED = {"speech": ("parametric",), "background": ("semantic", "parametric")}
"""Stream -> parts of its quantizer with codes of several frames."""


def with_overlapping_codes(codec: DeCodec, frames: int, stream: str = "speech") -> DeCodec:
    """The codec with untrained codebooks of the parametric levels of a stream, whose codes span `frames` frames."""
    config, replaced = codec.resolved_config(), tuple(f"{stream}_quantizer.{part}." for part in REPLACED[stream])
    config["quantizer"][OPTIONS[stream]] = frames
    extended = DeCodec(config)
    weights = {key: value for key, value in codec.state_dict().items() if not key.startswith(replaced)}
    extended.load_state_dict(extended.state_dict() | weights)
    return extended.eval()


def main() -> None:
    """Write the codec, and print the error of the parameters on the development voices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", default="decodec-16k-semantic", help="name or folder of a codec")
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=5, help="frames that a code spans")
    parser.add_argument("--batches", type=int, default=600, help="batches of 8 segments of 4 s to train with")
    parser.add_argument("--steps", type=int, default=1300)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    codec, random = DeCodec.from_pretrained(args.start), np.random.default_rng(0)
    sampler, held_out = BatchSampler(args.bank), AudioBank(args.bank, "speech_dev")
    batches = (sampler.draw(8, 3, 65280, random).mixture for _ in range(args.batches))
    residuals = torch.cat([parametric_residuals(codec, batch).half() for batch in batches])
    codec = with_overlapping_codes(codec, args.frames)
    quantizer = codec.speech_quantizer.parametric
    train_codebooks(quantizer, residuals, args.steps, random)
    unseen = parametric_residuals(codec, held_out.draw(40, 80000, random))
    print(f"held out: {error_db(unseen, quantizer.search(unseen, quantizer.levels)[2]):.2f} dB")
    codec.save_pretrained(args.out, half=True, shard_megabytes=15)


if __name__ == "__main__":
    main()
