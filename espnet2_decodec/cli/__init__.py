"""The command `decodec`, with one module for each subcommand.

A subcommand module has SUMMARY (one line of help), `add_arguments(parser)` and `run(args) -> int` (the exit code). It
imports torch inside `run` only, so that `--help` is fast.
"""

import os
import signal
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module

from espnet2_decodec import __version__
from espnet2_decodec.cli.parser import Parser
from espnet2_decodec.program import Stopped, stop_on_signals

COMMANDS = (
    "encode",
    "decode",
    "separate",
    "remix",
    "stream",
    "convert",
    "say",
    "info",
    "evaluate",
    "librispeech",
    "probe",
    "report",
    "demo",
    "app",
    "recipe",
    "export",
    "push",
    "completion",
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
    """Run one subcommand and return the exit code.

    0 stands for success, 1 for files that failed, 2 for wrong arguments, 130, 143 and 129 for Ctrl-C, SIGTERM and
    SIGHUP. A reader that closes the standard output, such as `head`, is no error.
    """
    with _signals():
        try:
            code = _run(argv)
            _flush()
            return code
        except BrokenPipeError:
            return _discard_output()
        except OSError as problem:
            _discard_output()
            print(f"decodec: error: standard output: {problem.strerror}", file=sys.stderr)
            return 1


def _run(argv: Sequence[str] | None) -> int:
    """Parse the arguments, run the subcommand, and print its error in one line."""
    number, advice = int(signal.SIGINT), ""
    try:
        args = build_parser().parse_args(argv)
        from espnet2_decodec.cli.console import FAILURES, configure, error

        configure(quiet=getattr(args, "quiet", False))
        advice = " with --skip-existing" if "skip_existing" in args else ""
        try:
            return args.run(args)
        except BrokenPipeError:
            raise
        except FAILURES as problem:
            error(problem)
            return 1
    except KeyboardInterrupt:
        pass
    except Stopped as stopped:
        number = stopped.number
    except SystemExit:
        _flush()
        raise
    print(
        f"\ndecodec: error: stopped by {signal.Signals(number).name}; no incomplete file remains. "
        f"To go on, run the same command again{advice}.",
        file=sys.stderr,
    )
    return 128 + number


@contextmanager
def _signals() -> Iterator[None]:
    """Context manager in which SIGTERM and SIGHUP raise `Stopped`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    hook = sys.unraisablehook
    stop_on_signals()
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _flush() -> None:
    """Write what the standard output has buffered; there is none if it was closed before the start."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _discard_output() -> int:
    """Redirect the standard output, which was closed, so that its last flush is no error; return 0."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
