"""Train an ASR model with ESPnet.

Usage: python -m espnet2_decodec.bin.asr_train --help
"""

from espnet2_decodec.espnet.asr_task import DeCodecASRTask
from espnet2_decodec.espnet.safe_task import run_task


def get_parser():
    """Options of the task."""
    return DeCodecASRTask.get_parser()


def main(cmd=None):
    """Train with the arguments `cmd`, by default those of the command line."""
    DeCodecASRTask.main(cmd=cmd)


if __name__ == "__main__":
    run_task(DeCodecASRTask)
