"""Copy a trained part of a codec into another codec.

`python -m research.merge --part background --trained TRAINED --codec MODEL --out FOLDER`; `research.voice.export
--codec FOLDER` then stores it as in the package.
"""

import argparse
from pathlib import Path

from espnet2_decodec.codec.decodec import DeCodec

PARTS = {
    "background": ("backbone.background_decoder.", "background_quantizer."),
    "separation": ("backbone.encoder.", "backbone.deep_filter."),
}
"""Part -> beginnings of the names of the weights that are its alone."""


def merge(codec: DeCodec, trained: DeCodec, part: str) -> None:
    """Copy a part of `trained` into `codec`, in place; all else stays.

    Args:
        codec: that is changed.
        trained: of the same subspaces.
        part: one of `PARTS`.

    Raises:
        ValueError: if the codecs differ in the names or sizes of these weights, or in their subspaces.
    """
    own, other = (_state(x, part) for x in (codec, trained))
    if {name: x.shape for name, x in own.items()} != {name: x.shape for name, x in other.items()} or not own:
        raise ValueError(f"The two codecs have a {part} of different sizes, or one of them has none.")
    if not codec.subspace.matrix().allclose(trained.subspace.matrix(), atol=1e-4):
        raise ValueError("The two codecs have different subspaces; the coordinates of one mean nothing in the other.")
    codec.load_state_dict(codec.state_dict() | other)


def _state(codec: DeCodec, part: str) -> dict:
    """The state of a part of a codec."""
    return {name: x for name, x in codec.state_dict().items() if name.startswith(PARTS[part])}


def main() -> None:
    """Write the codec with the part of the other, in float32."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--trained", required=True, help="name or folder of the codec with the trained part")
    parser.add_argument("--codec", default="decodec-16k-semantic", help="name or folder of the codec that gets it")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    codec = DeCodec.from_pretrained(args.codec)
    merge(codec, DeCodec.from_pretrained(args.trained), args.part)
    codec.save_pretrained(args.out, shard_megabytes=15)
    print(f"{args.out}: {args.codec} with the {args.part} of {args.trained}")


if __name__ == "__main__":
    main()
