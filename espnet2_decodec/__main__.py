"""python -m espnet2_decodec: the command `decodec`.

python -m espnet2_decodec -m MODULE ... runs a program of ESPnet, such as espnet2.bin.asr_train, with the codec and the
frontend of this package registered.
"""

import runpy
import sys


def main() -> None:
    """Run the command, or the program that -m names."""
    if sys.argv[1:2] != ["-m"]:
        from espnet2_decodec.cli import main as decodec

        sys.exit(decodec())
    if len(sys.argv) < 3:
        sys.exit("decodec: error: -m needs the name of a module, such as espnet2.bin.asr_train.")
    import espnet2.tasks.asr

    from espnet2_decodec.espnet.asr_task import DeCodecASRTask

    # Programs of ESPnet look the task up in this module; worker processes import DeCodecASRTask by its own name.
    espnet2.tasks.asr.ASRTask = DeCodecASRTask
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
