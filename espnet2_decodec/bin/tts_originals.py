"""Tokens of a test set to waveforms, for comparison: python -m espnet2_decodec.bin.tts_originals --help"""

import argparse

from espnet2_decodec.data.settings import run
from espnet2_decodec.tts.inference import decode_all


def main(arguments: list[str] | None = None) -> None:
    """Command line of `decode_all`."""
    parser = argparse.ArgumentParser(
        description="Originals through all speech levels, and through those that are predicted."
    )
    parser.add_argument("--model", required=True, help="folder of a text-to-speech model")
    parser.add_argument("--tokens", required=True, help="lines of uttid and path of speech tokens")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--nj", type=int, default=1, help="processes")
    args = parser.parse_args(arguments)
    print(" ".join(map(str, decode_all(args.model, args.tokens, args.out, args.nj).values())))


if __name__ == "__main__":
    run(main)
