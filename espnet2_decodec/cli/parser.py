"""The argument parser of the command, and options that several of its subcommands share."""

import argparse
from collections.abc import Callable, Sequence


class Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line, and whose arguments may be added on first use.

    Args:
        add_arguments: called with the parser before it parses for the first time.
        args, kwargs: of `argparse.ArgumentParser`.
    """

    def __init__(self, *args, add_arguments: Callable[["Parser"], None] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self._pending = add_arguments

    def parse_known_args(self, args: Sequence[str] | None = None, namespace=None):  # type: ignore[override]
        """Add the arguments if that is still to be done, then parse."""
        if self._pending is not None:
            add, self._pending = self._pending, None
            add(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str):
        """Print one line and exit with code 2."""
        self.exit(2, f"decodec: error: {message}; see {self.prog} --help\n")
