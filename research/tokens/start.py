"""Build the codec at which a training starts: `python -m research.tokens.start --out MODEL`.

Separation, coordinates, decoder, codebooks of the waveform levels and the background are those of a codec with the mdct
backbone; semantic encoder, its codebook, predictor and post-filter are random.
"""

import argparse
from pathlib import Path

import torch

from espnet2_decodec.codec.decodec import DeCodec

SEMANTIC_DIM = 64

PARAMETRIC_FRAMES = 5
"""Frames that a code of the parametric levels spans."""


def start_codec(base: DeCodec, options: dict | None = None) -> DeCodec:
    """A codec with a semantic level.

    Args:
        base: codec with the mdct backbone and parametric levels.
        options: sections of the config that differ from the defaults.
    """
    given, config = options or {}, base.resolved_config()
    kept = ("hop", "n_mels", "channels", "encoder_blocks", "decoder_blocks", "kernel", "encoder_kernel")
    kept += ("deep_filter_channels", "deep_filter_blocks", "highband_gain")
    backbone = {name: config["backbone"][name] for name in kept} | given.get("backbone", {})
    size = backbone.setdefault("content_dim", SEMANTIC_DIM)
    levels = ("speech_levels", "background_levels", "codebook_size", "parametric_levels")
    speech_dim, background_dim = base.subspace.dims
    codec = DeCodec(
        {
            "backbone": {"name": "semantic_mdct", **backbone},
            "split": {"name": "orthogonal", "speech_dim": size + speech_dim, "background_dim": background_dim},
            "quantizer": {
                "parametric_frames": PARAMETRIC_FRAMES,
                **{name: config["quantizer"][name] for name in levels},
                **given.get("quantizer", {}),
            },
        }
    )
    old, new = base.state_dict(), codec.state_dict()
    for name in new:
        source = name.replace("backbone.background_decoder", "backbone.decoder")
        if name == "subspace.weight":
            new[name][size:, size:] = old[name]
        elif source in old and not name.startswith(("speech_quantizer.parametric.", "speech_quantizer.semantic.")):
            new[name] = old[source]
    codec.load_state_dict(new)
    return codec


def main() -> None:
    """Write the folder of the codec."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", help="folder of a codec with the mdct backbone; that of the package by default")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    start_codec(DeCodec.from_pretrained(args.base)).save_pretrained(args.out)
    print(f"{args.out}: the codec to start from")


if __name__ == "__main__":
    main()
