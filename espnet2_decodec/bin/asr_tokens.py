"""Write a token list: python -m espnet2_decodec.bin.asr_tokens --help"""

import argparse

from espnet2_decodec.data.asr_tokens import write_tokens
from espnet2_decodec.data.settings import run


def main(arguments: list[str] | None = None) -> None:
    """Command line of `write_tokens`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", required=True, help="Kaldi table of training transcripts")
    parser.add_argument("--out", required=True, help="folder for tokens.txt and bpe.model")
    parser.add_argument("--nbpe", type=int, default=0, help="pieces of byte pair encoding; 0 = characters")
    args = parser.parse_args(arguments)
    print(write_tokens(args.text, args.out, args.nbpe), "tokens")


if __name__ == "__main__":
    run(main)
