"""Copy a trained background stream into another codec.

`python -m research.background.merge --background TRAINED --codec MODEL --out FOLDER`; `research.voice.export --codec
FOLDER` then stores it as in the package.
"""

import argparse
from pathlib import Path

from espnet2_decodec.codec.decodec import DeCodec

PARTS = ("backbone.background_decoder.", "background_quantizer.")
"""Beginnings of the names of the weights that are the background's alone."""


def merge(codec: DeCodec, trained: DeCodec) -> None:
    """Copy decoder and codebooks of the background of `trained` into `codec`, in place; all else stays.

    Raises:
        ValueError: if the codecs differ in the names or sizes of these weights, or in their subspaces.
    """
    own, other = (_parts(x) for x in (codec, trained))
    if {name: x.shape for name, x in own.items()} != {name: x.shape for name, x in other.items()} or not own:
        raise ValueError("The background streams of the two codecs have different sizes, or a codec has none.")
    if not codec.subspace.matrix().allclose(trained.subspace.matrix(), atol=1e-4):
        raise ValueError("The two codecs have different subspaces; the codebooks of one mean nothing in the other.")
    codec.load_state_dict(codec.state_dict() | other)


def _parts(codec: DeCodec) -> dict:
    """The state of a codec's background stream."""
    return {name: x for name, x in codec.state_dict().items() if name.startswith(PARTS)}


def main() -> None:
    """Write the codec with the background of the other, in float32."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--background", required=True, help="name or folder of the codec with the trained background")
    parser.add_argument("--codec", default="decodec-16k-semantic", help="name or folder of the codec that gets it")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    codec = DeCodec.from_pretrained(args.codec)
    merge(codec, DeCodec.from_pretrained(args.background))
    codec.save_pretrained(args.out, shard_megabytes=15)
    print(f"{args.out}: {args.codec} with the background of {args.background}")


if __name__ == "__main__":
    main()
