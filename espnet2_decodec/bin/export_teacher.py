"""Write the Whisper teacher as one file: python -m espnet2_decodec.bin.export_teacher OUT --layer 4."""

import argparse
from pathlib import Path

from espnet2_decodec.training.teachers.whisper import WhisperTeacher


def main(argv: list[str] | None = None) -> None:
    """Run the command.

    Args:
        argv: arguments; None for those of the process.
    """
    parser = argparse.ArgumentParser(description="Write the Whisper teacher's layers as one float16 safetensors file.")
    parser.add_argument("out", type=Path, help="file to write, e.g. teacher.safetensors")
    parser.add_argument("--layer", type=int, default=4, help="number of encoder layers to keep (default: 4)")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite the file")
    args = parser.parse_args(argv)
    if args.out.exists() and not args.force:
        parser.error(f"{args.out} exists: give -f to overwrite it")
    try:
        teacher = WhisperTeacher.from_package(args.layer)
    except ValueError as error:
        parser.error(str(error))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    teacher.save(args.out)
    print(f"{args.out}: {teacher.name}, {teacher.dim} numbers a frame, {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
