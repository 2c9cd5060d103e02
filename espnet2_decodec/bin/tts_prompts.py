"""Prompts for a test set, clean and noisy: python -m espnet2_decodec.bin.tts_prompts --help"""

import argparse

from espnet2_decodec.sets.settings import run
from espnet2_decodec.tts.prompts import Plan, make_prompts


def main(arguments: list[str] | None = None) -> None:
    """Command line of `make_prompts`."""
    parser = argparse.ArgumentParser(description="A prompt of the same voice for each utterance, clean and in noise.")
    parser.add_argument("--test", required=True, help="Kaldi directory of the test set")
    parser.add_argument("--background", required=True, help="Kaldi directory of backgrounds")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--snr", type=float, default=Plan.snr, help="dB of speech over background in noisy prompts")
    parser.add_argument("--seed", type=int, default=Plan.seed, help="of the backgrounds")
    args = parser.parse_args(arguments)
    print(f"{make_prompts(args.test, args.background, args.out, Plan(args.snr, seed=args.seed))} prompts in {args.out}")


if __name__ == "__main__":
    run(main)
