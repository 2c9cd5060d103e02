"""Leakage probes on test mixtures: python -m espnet2_decodec.bin.probe --help"""

import sys

from espnet2_decodec.cli import main as decodec


def main(arguments: list[str] | None = None) -> int:
    """Command line of `decodec probe`; the exit code."""
    return decodec(["probe", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    sys.exit(main())
