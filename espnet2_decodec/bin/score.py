"""Score a codec on test mixtures: python -m espnet2_decodec.bin.score --help"""

from espnet2_decodec.data.settings import run
from espnet2_decodec.evaluation.score import parser, score


def main(arguments: list[str] | None = None) -> None:
    """Command line of `score`."""
    print(score(parser().parse_args(arguments)))


if __name__ == "__main__":
    run(main)
