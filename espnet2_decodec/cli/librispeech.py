"""decodec librispeech: the field's table of codecs on LibriSpeech test-clean."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter

from espnet2_decodec.arguments import device, output_folder, positive_int
from espnet2_decodec.cli import parser as options

SUMMARY = "Score codecs on LibriSpeech test-clean beside published figures: PESQ, STOI, naturalness, WER, similarity"

SYSTEMS = (
    "recordings=mixture",
    *(f"decodec-16k-semantic-speech-{n}=decodec:decodec-16k-semantic:speech={n},background=0" for n in (2, 4, 8, 10)),
    "decodec-16k-semantic=decodec:decodec-16k-semantic",
    *(f"decodec-16k-speech-{n}=decodec:decodec-16k:speech={n},background=0" for n in (2, 4, 10)),
)
"""The default: the recordings themselves, and the models in the package at several rates."""

EPILOG = """\
systems are those of `decodec evaluate`; what is scored is the recording as all streams of a system decode it.

files in OUT: table.md (measured rows, then published ones with their sources), table.csv, scores.csv (one line per
system and utterance), cache/. A rerun computes only what is new.

examples, with LibriSpeech's test-clean (OpenSLR 12) on this machine:
  decodec librispeech LibriSpeech/test-clean --out exp/librispeech
  decodec librispeech LibriSpeech --out exp/librispeech --limit 200 --nj 4 --systems recordings=mixture decodec opus:8
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("data", metavar="DIR", help="folder LibriSpeech, or its test-clean, or another of its subsets")
    parser.add_argument("--out", type=output_folder, required=True, metavar="OUT", help="folder for the tables")
    parser.add_argument(
        "--systems",
        nargs="+",
        default=SYSTEMS,
        metavar="SYSTEM",
        help="see `decodec evaluate --help` (default: the recordings, and the models in the package at several rates)",
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="METRIC",
        help="some of pesq stoi distillmos similarity (default: those that are installed)",
    )
    parser.add_argument(
        "--recognizer",
        default="whisper-tiny.en",
        metavar="NAME",
        help="whisper-tiny.en, whisper-base, moonshine-tiny.en or pocketsphinx, for the word error rate against the "
        "transcripts; none for no word error rate (default: %(default)s)",
    )
    parser.add_argument(
        "--limit", type=positive_int, metavar="N", help="only N utterances, taken evenly from the whole set"
    )
    parser.add_argument(
        "--device", type=device, default="cpu", help="of systems decodec: auto, cpu, cuda (default: cpu)"
    )
    parser.add_argument(
        "--nj", type=positive_int, default=1, metavar="N", help="processes, of one thread each when there are several"
    )
    options.add_json(parser)


def run(args: Namespace) -> int:
    """Score and write the tables; return the exit code."""
    import json
    from pathlib import Path

    from espnet2_decodec.cli.console import note, warn
    from espnet2_decodec.evaluation.codec_table import measured_rows, write_table
    from espnet2_decodec.evaluation.environment import environment
    from espnet2_decodec.evaluation.librispeech import QUALITY, read_utterances, score_codecs
    from espnet2_decodec.evaluation.metrics.error_rate import require_jiwer
    from espnet2_decodec.evaluation.metrics.recognizers import recognizer
    from espnet2_decodec.evaluation.metrics.registry import METRICS, ON_REQUEST, available
    from espnet2_decodec.evaluation.systems.base import Unavailable

    known = {name: (METRICS | ON_REQUEST)[name] for name in QUALITY}
    names, skipped = available(args.metrics or QUALITY, known)
    utterances = read_utterances(args.data, args.limit)
    recognizer_name, about = None if args.recognizer == "none" else args.recognizer, "none"
    if recognizer_name is not None:
        try:
            require_jiwer()
            about = recognizer(recognizer_name).about
        except Unavailable as problem:
            recognizer_name = None
            skipped.append(f"The word error rate is skipped: {problem}")
    for line in skipped:
        warn(line)
    if not names and recognizer_name is None:
        raise ValueError("There is nothing to score: no metric is installed, and no recognizer is used.")

    def skip(line: str) -> None:
        skipped.append(line)
        warn(line)

    results = score_codecs(utterances, args.systems, args.out, names, recognizer_name, args.nj, args.device, skip)
    if not results:
        raise ValueError("None of the systems is available here.")
    head = environment(args.device) | {"data": f"{args.data}, {len(utterances)} utterances", "recognizer": about}
    path = write_table(Path(args.out), results, head, skipped)
    if args.json:
        print(json.dumps([_defined(row) for row in measured_rows(results)], indent=2, ensure_ascii=False))
    note(f"{len(utterances)} utterances of {len(results)} systems; see {path}.")
    return 0


def _defined(row: dict) -> dict:
    """A row for JSON, in which NaN is null."""
    return {key: None if value != value else value for key, value in row.items()}
