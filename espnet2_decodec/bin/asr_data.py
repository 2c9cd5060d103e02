"""Write data directories for ASR: python -m espnet2_decodec.bin.asr_data --help"""

import argparse

from espnet2_decodec.data.asr import Plan, prepare
from espnet2_decodec.data.settings import run


def main(arguments: list[str] | None = None) -> None:
    """Command line of `prepare`."""
    parser = argparse.ArgumentParser(description=prepare.__doc__.split("\n\n")[0])
    parser.add_argument("--speech", nargs="+", required=True, help="Kaldi directories with text")
    parser.add_argument("--background", required=True, help="Kaldi directory of backgrounds for the tests")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument(
        "--voices", nargs="*", default=[], help="speakers, or beginnings of their names; all when left out"
    )
    parser.add_argument("--snrs", nargs="+", default=list(Plan.snrs), help="of the test sets: clean, or dB")
    parser.add_argument("--seconds", type=float, nargs=2, default=Plan.seconds, help="shortest and longest recording")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    plan = Plan(tuple(args.voices), tuple(args.snrs), tuple(args.seconds), args.seed)
    print(*prepare(args.speech, args.background, args.out, plan), sep="\n")


if __name__ == "__main__":
    run(main)
