"""Recordings to tokens: python -m espnet2_decodec.bin.tokenize --help"""

import argparse

from espnet2_decodec.data.settings import Settings, add_options, run
from espnet2_decodec.data.tokenize import tokenize


def main(arguments: list[str] | None = None) -> None:
    """Command line of `tokenize`."""
    parser = argparse.ArgumentParser(description="Recordings of a wav.scp to (T, K) int16 arrays of tokens.")
    parser.add_argument("--scp", required=True, help="lines of uttid and path")
    parser.add_argument("--out", required=True, help="folder to write to; what it holds already is kept")
    parser.add_argument(
        "--content", type=int, default=0, help="in place of both streams, so many levels of what is said"
    )
    add_options(parser)
    args = parser.parse_args(arguments)
    print(f"{tokenize(args.scp, args.out, Settings.of(args), args.nj)} recordings tokenized to {args.out}")


if __name__ == "__main__":
    run(main)
