"""Train a codec with ESPnet.

Usage: python -m espnet2_decodec.bin.codec_train --help
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's default is several times slower on shared cores

from espnet2_decodec.espnet.codec_task import DeCodecTask  # noqa: E402
from espnet2_decodec.espnet.safe_task import run_task  # noqa: E402


def get_parser():
    """Options of the task."""
    return DeCodecTask.get_parser()


def main(cmd=None):
    """Train with the arguments `cmd`, by default those of the command line."""
    DeCodecTask.main(cmd=cmd)


if __name__ == "__main__":
    run_task(DeCodecTask)
