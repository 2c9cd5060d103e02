"""Export the averaged weights of a training: `python -m research.tokens.export --run RUN --out FOLDER`.

The folder gets codec-NN.safetensors.xz, codebooks included, and content.safetensors.xz, the content encoder. A training
starts from it with `--init FOLDER`. `--content FILE` exports a content.pt of `train_content` alone.
"""

import argparse
from pathlib import Path

from research.tokens.score import averaged_codec
from research.tokens.weights import load_content, save_content, save_weights


def main() -> None:
    """Export a training."""
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", type=Path, help="folder of a training of the codec")
    source.add_argument("--content", type=Path, help="content.pt of a training of the content encoder")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.run:
        paths = save_weights(averaged_codec(args.run)[0].state_dict(), args.out)
    else:
        paths = [save_content(load_content(args.content), args.out)]
    for path in paths:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
