#!/usr/bin/env python3
"""Validate Kaldi data directories and the headers of their audio files.

    validate_data_dir.py [--sample-rate 16000] DIR ...

Every recording must exist, be mono and have that sample rate. The first error ends the program with status 1.
"""

import argparse
import sys
from pathlib import Path

from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.io.audio import AudioReader
from espnet2_decodec.io.errors import FileError
from local import data_dir


def check_audio(folder: Path, sample_rate: int) -> float:
    """Read the header of every recording of a data directory.

    Returns:
        Hours of audio.

    Raises:
        ValueError: if one cannot be read, is empty, has several channels or another sample rate.
    """
    seconds = 0.0
    for utterance, path in read_table(folder / "wav.scp").items():
        try:
            recording = AudioReader(path)
        except (FileError, OSError) as error:
            raise ValueError(f"{folder}: {utterance} cannot be read: {error}") from error
        if recording.source_rate != sample_rate or recording.channels != 1:
            raise ValueError(
                f"{folder}: {utterance} has {recording.channels} channels at {recording.source_rate} Hz, "
                f"but mono at {sample_rate} Hz is required: prepare the data with local/data.sh."
            )
        seconds += recording.seconds
    return seconds / 3600


def main(argv: list[str] | None = None) -> None:
    """Validate all directories and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sample-rate", type=int, default=16000)
    args = parser.parse_args(argv)
    for folder in args.folders:
        try:
            data_dir.validate(folder)
            hours = check_audio(folder, args.sample_rate)
        except ValueError as error:
            sys.exit(f"validate_data_dir.py: {error}")
        print(f"{folder}: valid, {hours:.2f} hours")


if __name__ == "__main__":
    main()
