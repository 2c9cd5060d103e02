"""Build the causal codec at which a training starts: `python -m research.separation.causal --out MODEL`.

Its weights are those of a codec with look-ahead, without the taps of the convolutions that lie in the future.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.deep_filter import BandSplitDeepFilter

SEPARATION = ("backbone.encoder.", "backbone.deep_filter.")
"""Prefixes of the weights of the separation."""


def without_future(name: str, weight: Tensor) -> Tensor:
    """A weight of a codec with look-ahead, for the causal codec.

    The convolutions look K // 2 frames ahead, and the causal ones K - 1 back: their last taps are the first ones of the
    others. The same holds for the three taps of the deep filter.

    Args:
        name: of the weight in the state of the codec.
        weight: any shape; frames are the third axis of a convolution, outputs and bins the last one of the deep filter.
    """
    if name.endswith("dwconv.weight"):
        shift = weight.shape[2] // 2
        return torch.cat([torch.zeros_like(weight[:, :, :shift]), weight[:, :, : weight.shape[2] - shift]], dim=2)
    if "deep_filter.project" in name:
        gain, taps = weight.unflatten(-1, (BandSplitDeepFilter.outputs, -1)).tensor_split([2], dim=-2)
        return torch.cat([gain, torch.zeros_like(taps[..., :2, :]), taps[..., :-2, :]], dim=-2).flatten(-2)
    return weight


def causal_codec(base: DeCodec, separation: DeCodec) -> DeCodec:
    """The causal codec with the mdct backbone that is nearest to `base`, without content encoder.

    Args:
        base: codec with the mdct backbone.
        separation: codec whose encoder and deep filter are taken.
    """
    config = {name: section for name, section in base.resolved_config().items() if name != "content"}
    other = separation.resolved_config()["backbone"]
    names = ("deep_filter_channels", "deep_filter_blocks")
    backbone = {**config["backbone"], **{name: other[name] for name in names}, "causal": True}
    codec = DeCodec({**config, "backbone": backbone})
    state = {**base.state_dict(), **{k: v for k, v in separation.state_dict().items() if k.startswith(SEPARATION)}}
    codec.load_state_dict({name: without_future(name, state[name]) for name in codec.state_dict()})
    return codec


def main() -> None:
    """Write the folder of the codec."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="decodec-16k", help="codec of the coordinates, decoder and codebooks")
    parser.add_argument("--separation", default="decodec-16k-semantic", help="codec of the separation")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    codec = causal_codec(DeCodec.from_pretrained(args.base), DeCodec.from_pretrained(args.separation))
    codec.save_pretrained(args.out)
    print(f"{args.out}: the codec to start from, latency {1000 * codec.latency / codec.sample_rate:.0f} ms")


if __name__ == "__main__":
    main()
