"""Write test mixtures with their stems: python -m espnet2_decodec.bin.make_mixtures --help"""

import argparse

from espnet2_decodec.data.mixtures import Plan, make_mixtures
from espnet2_decodec.data.seen import write_seen
from espnet2_decodec.data.settings import run


def main(arguments: list[str] | None = None) -> None:
    """Command line of `make_mixtures`."""
    parser = argparse.ArgumentParser(description=make_mixtures.__doc__.split("\n\n")[0])
    parser.add_argument("--speech", required=True, help="Kaldi folder of clean speech")
    parser.add_argument("--background", required=True, help="Kaldi folder of backgrounds")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--snrs", nargs="+", default=["-5", "0", "5", "10", "20", "clean", "background"])
    parser.add_argument("--without", nargs="+", default=[], metavar="SNR", help="those of --snrs that are left out")
    parser.add_argument("--per_condition", type=int, default=20, help="mixtures of each condition")
    parser.add_argument("--seconds", type=float, nargs=2, default=(4.0, 8.0), help="shortest and longest mixture")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--suffix", default="", help="ends every id: for two sets of the same speech in one comparison")
    parser.add_argument(
        "--training_background", help="Kaldi folder that training takes backgrounds from, for the table utt2seen"
    )
    args = parser.parse_args(arguments)
    snrs = tuple(snr for snr in args.snrs if snr not in args.without)
    plan = Plan(snrs, args.per_condition, tuple(args.seconds), args.seed, suffix=args.suffix)
    print("wrote" if make_mixtures(args.speech, args.background, args.out, plan) else "complete already:", args.out)
    if args.training_background:
        found = write_seen(args.out, args.background, args.training_background)
        print(f"backgrounds of sources that training has: {found['yes']}, of others: {found['no']}")


if __name__ == "__main__":
    run(main)
