"""Text to speech beside packaged synthesizers: `python -m research.voice.compare --recordings R --out CSV`.

For each set of `comparison_sets` and each of `SYSTEMS` one row: character and word errors of a recognizer against the
text, where numbers count as words, and a sentence has at most as many errors as words, since the recognizer repeats
itself now and then; DNSMOS; cosine of the speaker embeddings of the output and another recording of the voice, for
systems that are given one; CPU seconds for each second of speech, without the loading of models, but with the start of
programs. All is measured at -26 dBFS. Rows that are already in the file and not asked for are kept.
"""

import argparse
import csv
import math
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import torch

from espnet2_decodec.atomic import write_text
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.metrics.bootstrap import Interval, bootstrap_interval, bootstrap_ratio
from espnet2_decodec.evaluation.metrics.error_rate import character_errors, word_errors
from espnet2_decodec.evaluation.metrics.perceptual import dnsmos, speaker_similarity
from espnet2_decodec.evaluation.metrics.recognizers import Recognizer, normalize_level, recognizer
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.tables import Row, format_interval, format_number, markdown_table, write_csv
from espnet2_decodec.io.audio import write
from espnet2_decodec.progress import progress
from espnet2_decodec.tts.voice_tts import DEFAULT_TEXT_MODEL
from espnet2_decodec.voice.voice_model import DEFAULT_VOICE_MODEL
from research.voice.comparison_sets import Sentence, prompts, readers, sentences
from research.voice.comparison_systems import LABELS, RECORDED, SYSTEMS, PackageSystems, SystemFunction, build_system
from research.voice.peers import PEERS
from research.voice.text_score import spoken

SETS = ("sentences", "prompts", "readers")
METRICS = {"wer": ("WER %", 1), "cer": ("CER %", 1), "dnsmos": ("DNSMOS", 2), "similarity": ("similarity", 2)}
"""Metric -> heading and decimals."""
MARKERS = "<!-- tts_systems -->", "<!-- end of tts_systems -->"
"""Lines of a document before and after the table."""
COLUMNS = (
    "set", "system", "version", "recognizer", "date", "recordings", "words", "characters",
    *(f"{metric}{limit}" for metric in METRICS for limit in ("", "_low", "_high")), "cpu_seconds_a_second",
)  # fmt: skip


def measure(
    system: SystemFunction, has_voice: bool, sentence: Sentence, recognize: Recognizer, keep: Path | None
) -> Row:
    """Scores of one system for one sentence.

    Args:
        system: to be measured.
        has_voice: whether it is given the voice, so that the similarity to it is measured.
        sentence: text and voice.
        recognize: recognizer.
        keep: file for the output; None to write none.
    """
    before = cpu_seconds()
    wav = system(sentence)
    row: Row = {"cpu": cpu_seconds() - before, "seconds": len(wav) / SAMPLE_RATE}
    wav = normalize_level(wav)
    row["recognized"] = recognize(wav, SAMPLE_RATE)
    reference, found = spoken(sentence.text), spoken(row["recognized"])
    for name, count in (("word", word_errors), ("character", character_errors)):
        counts = count(reference, found)
        row |= {f"{name}_errors": counts.errors, f"{name}s": counts.reference_length}
    row["dnsmos"] = dnsmos(wav, wav, SAMPLE_RATE, "ovrl")
    row["similarity"] = speaker_similarity(sentence.voice, wav, SAMPLE_RATE) if has_voice else float("nan")
    if keep is not None:
        write(keep, [wav], SAMPLE_RATE)
    return row


def cpu_seconds() -> float:
    """CPU time of this process and of all programs that it has run."""
    programs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + programs.ru_utime + programs.ru_stime


def summarize(rows: Sequence[Row]) -> Row:
    """The columns of one system from its rows of all sentences."""
    intervals = {
        "wer": _error_rate(rows, "word"),
        "cer": _error_rate(rows, "character"),
        "dnsmos": bootstrap_interval([row["dnsmos"] for row in rows]),
        "similarity": bootstrap_interval([row["similarity"] for row in rows]),
    }
    found: Row = {"recordings": len(rows)}
    found |= {name: sum(row[name] for row in rows) for name in ("words", "characters")}
    for name, interval in intervals.items():
        found |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    found["cpu_seconds_a_second"] = sum(row["cpu"] for row in rows) / sum(row["seconds"] for row in rows)
    return found


def _error_rate(rows: Sequence[Row], unit: str) -> Interval:
    """Errors in % of all words or characters; those of one sentence are at most its length."""
    lengths = [row[f"{unit}s"] for row in rows]
    return bootstrap_ratio([100 * min(row[f"{unit}_errors"], n) for row, n in zip(rows, lengths)], lengths)


def merge(path: Path, new: Iterable[Row]) -> list[Row]:
    """The rows of a table and new ones in their place, in the order of sets and systems."""
    rows: dict[tuple[str, str], Row] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = {(row["set"], row["system"]): dict(row) for row in csv.DictReader(file)}
    rows |= {(row["set"], row["system"]): row for row in new}
    order = {key: i for i, key in enumerate((name, system) for name in SETS for system in SYSTEMS)}
    return [rows[key] for key in sorted(rows, key=lambda key: order.get(key, len(order)))]


def markdown(rows: Iterable[Row]) -> str:
    """The table for the documentation."""
    body = []
    for row in rows:
        cells = [row["set"], LABELS[row["system"]]]
        for name, (_, digits) in METRICS.items():
            mean, low, high = (_number(row[name + end]) for end in ("", "_low", "_high"))
            interval = None if math.isnan(mean) else Interval(mean, low, high, int(row["recordings"]))
            cells.append(format_interval(interval, digits))
        cells.append(format_number(_number(row["cpu_seconds_a_second"]), 3))
        body.append(cells)
    headings = ["set", "system", *(heading for heading, _ in METRICS.values()), "CPU s/s"]
    return "\n".join(markdown_table(headings, body, text_columns=2))


def replace_table(document: str, table: str) -> str:
    """A Markdown text with the table between the lines of `MARKERS`.

    Raises:
        ValueError: if it has not both lines.
    """
    first, last = (document.find(marker) for marker in MARKERS)
    if not 0 <= first < last:
        raise ValueError(f"The document needs the lines {MARKERS[0]} and {MARKERS[1]}, between which the table stands.")
    return f"{document[:first]}{MARKERS[0]}\n\n{table}\n\n{document[last:]}"


def _number(cell: str | float) -> float:
    """A field of the table; NaN where it is empty."""
    return float(cell) if cell != "" else float("nan")


def main() -> None:
    """Score systems, write the table, and print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, help="folder with speechocean762 and manifest.tsv, for the readers")
    parser.add_argument("--downloads", type=Path, default=Path("downloads"), help="folder of Debian packages")
    parser.add_argument("--out", type=Path, required=True, help="CSV file, in which rows are replaced")
    parser.add_argument("--document", type=Path, help="Markdown file, in which the table is replaced, see `MARKERS`")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument(
        "--systems", nargs="*", choices=SYSTEMS, default=list(SYSTEMS), metavar="SYSTEM",
        help=f"some of {', '.join(SYSTEMS)}; none to print the table alone",
    )  # fmt: skip
    parser.add_argument("--text-model", default=DEFAULT_TEXT_MODEL)
    parser.add_argument("--voice-model", default=DEFAULT_VOICE_MODEL)
    parser.add_argument("--codec", help="name or folder (default: that of the voice model)")
    parser.add_argument("--recognizer", default="whisper-base")
    parser.add_argument("--limit", type=int, help="sentences of each set")
    parser.add_argument("--keep", type=Path, help="folder for the outputs and for what is recognized in them")
    args = parser.parse_args()
    if args.systems and "readers" in args.sets and args.recordings is None:
        parser.error("the set of readers needs --recordings; or leave it out with --sets sentences prompts")
    torch.set_num_threads(1)
    sources: dict[str, Callable[[int | None], list[Sentence]]] = {
        "sentences": sentences,
        "readers": partial(readers, args.recordings),
        "prompts": partial(prompts, args.downloads),
    }
    package = PackageSystems(args.text_model, args.voice_model, args.codec)
    recognize = recognizer(args.recognizer)
    for name in args.sets if args.systems else []:
        items = sources[name](args.limit)
        for label in args.systems:
            if label in RECORDED and items[0].recording is None:
                continue
            try:
                system, version = build_system(label, package)
            except Unavailable as problem:
                print(f"{label} skipped: {problem}")
                continue
            system(items[0])  # what is loaded on first use
            rows = []
            for i, item in enumerate(progress(items, desc=f"{name}, {label}")):
                keep = args.keep and args.keep / name / f"{i:02d}-{label}.wav"
                if keep:
                    keep.parent.mkdir(parents=True, exist_ok=True)
                rows.append({"text": item.text} | measure(system, label not in PEERS, item, recognize, keep))
            if args.keep:
                write_csv(args.keep / name / f"{label}.csv", list(rows[0]), rows)
            date = datetime.now(timezone.utc).strftime("%Y-%m-%d")
            row = {"set": name, "system": label, "version": version, "recognizer": recognize.about, "date": date}
            row |= summarize(rows)
            if label == RECORDED[0]:
                row["cpu_seconds_a_second"] = float("nan")
            write_csv(args.out, COLUMNS, merge(args.out, [row]))
    table = markdown(merge(args.out, []))
    if args.document:
        write_text(args.document, replace_table(args.document.read_text(encoding="utf-8"), table))
    print(table)


if __name__ == "__main__":
    main()
