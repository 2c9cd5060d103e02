"""Options that several commands share."""

import argparse

AUDIO_FORMATS = ("wav", "flac", "ogg")


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model, --device."""
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the one that is shipped)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)")


def add_levels(parser: argparse.ArgumentParser, verb: str) -> None:
    """--speech-levels, --speech-kbps and the same of the background."""
    for stream in ("speech", "background"):
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            f"--{stream}-levels",
            type=int,
            metavar="N",
            help=f"levels of the {stream} stream to {verb}, 0 leaves it out (default: all)",
        )
        group.add_argument(
            f"--{stream}-kbps", type=float, metavar="R", help="the same as a rate; `decodec info` lists them"
        )


def add_inputs(parser: argparse.ArgumentParser, what: str) -> None:
    """IN..., -o, --force, --quiet."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help=f"{what}, or folders of them (their tree is kept)")
    add_output(parser, "file, or folder for several")


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """-o, --force, --quiet."""
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=what)
    parser.add_argument("-f", "--force", action="store_true", help="overwrite files that are there")
    parser.add_argument("-q", "--quiet", action="store_true", help="errors and warnings only")


def add_audio_output(parser: argparse.ArgumentParser) -> None:
    """--format, --rescale."""
    parser.add_argument("--format", choices=AUDIO_FORMATS, default="wav", help="of files in a folder (default: wav)")
    parser.add_argument("--rescale", action="store_true", help="make files that would clip quieter")
