"""Prompts for a set, clean and noisy: python -m espnet2_decodec.bin.tts_prompts --help"""

import argparse

from espnet2_decodec.data.settings import run
from espnet2_decodec.data.tts_prompts import KINDS, Plan, make_prompts


def main(arguments: list[str] | None = None) -> None:
    """Command line of `make_prompts`."""
    parser = argparse.ArgumentParser(description="A prompt of the same voice for each utterance, clean and in noise.")
    parser.add_argument("--data", required=True, help="Kaldi directory of the set")
    parser.add_argument("--background", required=True, help="Kaldi directory of backgrounds")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument(
        "--snrs", type=float, nargs=2, default=Plan.snrs, help="lowest and highest SNR of noisy prompts in dB"
    )
    parser.add_argument("--seed", type=int, default=Plan.seed, help="of the backgrounds")
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=KINDS, help="which recordings to write; all when left out"
    )
    args = parser.parse_args(arguments)
    plan = Plan(tuple(args.snrs), seed=args.seed)
    print(f"{make_prompts(args.data, args.background, args.out, plan, args.kinds)} prompts in {args.out}")


if __name__ == "__main__":
    run(main)
