"""Scores of synthesized test sets: intelligibility, speaker similarity, DNSMOS, and fidelity of the background."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.examples import Example, file_name, remove_examples, write_audio, write_examples
from espnet2_decodec.evaluation.metrics.error_rate import character_errors, require_jiwer
from espnet2_decodec.evaluation.metrics.perceptual import dnsmos, speaker_similarity
from espnet2_decodec.evaluation.metrics.recognizers import Recognizer, recognizer
from espnet2_decodec.evaluation.metrics.spectral import mel_distance
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.tables import Row, bullet_list, format_number, markdown_table, write_csv
from espnet2_decodec.io.audio import read
from espnet2_decodec.progress import progress
from espnet2_decodec.voice.backgrounds import CROSSFADE_SECONDS

METRICS = {
    "cer": ("CER %", 1),
    "similarity": ("speaker similarity", 2),
    "dnsmos_sig": ("DNSMOS speech", 2),
    "dnsmos_bak": ("DNSMOS background", 2),
    "dnsmos_ovrl": ("DNSMOS overall", 2),
    "level": ("background level, dB", 1),
    "level_error": ("absolute level error, dB", 1),
    "mel": ("background mel distance", 2),
    "rtf": ("real-time factor", 2),
}
"""Metric -> heading and decimals, in the order of the columns."""

LABELS = {
    "recordings": "recording of the sentence",
    "all_levels": "its tokens, all levels",
    "predicted_levels": "its tokens, parametric levels",
    "none_clean": "synthesized, clean prompt, no background",
    "none": "synthesized, noisy prompt, no background",
    "unseparated": "synthesized, noisy prompt, not separated",
    "denoised": "synthesized, noisy prompt, denoised and not separated",
    "prompt": "synthesized, the prompt's background",
    "file": "synthesized, another background",
}
"""Labels of the recipe's systems among the examples; other systems are labeled by their name."""

GROUP, EXAMPLES = "Text to speech", "examples"
"""Title and folder of the examples."""


class Evaluators:
    """Metrics of synthesized speech; what is not installed is printed once, and skipped.

    Attributes:
        recognizer: None where there are no error rates.
        skipped: a line for each metric that is skipped.

    Args:
        name: of the recognizer; "none" for no error rates.
        language: ISO 639-1 code of the speech.
    """

    def __init__(self, name: str, language: str):
        self.language = language
        self.skipped: list[str] = []
        self.recognizer: Recognizer | None = None
        if name != "none":
            try:
                require_jiwer()
                self.recognizer = recognizer(name)
            except Unavailable as problem:
                self._skip(f"character error rates skipped: {problem}")

    def measure(self, wav: Tensor, text: str, speaker: Tensor) -> Row:
        """CER, similarity to a recording of the speaker [L'], and DNSMOS of a recording [L]."""
        row: Row = {}
        if self.recognizer is not None:
            counts = character_errors(text, self.recognizer(wav, SAMPLE_RATE, self.language))
            row |= {"errors": counts.errors, "characters": counts.reference_length}
        row["similarity"] = self._try("speaker similarity", partial(speaker_similarity, speaker, wav, SAMPLE_RATE))
        for part in ("sig", "bak", "ovrl"):
            row[f"dnsmos_{part}"] = self._try("DNSMOS", partial(dnsmos, wav, wav, SAMPLE_RATE, part))
        return row

    def _try(self, name: str, metric: Callable[[], float]) -> float:
        """The value of a metric; NaN where a package that it needs is not installed."""
        if any(line.startswith(f"{name} skipped") for line in self.skipped):
            return math.nan
        try:
            return metric()
        except ImportError as problem:
            self._skip(f"{name} skipped: {problem}")
            return math.nan

    def _skip(self, line: str) -> None:
        print(line)
        self.skipped.append(line)


def score_systems(
    systems: Mapping[str, Path],
    text: Path,
    speakers: Path,
    backgrounds: Mapping[str, Path],
    evaluators: Evaluators,
    limit: int | None = None,
) -> list[Row]:
    """One row for each system and utterance.

    Args:
        systems: name -> folder of a synthesized set, or Kaldi table of recordings.
        text: Kaldi table of text.
        speakers: Kaldi table of clean recordings of the speaker.
        backgrounds: name of a system -> Kaldi table of the backgrounds that it was given.
        evaluators: metrics of the speech.
        limit: utterances of each system; None for all.
    """
    rows, texts, references = [], read_table(text), read_table(speakers)
    for name, place in systems.items():
        folder, paths = place if place.is_dir() else None, _recordings(place)
        for key in progress([key for key in texts if key in paths][:limit], desc=f"score {name}"):
            speaker = read(references[key], SAMPLE_RATE)
            row = {"system": name, "uttid": key}
            row |= evaluators.measure(read(paths[key], SAMPLE_RATE), texts[key], speaker)
            if folder:
                row["rtf"] = float(read_table(folder / "utt2rtf")[key])
                if name in backgrounds:
                    start = int(read_table(folder / "utt2offset")[key])
                    reference = read(read_table(backgrounds[name])[key], SAMPLE_RATE)[start:]
                    estimate = read(read_table(folder / "background.scp")[key], SAMPLE_RATE)
                    row |= background_scores(reference, estimate)
            rows.append(row)
    return rows


def background_scores(reference: Tensor, estimate: Tensor) -> Row:
    """Scores of a synthesized background [L'] up to where it is looped.

    Returns:
        level in dB relative to the reference [L], its distance from 0, and mel distance.
    """
    length = len(estimate)
    if length > len(reference):
        length = len(reference) - min(int(CROSSFADE_SECONDS * SAMPLE_RATE), len(reference) // 2)
    reference, estimate = reference[:length], estimate[:length]
    powers = [active_power(x.numpy()) for x in (estimate, reference)]
    level = 10 * math.log10(powers[0] / powers[1]) if min(powers) > 0 else math.nan
    return {"level": level, "level_error": abs(level), "mel": mel_distance(reference, estimate, SAMPLE_RATE)}


def keep_examples(
    rows: Sequence[Row],
    systems: Mapping[str, Path],
    prompts: Mapping[str, Path],
    text: Path,
    out: Path,
    count: int,
) -> None:
    """Write out/examples of the first utterances that all systems have, see `evaluation.examples`.

    Prompts come first, then the systems, the first of which has the text in its note.

    Args:
        rows: from `score_systems`.
        systems: as there.
        prompts: label of a prompt -> Kaldi table of recordings.
        text: as there.
        out: folder.
        count: utterances; 0 removes those of an earlier run.

    Raises:
        ValueError: if the count is negative, or a table or a recording is missing.
    """
    if count < 0:
        raise ValueError(f"At least 0 utterances can be kept, not {count}.")
    texts, folder = read_table(text), out / EXAMPLES
    remove_examples(folder)
    prompt_paths = {name: read_table(path) for name, path in prompts.items()}
    system_paths = {name: _recordings(place) for name, place in systems.items()}
    notes = {(row["system"], row["uttid"]): _note(row) for row in rows}
    lines = []
    for key in [key for key in texts if all((name, key) in notes for name in systems)][:count]:
        found = [(f"prompt, {name}", paths[key], "") for name, paths in prompt_paths.items() if key in paths]
        for number, (name, paths) in enumerate(system_paths.items()):
            parts = ["" if number else texts[key], notes[name, key]]
            found.append((LABELS.get(name, name), paths[key], " \N{MIDDLE DOT} ".join(filter(None, parts))))
        for label, path, note in found:
            name = file_name(key, label)
            write_audio(folder / name, read(path, SAMPLE_RATE), SAMPLE_RATE)
            lines.append(Example(GROUP, key, label, name, note))
    if lines:
        write_examples(folder, lines)


def write_results(rows: Sequence[Row], out: Path, evaluators: Evaluators) -> str:
    """Write out/scores.csv and out/RESULTS.md; return the Markdown table."""
    write_csv(out / "scores.csv", list(dict.fromkeys(name for row in rows for name in row)), rows)
    systems = dict.fromkeys(row["system"] for row in rows)
    means = {system: _means([row for row in rows if row["system"] == system]) for system in systems}
    shown = [name for name in METRICS if any(name in mean for mean in means.values())]
    body = [
        [system, str(sum(row["system"] == system for row in rows))]
        + [format_number(mean.get(name), METRICS[name][1]) for name in shown]
        for system, mean in means.items()
    ]
    table = "\n".join(markdown_table(["system", "recordings", *(METRICS[name][0] for name in shown)], body))
    notes = list(evaluators.skipped)
    if evaluators.recognizer:
        notes.insert(0, f"Recognizer: {evaluators.recognizer.about}, language {evaluators.language}.")
    text = ["# Text to speech", "", table, "", *notes, "", *bullet_list(environment())]
    with atomic_write(out / "RESULTS.md") as path:
        path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return table


def _recordings(place: Path) -> dict[str, str]:
    """Utterance id -> recording, of a synthesized set or of a Kaldi table."""
    return read_table(place / "mix.scp" if place.is_dir() else place)


def _note(row: Row) -> str:
    """The scores of one recording in words."""
    words = [f"{row['errors']} of {row['characters']} characters wrong"] if "characters" in row else []
    if not math.isnan(row["similarity"]):
        words.append(f"similarity to the voice {row['similarity']:.2f}")
    if not math.isnan(row["dnsmos_ovrl"]):
        words.append(f"DNSMOS {row['dnsmos_ovrl']:.2f}")
    return ", ".join(words)


def _means(rows: Sequence[Row]) -> dict[str, float]:
    """Mean of each metric over recordings where it is defined; CER: all errors over all characters."""
    means = {}
    characters = sum(row.get("characters", 0) for row in rows)
    if characters:
        means["cer"] = 100 * sum(row["errors"] for row in rows) / characters
    for name in METRICS:
        values = [row[name] for row in rows if name in row and not math.isnan(row[name])]
        if values:
            means[name] = math.fsum(values) / len(values)
    return means
