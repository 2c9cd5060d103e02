"""The command `decodec`: one small module for each of its commands.

A command module has SUMMARY (one line of help), `add_arguments(parser)` and `run(args) -> int` (the exit
code), and imports torch only inside `run`, so that `--help` answers at once.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module

from espnet2_decodec import __version__
from espnet2_decodec.cli.parser import Parser

COMMANDS = ("encode", "decode", "separate", "remix", "convert", "say", "evaluate", "probe", "report", "info", "recipe")


def build_parser() -> ArgumentParser:
    """The parser of all commands."""
    parser = Parser(prog="decodec", description="A codec that separates speech from background.")
    parser.add_argument("--version", action="version", version=f"decodec {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"{__name__}.{name}")
        command = commands.add_parser(name, help=module.SUMMARY, description=f"{module.SUMMARY}.")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 if all went well, 1 if a file failed, 2 for wrong arguments."""
    args = build_parser().parse_args(argv)
    from espnet2_decodec.cli.messages import error

    try:
        return args.run(args)
    except (ValueError, OSError, ImportError) as problem:
        error(problem)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
