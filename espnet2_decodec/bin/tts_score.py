"""Figures of a synthesized test set: python -m espnet2_decodec.bin.tts_score --help"""

import argparse
from pathlib import Path

from espnet2_decodec.sets.settings import run
from espnet2_decodec.tts.score import Judges, add_options, score, write_results


def main(arguments: list[str] | None = None) -> None:
    """Command line of `score`."""
    parser = argparse.ArgumentParser(description="CER, speaker similarity, DNSMOS, and what became of the background.")
    add_options(parser)
    args = parser.parse_args(arguments)
    tables = [{k: Path(v) for k, _, v in (item.partition("=") for item in items)} for items in (args.systems, args.sources)]
    judges = Judges(args.recognizer, args.language)
    rows = score(tables[0], args.text, args.voices, tables[1], judges, args.limit)
    print(write_results(rows, args.out, judges))


if __name__ == "__main__":
    run(main)
