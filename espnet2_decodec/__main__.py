"""python -m espnet2_decodec -m MODULE ...: one of ESPnet's own programs, with our codec and frontend registered.

Without -m it is the command `decodec`.
"""

import runpy
import sys


def main() -> None:
    """Run what the command line says."""
    if sys.argv[1:2] != ["-m"]:
        from espnet2_decodec.cli import main as decodec

        sys.exit(decodec())
    if len(sys.argv) < 3:
        sys.exit("decodec: error: -m needs the name of a module, as espnet2.bin.asr_train")
    import espnet2.tasks.asr

    from espnet2_decodec.espnet.asr_task import DeCodecASRTask

    # Programs take the task from this module when they start; processes that they start import ours by its name.
    espnet2.tasks.asr.ASRTask = DeCodecASRTask
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
