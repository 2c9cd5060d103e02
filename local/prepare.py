"""Prepare a corpus as Kaldi data directories: ``python -m local.prepare --size mini --data DIR``.

Writes DATA/SIZE/{speech,background}_{train,dev,test} and the audio below DATA/SIZE_wav. Corpora that you have are named
with --speech and --background, and their folders with --path; then --name takes the place of SIZE.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from espnet2_decodec.arguments import finite_float, job_part, positive_int
from espnet2_decodec.atomic import atomic_write, write_text
from espnet2_decodec.data.kaldi import read_table
from local import catalog, data_dir, debian, format_wav, g722, job_parts
from local.corpora import asterisk, backgrounds, festvox, mini, own, tuxpaint, voices
from local.protocols import PROTOCOLS
from local.recording import ROOMS, SPLITS, STREAMS, Recording, utterance_id

SIZES = ("mini", "standard", "own")
CORPORA = (festvox, asterisk, tuxpaint, voices, backgrounds)
BACKGROUNDS_WITH_SPEECH = Path(__file__).parent / "corpora" / "backgrounds_with_speech.txt"


def main(argv: list[str] | None = None) -> None:
    """Prepare one size, and print what was skipped and how many minutes each set has."""
    args = get_parser().parse_args(argv)
    name = args.name or args.size
    folder = args.data / name
    named = name_corpora(args)
    check_selection(folder / "corpora.json", named, args.force)
    if args.part:
        count = job_parts.convert_part(folder, args.data / f"{name}_wav", args.part)
        print(f"{count} recordings of part {args.part[0]} of {args.part[1]} are converted")
        return
    if is_prepared(folder) and not args.force:
        print(f"{folder} is already prepared; --force prepares it again.")
    elif args.list_only:
        recordings = from_corpora(args, named, folder) if any(named.values()) else select(args)
        print(f"{job_parts.write_list(recordings, folder)} recordings are to be converted")
        return
    else:
        converted = job_parts.collect(folder)
        if converted:
            results, duplicates = converted
            format_wav.write_sets(results, folder)
            skipped = [*duplicates, *(result for result in results if result.problem)]
            job_parts.remove(folder)
        else:
            recordings = from_corpora(args, named, folder) if any(named.values()) else select(args)
            skipped = format_wav.prepare(recordings, args.data, name, args.nj)
        report(skipped, folder / "skipped")
        with atomic_write(folder / "corpora.json") as path:
            path.write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")
    print(summary(folder))


def get_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="local/data.sh", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="mini", help="corpus (default: mini)")
    parser.add_argument("--data", type=Path, required=True, help="root of the data directories")
    parser.add_argument(
        "--downloads", type=Path, default=Path("downloads"), help="standard: folder of the downloaded packages"
    )
    parser.add_argument(
        "--speech", nargs="+", default=[], metavar="CORPUS", help=f"speech: {', '.join(catalog.SPEECH)}"
    )
    parser.add_argument(
        "--background", nargs="+", default=[], metavar="CORPUS", help=f"backgrounds: {', '.join(catalog.BACKGROUND)}"
    )
    parser.add_argument("--rirs", nargs="+", default=[], metavar="CORPUS", help=f"rooms: {', '.join(catalog.ROOMS)}")
    parser.add_argument(
        "--path", action="append", default=[], type=corpus_path, metavar="CORPUS=FOLDER", help="where the corpora are"
    )
    parser.add_argument("--protocol", choices=PROTOCOLS, help="corpora and test set of a publication")
    parser.add_argument("--test_utterances", type=positive_int, help="size of its test set, for trials")
    parser.add_argument("--name", type=folder_name, help="name of the data directories of --speech and --background")
    parser.add_argument("--speech_dir", type=Path, help="own: folder of speech with one folder per speaker")
    parser.add_argument("--background_dir", type=Path, help="own: folder of backgrounds with one folder per source")
    parser.add_argument("--dev", type=finite_float, default=0.1, help="own: fraction of speakers and sources for dev")
    parser.add_argument("--test", type=finite_float, default=0.1, help="own: fraction of speakers and sources for test")
    parser.add_argument("--list_only", action="store_true", help="write the list of recordings for jobs with --part")
    parser.add_argument("--part", type=job_part, help="K/N: convert the K-th of N parts of the list")
    parser.add_argument("--nj", type=positive_int, default=2, help="parallel processes")
    parser.add_argument("--force", action="store_true", help="prepare again what is already prepared")
    return parser


def corpus_path(text: str) -> tuple[str, Path]:
    """Parse ``CORPUS=FOLDER``.

    Raises:
        ArgumentTypeError: It is something else.
    """
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not CORPUS=FOLDER")
    return name, Path(path)


def folder_name(text: str) -> str:
    """Parse the name of a folder.

    Raises:
        ArgumentTypeError: It is empty, or a path.
    """
    if not text or "/" in text or text.startswith("."):
        raise argparse.ArgumentTypeError(f"{text!r} is not a name for a folder")
    return text


def check_selection(path: Path, named: dict[str, list[str]], force: bool) -> None:
    """Check that a folder of this name does not hold other corpora.

    Raises:
        ValueError: It does.
    """
    if not path.is_file() or force:
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    if before != named:
        held = " ".join(word for words in before.values() for word in words)
        raise ValueError(f"{path.parent} holds {held or 'other corpora'}: give another --name, or --force.")


def name_corpora(args: argparse.Namespace) -> dict[str, list[str]]:
    """Stream -> corpora: those that were named, and for a stream without any those of the protocol."""
    given = {"speech": args.speech, "background": args.background, "rir": args.rirs}
    usual = PROTOCOLS[args.protocol].corpora if args.protocol else {}
    return {stream: words or list(usual.get(stream, ())) for stream, words in given.items()}


def from_corpora(args: argparse.Namespace, named: dict[str, list[str]], folder: Path) -> list[Recording]:
    """The recordings of the corpora that the user has; what is left out is printed and written to ``left_out``.

    Raises:
        ValueError: A corpus is wrong or unknown, or one of --speech, --background and --name is missing.
    """
    if not (named["speech"] and named["background"] and args.name):
        raise ValueError("Corpora need --speech, --background and --name.")
    protocol = PROTOCOLS[args.protocol] if args.protocol else None
    if protocol and args.test_utterances:
        protocol = replace(protocol, utterances=args.test_utterances)
    paths = {"simulated": args.data / "simulated_rirs", **dict(args.path)}
    recordings, lines = catalog.select(named, paths, protocol)
    with atomic_write(folder / "left_out") as path:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(*lines, sep="\n")
    return recordings


def select(args: argparse.Namespace) -> Iterable[Recording]:
    """The recordings of the size.

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
    """Download the packages of all corpora and list their recordings, except backgrounds that contain speech."""
    g722.find_decoder()
    roots = debian.fetch([name for corpus in CORPORA for name in corpus.PACKAGES], downloads)
    excluded = set(BACKGROUNDS_WITH_SPEECH.read_text().split("\n"))
    found = (recording for corpus in CORPORA for recording in corpus.recordings(roots))
    return [recording for recording in found if utterance_id(recording) not in excluded]


def report(skipped: list[format_wav.Result], path: Path, shown: int = 10) -> None:
    """Write all skipped recordings to ``path``, and print the first few."""
    lines = [f"{result.recording.path}: {result.problem}" for result in skipped]
    write_text(path, "".join(f"{line}\n" for line in lines))
    for line in lines[:shown]:
        print(f"skipped: {line}")
    if len(lines) > shown:
        print(f"skipped: {len(lines) - shown} more, see {path}")


def is_prepared(folder: Path) -> bool:
    """Whether all six sets exist and are valid."""
    try:
        for stream in STREAMS:
            for split in SPLITS:
                data_dir.validate(folder / f"{stream}_{split}")
    except ValueError:
        return False
    return True


def summary(folder: Path) -> str:
    """One line per set: minutes, utterances, speakers or sources."""
    lines = []
    for stream in (*STREAMS, ROOMS):
        for split in SPLITS:
            directory = folder / f"{stream}_{split}"
            if stream == ROOMS and not directory.is_dir():
                continue
            minutes = sum(float(value) for value in read_table(directory / "utt2dur").values()) / 60
            speakers = read_table(directory / "spk2utt")
            utterances = sum(len(line.split()) for line in speakers.values())
            unit = {"speech": "speakers", "background": "sources"}.get(stream, "rooms")
            lines.append(f"{directory.name}: {minutes:.1f} min, {utterances} utterances, {len(speakers)} {unit}")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"error: {error}")
