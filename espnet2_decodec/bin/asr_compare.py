"""One table of several experiments of ASR: python -m espnet2_decodec.bin.asr_compare --help"""

import argparse

from espnet2_decodec.data.settings import run
from espnet2_decodec.evaluation.asr_results import compare


def main(arguments: list[str] | None = None) -> None:
    """Command line of `compare`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "rows", nargs="+", help="NAME=FOLDER[,FOLDER...]: decode_* folders; the first row is the yardstick"
    )
    rows = [row.partition("=") for row in parser.parse_args(arguments).rows]
    print(compare({name: folders.split(",") for name, _, folders in rows}))


if __name__ == "__main__":
    run(main)
