#!/usr/bin/env python3
"""Split the lines of a file into consecutive parts of nearly equal size: split_scp.py IN OUT1 OUT2 ..."""

import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Write the parts.

    Raises:
        SystemExit: if there are fewer lines than parts.
    """
    if len(arguments) < 2:
        sys.exit(__doc__)
    source, *outputs = map(Path, arguments)
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    if len(lines) < len(outputs):
        sys.exit(f"split_scp.py: {source} has {len(lines)} lines, too few for {len(outputs)} parts.")
    bounds = [len(lines) * part // len(outputs) for part in range(len(outputs) + 1)]
    for output, start, end in zip(outputs, bounds, bounds[1:]):
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text("".join(lines[start:end]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
