#!/usr/bin/env python3
"""Keep the lines of a table whose first field is in a list.

filter_scp.py [--exclude] LIST < IN > OUT

Lines end at newlines only. Their bytes stay as they are, in whatever encoding, except for a byte order
mark, empty lines and tabs after the first field.
"""

import sys
from codecs import BOM_UTF8
from pathlib import Path


def rows(content: bytes) -> list[list[bytes]]:
    """First field, and the rest if there is one, of each line that is not empty."""
    lines = [line.strip().split(maxsplit=1) for line in content.removeprefix(BOM_UTF8).splitlines()]
    return [line for line in lines if line]


def main(arguments: list[str]) -> None:
    """Filter stdin to stdout; `--exclude` keeps the other lines."""
    exclude = arguments[:1] == ["--exclude"]
    if len(arguments) != 1 + exclude:
        sys.exit(__doc__)
    wanted = {row[0] for row in rows(Path(arguments[-1]).read_bytes())}
    for row in rows(sys.stdin.buffer.read()):
        if (row[0] in wanted) != exclude:
            sys.stdout.buffer.write(b" ".join(row) + b"\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"filter_scp.py: {error}")
