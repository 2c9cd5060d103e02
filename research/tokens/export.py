"""Export a content encoder: `python -m research.tokens.export --content content.pt --out FOLDER`."""

import argparse
from pathlib import Path

from research.tokens.weights import load_content, save_content


def main() -> None:
    """Write content.safetensors.xz, in float16."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--content", type=Path, required=True, help="content.pt of a training of the content encoder")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    path = save_content(load_content(args.content), args.out)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
