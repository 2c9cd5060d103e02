#!/usr/bin/env python3
"""Keep the lines of a table whose first field is in a list.

filter_scp.py [--exclude] LIST < IN > OUT
"""

import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Filter stdin to stdout; `--exclude` keeps the other lines."""
    exclude = arguments[:1] == ["--exclude"]
    if len(arguments) != 1 + exclude:
        sys.exit(__doc__)
    wanted = {line.split()[0] for line in Path(arguments[-1]).read_text(encoding="utf-8").splitlines() if line.strip()}
    for line in sys.stdin:
        if line.strip() and (line.split()[0] in wanted) != exclude:
            sys.stdout.write(line)


if __name__ == "__main__":
    main(sys.argv[1:])
