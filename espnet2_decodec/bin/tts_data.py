"""Transcribed voices to training, development and test sets: python -m espnet2_decodec.bin.tts_data --help"""

import argparse

from espnet2_decodec.data.settings import run
from espnet2_decodec.data.tts import Wanted, prepare


def main(arguments: list[str] | None = None) -> None:
    """Command line of `prepare`."""
    parser = argparse.ArgumentParser(
        description="Sets of transcribed recordings for text-to-speech, and their characters."
    )
    parser.add_argument(
        "--data", nargs="+", required=True, help="Kaldi directories; those without text are passed over"
    )
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument(
        "--voices", nargs="*", default=[], help="speakers, or beginnings of their names; all when left out"
    )
    parser.add_argument("--min_seconds", type=float, default=Wanted.seconds[0], help="shortest recording")
    parser.add_argument("--max_seconds", type=float, default=Wanted.seconds[1], help="longest recording")
    args = parser.parse_args(arguments)
    print(prepare(args.data, args.out, Wanted(tuple(args.voices), (args.min_seconds, args.max_seconds))))


if __name__ == "__main__":
    run(main)
