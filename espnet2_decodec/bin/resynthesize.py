"""Tokens to recordings: python -m espnet2_decodec.bin.resynthesize --help"""

import argparse

from espnet2_decodec.data.resynthesize import STREAMS, resynthesize
from espnet2_decodec.data.settings import Settings, add_options, run


def main(arguments: list[str] | None = None) -> None:
    """Command line of `resynthesize`."""
    parser = argparse.ArgumentParser(description="A folder of tokens that tokenize wrote to wavs.")
    parser.add_argument("--tokens", required=True, help="folder that tokenize wrote")
    parser.add_argument("--out", required=True, help="folder to write to; what it holds already is kept")
    parser.add_argument("--streams", default="both", choices=list(STREAMS), help="what is heard")
    add_options(parser)
    args = parser.parse_args(arguments)
    count = resynthesize(args.tokens, args.out, Settings.of(args), args.streams, args.nj)
    print(f"{count} recordings written to {args.out}")


if __name__ == "__main__":
    run(main)
