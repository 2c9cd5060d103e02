"""Check that a training of the codec task took steps: python -m espnet2_decodec.bin.check_exp EXP"""

import argparse
import sys

from espnet2_decodec.espnet.check import check


def main(cmd=None):
    """Print one line about the experiment; exit with 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="of the experiment")
    try:
        print(check(parser.parse_args(cmd).folder))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
