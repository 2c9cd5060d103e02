"""decodec completion: a script by which a shell completes commands, options, choices and file names."""

from argparse import Action, ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator

SUMMARY = "Print a script by which a shell completes commands, options and files"

SHELLS = ("bash", "zsh", "tcsh")

EXAMPLES = """\
examples:
  decodec completion bash

to use it:
  bash    decodec completion bash > ~/.local/share/bash-completion/completions/decodec
  zsh     decodec completion zsh > FOLDER/_decodec, where FOLDER is one of $fpath
  tcsh    decodec completion tcsh >> ~/.tcshrc
"""

_NO_FILES = {"SYSTEM", "TARGET", "METRIC", "PROBE", "CODE", "VOICE", "TEXT", "NAME", "SNR", "KEY=VALUE", "C", "S", "DB"}
"""Metavars of arguments that are neither files nor folders."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=SHELLS, help="name of the shell")


def run(args: Namespace) -> int:
    """Print the script and return the exit code."""
    from espnet2_decodec.cli import build_parser
    from espnet2_decodec.extras import require

    require("completion", "The completion of shells", "shtab")
    import shtab

    parser = build_parser()
    for action in _all_actions(parser):
        if _takes_path(action):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, args.shell))
    return 0


def _all_actions(parser: ArgumentParser) -> Iterator[Action]:
    """Yield the arguments of a parser and of its subcommands, also those that are added only before parsing."""
    add_pending = getattr(parser, "add_pending", None)
    if add_pending is not None:
        add_pending()
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for command in action.choices.values():
                yield from _all_actions(command)
        else:
            yield action


def _takes_path(action: Action) -> bool:
    """Return whether an argument may be a file or a folder, by its metavar and the name of its type."""
    if action.nargs == 0 or action.choices is not None or action.metavar in _NO_FILES:
        return False
    return action.type is None or getattr(action.type, "__name__", "") in ("Path", "output_folder", "parse")
