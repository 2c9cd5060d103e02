"""Error rates of recognized test sets: python -m espnet2_decodec.bin.asr_score --help"""

import argparse
from pathlib import Path

from espnet2_decodec.data.settings import run
from espnet2_decodec.evaluation.asr_results import report, score


def main(arguments: list[str] | None = None) -> None:
    """Command line of `score` and `report`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", required=True, help="folders of the test sets, with text")
    parser.add_argument("--recognized", required=True, help="text with ids <set>/<utterance>")
    parser.add_argument("--out", required=True, help="folder decode_* inside that of the experiment")
    parser.add_argument("--command", default="", help="to be noted in RESULTS.md")
    args = parser.parse_args(arguments)
    print("scored with", score({Path(name).name: Path(name, "text") for name in args.sets}, args.recognized, args.out))
    print(report(Path(args.out).parent, {"command": args.command}), end="")


if __name__ == "__main__":
    run(main)
