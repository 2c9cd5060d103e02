"""The argument parser of the command, and options that several subcommands share."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from espnet2_decodec.arguments import device, finite_float
from espnet2_decodec.program import ProgramParser

DEFAULT = "decodec-16k-semantic"
TOKENS_DEFAULT = f"that in the package which encoded a .dcd file, else {DEFAULT}"
"""What the help says of the default model."""

AUDIO_FORMATS = ("wav", "flac", "ogg", "opus", "m4a")


class Parser(ProgramParser):
    """A parser of the command, which keeps the lines of its epilog.

    Args:
        add_arguments: function that adds the arguments; called before the first parsing, not at construction.
        options: further arguments of `argparse.ArgumentParser`.
    """

    def __init__(self, add_arguments: Callable[["Parser"], None] | None = None, **options: Any):
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, **options})
        self._pending = add_arguments

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the pending arguments, then parse."""
        self.add_pending()
        return super().parse_known_args(args, namespace)

    def add_pending(self) -> None:
        """Add the arguments that wait for the first parsing."""
        if self._pending is not None:
            add, self._pending = self._pending, None
            add(self)

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with code 2."""
        self.exit(2, f"decodec: error: {message}; see {self.prog} --help\n")


def add_inputs(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add IN, -o, --force and --quiet of a command for files and folders."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="IN",
        help=f"{kind}, or folders of them; their structure is kept in OUT; - is the standard input",
    )
    add_output(parser, "output file, or output folder for several inputs; - is the standard output")
    add_skip_existing(parser)


def add_skip_existing(parser: argparse.ArgumentParser) -> None:
    """Add --skip-existing."""
    parser.add_argument(
        "--skip-existing", action="store_true", help="leave out inputs whose output exists, to resume a command"
    )


def add_output(parser: argparse.ArgumentParser, help: str) -> None:
    """Add -o, --force and --quiet."""
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=help)
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    parser.add_argument("-q", "--quiet", action="store_true", help="print only errors and warnings")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add --device."""
    parser.add_argument(
        "--device",
        type=device,
        default="auto",
        help="auto, cpu, cuda, cuda:1, ... (default: auto: cuda if available)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print JSON on the standard output, for programs")


def add_model(parser: argparse.ArgumentParser, default: str | None = None, default_help: str = DEFAULT) -> None:
    """Add --model and --device.

    Args:
        parser: of the command.
        default: name of a model in the package; None for the default of `DeCodec.from_pretrained`.
        default_help: what the help says of the default None.
    """
    parser.add_argument(
        "--model",
        metavar="FOLDER",
        default=default,
        help="folder of the model, name of one in the package, or OWNER/NAME[@REVISION] on the Hugging Face Hub "
        f"(default: {default or default_help})",
    )
    add_device(parser)


def add_levels(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add --speech-levels, --speech-kbps, and the same options for the background.

    Args:
        parser: of the command.
        verb: what the command does with the levels, for the help.
    """
    for stream in ("speech", "background"):
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            f"--{stream}-levels",
            type=int,
            metavar="N",
            help=f"number of {stream} levels to {verb}, 0 for no {stream} (default: all)",
        )
        group.add_argument(
            f"--{stream}-kbps",
            type=finite_float,
            metavar="R",
            help=f"the same as a bit rate in kbit/s; `decodec info` lists the rates of the {stream}",
        )


def add_rescale(parser: argparse.ArgumentParser) -> None:
    """Add --rescale."""
    parser.add_argument(
        "--rescale",
        action="store_true",
        help="scale an output that would clip to a peak of 0.99 (remix, convert and say always do, with a warning)",
    )


def add_audio_output(parser: argparse.ArgumentParser) -> None:
    """Add --format and --rescale."""
    parser.add_argument(
        "--format", choices=AUDIO_FORMATS, default="wav", help="format of the files in an output folder (default: wav)"
    )
    add_rescale(parser)
