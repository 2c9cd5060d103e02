"""Recordings to speech and background: python -m espnet2_decodec.bin.separate_set --help"""

import argparse

from espnet2_decodec.sets.separate import separate
from espnet2_decodec.sets.settings import Settings, add_options, run


def main(arguments: list[str] | None = None) -> None:
    """Command line of `separate`."""
    parser = argparse.ArgumentParser(description="Recordings of a wav.scp to wavs of speech and of background.")
    parser.add_argument("--scp", required=True, help="lines of uttid and path")
    parser.add_argument("--out", required=True, help="folder to write to; what it holds already is kept")
    parser.add_argument("--unquantized", action="store_true", help="leave the quantizers out")
    add_options(parser)
    args = parser.parse_args(arguments)
    count = separate(args.scp, args.out, Settings.of(args), not args.unquantized, args.nj)
    print(f"{count} recordings separated to {args.out}")


if __name__ == "__main__":
    run(main)
