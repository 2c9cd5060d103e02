"""Tokens to text for discrete ASR: python -m espnet2_decodec.bin.asr_units --help"""

import argparse
from pathlib import Path

from espnet2_decodec.data.asr_units import stream_of, write_unit_list, write_units
from espnet2_decodec.data.settings import Settings, run


def main(arguments: list[str] | None = None) -> None:
    """Command line of `write_units` and `write_unit_list`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tokens", nargs="+", required=True, help="folders that tokenize wrote; each gets a table `units`"
    )
    parser.add_argument("--model", help="folder of the codec; the shipped one when left out")
    parser.add_argument("--list", required=True, help="file for the list of all units")
    parser.add_argument("--no_repeats", action="store_true", help="leave out frames that are as the one before")
    args = parser.parse_args(arguments)
    levels = [write_units(folder, Path(folder) / "units", not args.no_repeats) for folder in args.tokens]
    codec = Settings(args.model).codec()
    quantizer = codec.content_encoder.quantizer if stream_of(args.tokens[0]) == "content" else codec.speech_quantizer
    write_unit_list(args.list, levels[0], quantizer.codebook_size)
    print(f"units of {len(levels)} sets, {levels[0]} a frame")


if __name__ == "__main__":
    run(main)
