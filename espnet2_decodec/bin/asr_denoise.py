"""Denoise the test sets of ASR: python -m espnet2_decodec.bin.asr_denoise --help"""

import argparse

from espnet2_decodec.data.settings import run
from espnet2_decodec.evaluation.denoise import denoise


def main(arguments: list[str] | None = None) -> None:
    """Command line of `denoise`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", required=True, help="data directories")
    parser.add_argument(
        "--system", required=True, help="as decodec evaluate --systems takes it: gtcrn, decodec:unquantized"
    )
    parser.add_argument("--out", required=True, help="folder for data directories of the same names")
    parser.add_argument("--nj", type=int, default=1, help="processes")
    args = parser.parse_args(arguments)
    print(denoise(args.sets, args.system, args.out, args.nj), "recordings denoised to", args.out)


if __name__ == "__main__":
    run(main)
