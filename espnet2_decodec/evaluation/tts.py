"""Figures of a synthesized test set: is it understood, whose voice is it, is it clean, is the background the one asked for?"""

import argparse
import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.examples import (
    Example,
    file_name,
    remove_examples,
    write_examples,
    write_sound,
)
from espnet2_decodec.evaluation.metrics.perceptual import dnsmos, speaker_similarity
from espnet2_decodec.evaluation.metrics.recognizers import recognizer
from espnet2_decodec.evaluation.metrics.spectral import mel_distance
from espnet2_decodec.evaluation.metrics.error_rate import character_errors, require_jiwer
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.io.audio import read
from espnet2_decodec.tts.text_to_speech import CROSSFADE_SECONDS

RATE = 16000
HEADINGS = {
    "cer": "CER %", "similarity": "speaker similarity", "dnsmos_sig": "DNSMOS speech", "dnsmos_bak": "DNSMOS background",
    "dnsmos_ovrl": "DNSMOS overall", "level": "background level, dB", "off": "off by, dB", "mel": "background mel distance",
    "rtf": "s of work a second",
}  # fmt: skip
"""Figures and what their columns are called."""

LABELS = {
    "recordings": "recording of the sentence",
    "all_levels": "its tokens, all levels", "vocoder_levels": "its tokens, levels of a vocoder",
    "none_clean": "said, clean prompt, no background", "none": "said, noisy prompt, no background",
    "unseparated": "said, noisy prompt, not separated", "denoised": "said, noisy prompt, denoised and not separated",
    "prompt": "said, the prompt's background", "file": "said, another background",
}  # fmt: skip
"""Systems of the recipe for those who listen; others are called what they are called."""

GROUP, EXAMPLES = "Text to speech", "examples"
"""Title and folder of what can be listened to."""

Row = dict[str, str | float]


class Judges:
    """What listens; a judge that is not installed is named once, and left out.

    Args:
        name: of the recognizer; "none" for no error rates.
        language: ISO 639-1 code of what is said.
    """

    def __init__(self, name: str, language: str):
        self.language, self.skipped, self.recognize = language, [], None
        if name != "none":
            try:
                require_jiwer()
                self.recognize = recognizer(name)
            except Unavailable as problem:
                self.skip(f"character error rates skipped: {problem}")

    def skip(self, line: str) -> None:
        """Say once what is left out."""
        if line not in self.skipped:
            print(line)
            self.skipped.append(line)

    def try_to(self, what: str, measure: Callable[[], float]) -> float:
        """The figure; NaN where what it needs is not installed."""
        if any(line.startswith(f"{what} skipped") for line in self.skipped):
            return math.nan
        try:
            return measure()
        except ImportError as problem:
            self.skip(f"{what} skipped: {problem}")
            return math.nan

    def hear(self, wav: Tensor, text: str, voice: Tensor) -> Row:
        """CER, similarity to a voice and DNSMOS of a recording [L]."""
        row: Row = {}
        if self.recognize is not None:
            counts = character_errors(text, self.recognize(wav, RATE, self.language))
            row |= {"errors": counts.errors, "characters": counts.reference_length}
        row["similarity"] = self.try_to("speaker similarity", lambda: speaker_similarity(voice, wav, RATE))
        for part in ("sig", "bak", "ovrl"):
            row[f"dnsmos_{part}"] = self.try_to("DNSMOS", lambda part=part: dnsmos(wav, wav, RATE, part))
        return row


def score(
    systems: Mapping[str, Path],
    text: Path,
    voices: Path,
    sources: Mapping[str, Path],
    judges: Judges,
    limit: int | None = None,
) -> list[Row]:
    """One row for each system and utterance.

    Args:
        systems: name -> folder that `synthesize_set` wrote, or a table of uttid and path.
        text: lines of uttid and text.
        voices: lines of uttid and path of a clean recording of the voice.
        sources: name of a system -> table of the backgrounds that went into it.
        judges: see there.
        limit: utterances of each system; None for all.
    """
    rows, texts, spoken_by = [], read_table(text), read_table(voices)
    for name, place in systems.items():
        folder = place if place.is_dir() else None
        paths = read_table(folder / "mix.scp" if folder else place)
        for key in [key for key in texts if key in paths][:limit]:
            wav = read(paths[key], RATE)
            row = {"system": name, "uttid": key} | judges.hear(wav, texts[key], read(spoken_by[key], RATE))
            if folder:
                row["rtf"] = float(read_table(folder / "utt2rtf")[key])
            if name in sources:
                start = int(read_table(folder / "utt2offset")[key])
                row |= background_figures(
                    read(read_table(sources[name])[key], RATE)[start:],
                    read(read_table(folder / "background.scp")[key], RATE),
                )
            rows.append(row)
    return rows


def background_figures(went_in: Tensor, came_out: Tensor) -> Row:
    """Of the background [L'] that came out, up to where it is repeated: level in dB relative to the one that went in [L], how far
    that is from 0, and mel distance.
    """
    length = len(came_out)
    if length > len(went_in):
        length = len(went_in) - min(int(CROSSFADE_SECONDS * RATE), len(went_in) // 2)
    went_in, came_out = went_in[:length], came_out[:length]
    powers = [active_power(x.numpy()) for x in (came_out, went_in)]
    level = 10 * math.log10(powers[0] / powers[1]) if min(powers) > 0 else math.nan
    return {"level": level, "off": abs(level), "mel": mel_distance(went_in, came_out, RATE)}


def keep_examples(
    rows: list[Row], systems: Mapping[str, Path], prompts: Mapping[str, Path], text: Path, out: Path, count: int
) -> None:
    """Write out/examples with what can be listened to of the first utterances that all systems have, see `evaluation.examples`:
    prompts first, then the systems, the first of which is noted with the text.

    Args:
        rows: from `score`.
        systems, text: as there.
        prompts: what a prompt is called -> lines of uttid and path.
        out: folder to write to.
        count: utterances; 0 removes those of an earlier run.

    Raises:
        ValueError: if the count is negative, or a table or a sound is not there.
    """
    if count < 0:
        raise ValueError(f"At least 0 utterances can be kept, not {count}.")
    texts, folder, lines = read_table(text), out / EXAMPLES, []
    remove_examples(folder)
    tables = {name: read_table(path) for name, path in prompts.items()}
    sounds = {name: read_table(place / "mix.scp" if place.is_dir() else place) for name, place in systems.items()}
    figures = {(row["system"], row["uttid"]): _brief(row) for row in rows}
    common = [key for key in texts if all((name, key) in figures for name in systems)]
    for key in common[:count]:
        found = [(f"prompt, {name}", table[key], "") for name, table in tables.items() if key in table]
        said = [texts[key]]
        for name, table in sounds.items():
            found.append(
                (LABELS.get(name, name), table[key], " \N{MIDDLE DOT} ".join(filter(None, [*said, figures[name, key]])))
            )
            said = []
        for label, path, note in found:
            name = file_name(key, label)
            write_sound(folder / name, read(path, RATE), RATE)
            lines.append(Example(GROUP, key, label, name, note))
    if lines:
        write_examples(folder, lines)


def _brief(row: Row) -> str:
    """The figures of one sound, for people."""
    words = [f"{row['errors']:.0f} of {row['characters']:.0f} characters wrong"] if "characters" in row else []
    if not math.isnan(row["similarity"]):
        words.append(f"similarity to the voice {row['similarity']:.2f}")
    if not math.isnan(row["dnsmos_ovrl"]):
        words.append(f"DNSMOS {row['dnsmos_ovrl']:.2f}")
    return ", ".join(words)


def write_results(rows: list[Row], out: Path, judges: Judges) -> str:
    """Write out/scores.csv and out/RESULTS.md; the table in words."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with atomic_write(out / "scores.csv") as path, open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    systems = dict.fromkeys(row["system"] for row in rows)
    means = {name: _means([row for row in rows if row["system"] == name]) for name in systems}
    shown = [name for name in HEADINGS if any(not math.isnan(mean.get(name, math.nan)) for mean in means.values())]
    cells = {name: " | ".join(_cell(mean, figure) for figure in shown) for name, mean in means.items()}
    lines = [
        "| | recordings | " + " | ".join(HEADINGS[name] for name in shown) + " |",
        "| :-- | --: |" + " --: |" * len(shown),
        *(f"| {name} | {means[name]['count']:.0f} | {cells[name]} |" for name in means),
    ]
    table = "\n".join(lines)
    about = "\n".join(f"- {name}: {value}" for name, value in environment().items())
    heard = f"Recognizer: {judges.recognize.about}, language {judges.language}." if judges.recognize else ""
    notes = "\n".join([heard, *judges.skipped]).strip()
    with atomic_write(out / "RESULTS.md") as path:
        path.write_text(f"# Text to speech\n\n{table}\n\n{notes}\n\n{about}\n", encoding="utf-8")
    return table


def _means(rows: list[Row]) -> dict[str, float]:
    """Means over recordings, undefined ones left out; of the CER, all errors over all characters."""
    means: dict[str, float] = {"count": len(rows)}
    if sum(row.get("characters", 0) for row in rows):
        means["cer"] = 100 * sum(row["errors"] for row in rows) / sum(row["characters"] for row in rows)
    for name in HEADINGS:
        values = [row[name] for row in rows if name in row and not math.isnan(row[name])]
        if values:
            means[name] = torch.tensor(values, dtype=torch.float64).mean().item()
    return means


def _cell(means: Mapping[str, float], name: str) -> str:
    """A figure as text."""
    value = means.get(name, math.nan)
    return "-" if math.isnan(value) else f"{value:.1f}" if name in ("cer", "level", "off") else f"{value:.2f}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of the program."""
    parser.add_argument("--systems", nargs="+", required=True, metavar="NAME=PATH", help="folders of speech, or tables")
    parser.add_argument(
        "--sources", nargs="*", default=[], metavar="NAME=TABLE", help="backgrounds that went into a system"
    )
    parser.add_argument("--text", type=Path, required=True, help="lines of uttid and text")
    parser.add_argument(
        "--voices", type=Path, required=True, help="lines of uttid and path of a clean recording of the voice"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write RESULTS.md and scores.csv to")
    parser.add_argument(
        "--recognizer", default="whisper-base", help="see espnet2_decodec.evaluation.metrics.recognizers; none for none"
    )
    parser.add_argument("--language", default="ru", help="ISO 639-1 code of what is said")
    parser.add_argument("--limit", type=int, help="utterances of each system")
    parser.add_argument("--keep", type=int, default=0, help="utterances to listen to, in the folder examples")
    parser.add_argument(
        "--prompts", nargs="*", default=[], metavar="NAME=TABLE", help="of --keep, such as noisy=noisy.scp"
    )
