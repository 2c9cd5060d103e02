"""``python -m local.prepare --size standard --data DIR --downloads DIR``: recordings in, data directories out."""

import argparse
import sys
from pathlib import Path

from local import convert, debian, g722, kaldi
from local.corpora import asterisk, backgrounds, festvox, tuxpaint, voices

CORPORA = (festvox, asterisk, tuxpaint, voices, backgrounds)


def main(argv: list[str] | None = None) -> None:
    """Prepare one size, then say how many minutes each set has."""
    args = get_parser().parse_args(argv)
    problems = standard(args.data, args.downloads, args.nj)
    for outcome in problems:
        print(f"left out: {outcome.recording.path}: {outcome.problem}")
    print(summary(args.data / args.size))


def get_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("standard",), default="standard")
    parser.add_argument("--data", type=Path, required=True, help="root of the data directories")
    parser.add_argument("--downloads", type=Path, help="where fetched packages are kept")
    parser.add_argument("--nj", type=int, default=2, help="processes")
    return parser


def standard(data: Path, downloads: Path, processes: int) -> list[convert.Outcome]:
    """Fetch the packages of every corpus and convert what the corpora choose of them."""
    g722.check()
    roots = debian.fetch([name for corpus in CORPORA for name in corpus.PACKAGES], downloads)
    recordings = [recording for corpus in CORPORA for recording in corpus.recordings(roots)]
    return convert.prepare(recordings, data, "standard", processes)


def summary(folder: Path) -> str:
    """One line a set: minutes, utterances, speakers or sources."""
    lines = []
    for directory in sorted(path.parent for path in folder.glob("*/utt2dur")):
        seconds = [float(value) for value in kaldi.read_table(directory / "utt2dur").values()]
        labels = kaldi.read_table(directory / "spk2utt")
        lines.append(f"{directory.name}: {sum(seconds) / 60:.1f} min, {len(seconds)} utterances, {len(labels)} labels")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"error: {error}")
