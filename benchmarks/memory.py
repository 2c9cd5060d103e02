"""Peak memory of `decodec encode` and `decodec decode`, for short and for long files."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch
from common import REPOSITORY, describe_machine, load_codec, print_table

MIB = 2**20


def main() -> None:
    """Run the benchmark; see --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of a saved codec (default: the default size, random)")
    parser.add_argument("--seconds", type=int, nargs="+", default=[1, 60, 600], help="lengths of the files")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = args.model or folder / "model"
        if not args.model:
            load_codec(None).save_pretrained(model)
        rows = [[str(seconds), *measure(seconds, model.resolve(), folder)] for seconds in args.seconds]
    print_table(["seconds of audio", "encode, MiB", "decode, MiB"], rows)
    print("\n- peak resident memory of the whole command on one thread, 16 kHz mono wav, all levels")
    print(describe_machine())


def measure(seconds: int, model: Path, folder: Path) -> list[str]:
    """Peak memory of encoding a file of noise, and of decoding its tokens."""
    wav, tokens, decoded = folder / "in.wav", folder / "in.dcd", folder / "out.wav"
    noise = np.random.default_rng(0).integers(-3000, 3000, 16000 * seconds, dtype=np.int16)
    soundfile.write(wav, noise, 16000)
    options = ("--model", str(model), "--device", "cpu", "--force", "--quiet")
    peaks = (
        peak("encode", str(wav), "-o", str(tokens), *options),
        peak("decode", str(tokens), "-o", str(decoded), *options),
    )
    return [f"{value / MIB:.0f}" for value in peaks]


def peak(*arguments: str) -> int:
    """Peak resident memory of one run of the command line, in bytes.

    Raises:
        RuntimeError: if the command fails.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "espnet2_decodec", *arguments]
    process = os.posix_spawn(sys.executable, command, environment)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"Failed: {' '.join(command)}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
