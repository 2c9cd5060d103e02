"""Recordings in, Kaldi data directories out: ``python -m local.prepare --size mini --data DIR``.

Writes DATA/SIZE/{speech,background}_{train,dev,test} and the audio below DATA/SIZE_wav.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from local import convert, debian, g722, kaldi
from local.corpora import asterisk, backgrounds, festvox, mini, own, tuxpaint, voices
from local.recording import SPLITS, STREAMS, Recording, utterance_id

SIZES = ("mini", "standard", "own")
CORPORA = (festvox, asterisk, tuxpaint, voices, backgrounds)
VOICED = Path(__file__).parent / "corpora" / "voiced.txt"


def main(argv: list[str] | None = None) -> None:
    """Prepare one size, say what was left out and how many minutes each set has."""
    args = get_parser().parse_args(argv)
    folder = args.data / args.size
    if is_prepared(folder) and not args.force:
        print(f"{folder} is there already; --force prepares it again.")
    else:
        problems = convert.prepare(choose(args), args.data, args.size, args.nj)
        report(problems, folder / "left_out")
    print(summary(folder))


def get_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="local/data.sh", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="mini", help="which corpus (default: mini)")
    parser.add_argument("--data", type=Path, required=True, help="root of the data directories")
    parser.add_argument("--downloads", type=Path, default=Path("downloads"), help="standard: where packages are kept")
    parser.add_argument("--speech_dir", type=Path, help="own: a folder of speech, one folder a speaker inside")
    parser.add_argument("--background_dir", type=Path, help="own: a folder of backgrounds, one folder a source inside")
    parser.add_argument("--dev", type=float, default=0.1, help="own: share of speakers and sources for dev")
    parser.add_argument("--test", type=float, default=0.1, help="own: share of speakers and sources for test")
    parser.add_argument("--nj", type=int, default=2, help="processes")
    parser.add_argument("--force", action="store_true", help="prepare again what is there")
    return parser


def choose(args: argparse.Namespace) -> Iterable[Recording]:
    """The recordings of the size asked for.

    Raises:
        ValueError: A folder or a program that this size needs is missing.
    """
    if args.size == "mini":
        return mini.recordings()
    if args.size == "standard":
        return standard(args.downloads)
    if not (args.speech_dir and args.background_dir):
        raise ValueError("--size own needs --speech_dir and --background_dir.")
    return [
        *own.recordings(args.speech_dir, "speech", args.dev, args.test),
        *own.recordings(args.background_dir, "background", args.dev, args.test),
    ]


def standard(downloads: Path) -> list[Recording]:
    """Fetch the packages of every corpus; what the corpora choose of them, less what has voices in it."""
    g722.find_decoder()
    roots = debian.fetch([name for corpus in CORPORA for name in corpus.PACKAGES], downloads)
    voiced = set(VOICED.read_text().split("\n"))
    found = (recording for corpus in CORPORA for recording in corpus.recordings(roots))
    return [recording for recording in found if utterance_id(recording) not in voiced]


def report(problems: list[convert.Outcome], path: Path, shown: int = 10) -> None:
    """Write every recording that was left out to ``path``, and show the first few."""
    lines = [f"{outcome.recording.path}: {outcome.problem}" for outcome in problems]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for line in lines[:shown]:
        print(f"left out: {line}")
    if len(lines) > shown:
        print(f"left out: {len(lines) - shown} more, see {path}")


def is_prepared(folder: Path) -> bool:
    """Whether all six sets are there and in order."""
    try:
        for stream in STREAMS:
            for split in SPLITS:
                kaldi.validate(folder / f"{stream}_{split}")
    except ValueError:
        return False
    return True


def summary(folder: Path) -> str:
    """One line a set: minutes, utterances, speakers or sources."""
    lines = []
    for directory in (folder / f"{stream}_{split}" for stream in STREAMS for split in SPLITS):
        minutes = sum(float(value) for value in kaldi.read_table(directory / "utt2dur").values()) / 60
        labels = kaldi.read_table(directory / "spk2utt")
        utterances = sum(len(line.split()) for line in labels.values())
        lines.append(f"{directory.name}: {minutes:.1f} min, {utterances} utterances, {len(labels)} labels")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"error: {error}")
