"""The command `decodec`, with one module for each subcommand.

A subcommand module has SUMMARY (one line of help), `add_arguments(parser)` and `run(args) -> int` (the exit code). It
imports torch inside `run` only, so that `--help` is fast.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module

from espnet2_decodec import __version__
from espnet2_decodec.cli.parser import Parser

COMMANDS = (
    "encode",
    "decode",
    "separate",
    "remix",
    "convert",
    "say",
    "info",
    "evaluate",
    "probe",
    "report",
    "demo",
    "recipe",
)

EXAMPLES = """\
examples:
  decodec separate noisy.wav -o stems           stems/noisy.speech.wav and stems/noisy.background.wav
  decodec encode noisy.wav -o noisy.dcd         tokens of both streams
  decodec decode noisy.dcd -o decoded.wav       audio from tokens
  decodec demo page                             a page with examples, in a clone of the repository
  decodec COMMAND --help                        options and examples of a command
"""


def build_parser() -> ArgumentParser:
    """Return the parser of all subcommands."""
    description = "Neural audio codec with separate tokens for speech and background."
    parser = Parser(prog="decodec", description=description, epilog=EXAMPLES)
    parser.add_argument("--version", action="version", version=f"decodec {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"{__name__}.{name}")
        command = commands.add_parser(name, help=module.SUMMARY, description=f"{module.SUMMARY}.")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code: 0 for success, 1 if a file failed, 2 for wrong arguments."""
    args = build_parser().parse_args(argv)
    from espnet2_decodec.cli.console import configure, error

    configure(quiet=getattr(args, "quiet", False))
    try:
        return args.run(args)
    except (ValueError, OSError, ImportError) as problem:
        error(problem)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
