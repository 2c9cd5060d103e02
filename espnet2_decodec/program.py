"""Programs end with one line and an exit status: for errors, and for signals."""

import os
import signal
import sys
import threading
import traceback
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from types import FrameType
from typing import Any, NoReturn

_RETRY = 0.05
"""Seconds after which an exception of a signal that was lost is raised again."""


class Stopped(BaseException):
    """A signal asks the program to end.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def stop_on_signals() -> None:
    """Raise `Stopped` in the main thread on the first SIGTERM or SIGHUP; further ones do not disturb the clean-up.

    A signal that is ignored, as by nohup, stays so, and processes that are forked later keep the default action. An
    exception that is lost, as in functions that C libraries call, is raised again.
    """
    owner, numbers = os.getpid(), [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_DFL]

    def stop(number: int, _: FrameType | None) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    def raise_again(lost: Any) -> None:
        if not isinstance(lost.exc_value, (Stopped, KeyboardInterrupt)) or os.getpid() != owner:
            others(lost)
            return
        number = getattr(lost.exc_value, "number", signal.SIGINT)
        if isinstance(lost.exc_value, Stopped):
            signal.signal(number, stop)
        threading.Timer(_RETRY, os.kill, (owner, number)).start()

    for number in numbers:
        signal.signal(number, stop)
    others, sys.unraisablehook = sys.unraisablehook, raise_again


def one_line(error: BaseException) -> str:
    """The message of an exception as one line; of one from a data worker, the line of the exception there."""
    text = str(error).strip()
    if isinstance(error, MemoryError) or "allocate memory" in text or "out of memory" in text:
        return "There is not enough memory. Split the recording, or free memory on this device."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if "Original Traceback" in text or "Traceback (most recent call last)" in text:
        text = text.splitlines()[-1]
        name, _, message = text.partition(": ")
        return message if message and name in ("ValueError", "RuntimeError", "FileError") else text
    text = " ".join(text.split())
    if isinstance(error, KeyError):
        return f"There is no {text}."
    if isinstance(error, (ValueError, OSError, RuntimeError, ImportError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class ProgramParser(ArgumentParser):
    """A parser whose errors are one line, and which names the option that is nearest to an unknown one."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with status 2."""
        text = " ".join(message.split())
        self.exit(2, f"{self.prog}: error: {text}{' See' if text[-1:] in ('.', '?') else '; see'} --help.\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, but unknown arguments are errors, also of the parser of a subcommand."""
        options, unknown = super().parse_known_args(args, namespace)
        self.refuse(unknown)
        return options, unknown

    def refuse(self, unknown: Sequence[str]) -> None:
        """Exit with status 2 if there are unknown arguments."""
        if unknown:
            nearest = get_close_matches(unknown[0].split("=")[0], self._option_string_actions, n=1)
            advice = f"; did you mean {nearest[0]}" if nearest else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{advice}")


def run_program(main: Callable[[], object], advice: str = "") -> None:
    """Run a program and exit: errors end it with one line on stderr and status 1, signals with 128 + their number.

    The traceback is shown as well if the environment variable DECODEC_TRACEBACK is set.

    Args:
        main: the program.
        advice: sentence for the case that a signal ended it.
    """
    try:
        main()
    except Exception as error:
        if os.environ.get("DECODEC_TRACEBACK"):
            traceback.print_exc()
        print(f"error: {one_line(error)}", file=sys.stderr, flush=True)
        sys.exit(1)
    except (KeyboardInterrupt, Stopped) as stopped:
        number = stopped.number if isinstance(stopped, Stopped) else signal.SIGINT
        print(f"Stopped by {signal.Signals(number).name}. {advice}".strip(), file=sys.stderr, flush=True)
        sys.exit(128 + number)
