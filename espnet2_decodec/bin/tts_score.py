"""Figures of a synthesized test set: python -m espnet2_decodec.bin.tts_score --help"""

import argparse
from pathlib import Path

from espnet2_decodec.data.settings import run
from espnet2_decodec.evaluation.tts import Judges, add_options, keep_examples, score, write_results


def main(arguments: list[str] | None = None) -> None:
    """Command line of `score`."""
    parser = argparse.ArgumentParser(description="CER, speaker similarity, DNSMOS, and what became of the background.")
    add_options(parser)
    args = parser.parse_args(arguments)
    given = (args.systems, args.sources, args.prompts)
    systems, sources, prompts = ({k: Path(v) for k, _, v in (item.partition("=") for item in items)} for items in given)
    judges = Judges(args.recognizer, args.language)
    rows = score(systems, args.text, args.voices, sources, judges, args.limit)
    keep_examples(rows, systems, prompts, args.text, args.out, args.keep)
    print(write_results(rows, args.out, judges))


if __name__ == "__main__":
    run(main)
