"""Train an ASR model with ESPnet: python -m espnet2_decodec.bin.asr_train --help"""

from espnet2_decodec.espnet.asr_task import DeCodecASRTask


def get_parser():
    """Options of the task."""
    return DeCodecASRTask.get_parser()


def main(cmd=None):
    """Train as `cmd` says, by default the command line."""
    DeCodecASRTask.main(cmd=cmd)


if __name__ == "__main__":
    main()
