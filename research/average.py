"""Average the weights of a codec before and after a further training.

`python -m research.average --before MODEL --after MODEL --out FOLDER`. The average keeps what the codec could do
before, and has most of what the training added (Wortsman et al., 2022, arXiv 2109.01903).
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from research.extension import extend_codec

MOVED = 0.5
"""Squared distance, relative to the mean square of a codebook, from which on a code counts as replaced."""


def average(before: DeCodec, after: DeCodec, share: float) -> DeCodec:
    """A codec with `share` of the weights of `after`, and codes that the training replaced as they are there.

    Args:
        before: the codec that the training started from; `after` may have further inputs.
        after: the trained codec.
        share: 0 to 1.

    Raises:
        RuntimeError: if the two have different weights otherwise.
    """
    config = after.resolved_config()
    codec = extend_codec(before, config["backbone"])
    weights, trained = codec.state_dict(), after.state_dict()
    for name, value in weights.items():
        if not value.is_floating_point():
            weights[name] = trained[name]
        elif name.endswith("codebooks"):
            weights[name] = _average_codebooks(value, trained[name], share)
        else:
            weights[name] = value.lerp(trained[name], share)
    codec.load_state_dict(weights)
    return codec


def _average_codebooks(before: Tensor, after: Tensor, share: float) -> Tensor:
    """Codebooks [K, N, D] of two codecs -> their average, of replaced codes those of the second."""
    distance = (before - after).square().sum(-1, keepdim=True)
    replaced = distance > MOVED * before.square().sum(-1).mean()
    return torch.where(replaced, after, before.lerp(after, share))


def main() -> None:
    """Write the folder of the average."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", required=True, help="name or folder of the codec before the training")
    parser.add_argument("--after", required=True, help="folder of the codec after it")
    parser.add_argument("--share", type=float, default=0.5, help="of the weights after it (default: 0.5)")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    before, after = DeCodec.from_pretrained(args.before), DeCodec.from_pretrained(args.after)
    average(before, after, args.share).save_pretrained(args.out)
    print(f"{args.out}: the average of {args.before} and {args.after}")


if __name__ == "__main__":
    main()
