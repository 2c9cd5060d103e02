"""python -m espnet2_decodec: the command `decodec`.

python -m espnet2_decodec -m MODULE ... runs a program of ESPnet, such as espnet2.bin.asr_train, with the codec and the
frontend of this package registered.
"""

import importlib.util
import runpy
import sys

CHECKED = {f"espnet2.bin.{name}": f"espnet2_decodec.bin.{name}" for name in ("asr_train", "asr_inference")}
"""Programs of ESPnet -> those of this package, which do the same but check options and data."""


def main() -> None:
    """Run the command, or the program that -m names."""
    if sys.argv[1:2] != ["-m"]:
        from espnet2_decodec.cli import main as decodec

        sys.exit(decodec())
    if len(sys.argv) < 3:
        sys.exit("decodec: error: -m needs the name of a module, such as espnet2.bin.asr_train.")
    if not _is_module(sys.argv[2]):
        sys.exit(f"decodec: error: there is no module {sys.argv[2]}.")
    import espnet2.tasks.asr

    from espnet2_decodec.espnet.asr_task import DeCodecASRTask

    # Programs of ESPnet look the task up in this module; worker processes import DeCodecASRTask by its own name.
    espnet2.tasks.asr.ASRTask = DeCodecASRTask
    sys.argv = [CHECKED.get(sys.argv[2], sys.argv[2]), *sys.argv[3:]]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # of the package that should contain it
        return False


if __name__ == "__main__":
    main()
