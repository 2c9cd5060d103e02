"""Voice conversion of noisy speech, measured: is it still understood, and whose voice is it?"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.conversion import convert_codes
from espnet2_decodec.conversion.features import VocoderFeatures, extract_features, synthesize
from espnet2_decodec.conversion.shift import shift_voice
from espnet2_decodec.data.codec_options import CodecOptions
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixtures import condition_order, parse_snr
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation.conversion_voices import Voices
from espnet2_decodec.evaluation.examples import Example, file_name, write_examples, write_sound
from espnet2_decodec.evaluation.metrics.bootstrap import Interval, bootstrap_interval
from espnet2_decodec.evaluation.metrics.error_rate import word_errors
from espnet2_decodec.evaluation.metrics.perceptual import speaker_similarity
from espnet2_decodec.evaluation.metrics.recognizers import RATE, recognizer
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.probes.listening import level
from espnet2_decodec.evaluation.systems.base import resample
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.evaluation.tables import markdown_table
from espnet2_decodec.types import Codes

HEADINGS = {
    "wer": "Word error rate, %",
    "target": "Similarity to the voice of the reference, cosine",
    "source": "Similarity to the voice of the source, cosine",
}
DIGITS = {"wer": 1, "target": 3, "source": 3}

NOTES = """\
Source: a mixture; reference: clean prompts of another voice. Means over recordings and voices, with 95 % intervals in brackets
(percentile bootstrap). Word error rate: all errors over all words. Similarity: cosine of voice embeddings, with other prompts
of that voice than the reference. swap_codes: the first level of the source, the others of the reference as they come, which is
the paper's exchange. knn_codes: the other levels from the frame of the reference that is most alike. knn_shift: what
`decodec convert` does, and with `--no-quantize` where it says not quantized. The reference itself: through the parametric levels,
or their coordinates not quantized, which knn_shift and knn_codes cannot well exceed; swap_codes is above it where it sounds like the
reference in what it says, too."""

BARE = "knn_shift, not quantized"
MIXTURE = "untouched mixture"
CEILING, BARE_CEILING = "the reference itself, as tokens", "the reference itself, not quantized"
UNKNOWN = {"errors": math.nan, "words": math.nan}

GROUP, SOURCE, REFERENCE = "Voice conversion", "source", "reference"
"""Of what can be listened to: the section of a page, and its first two sounds."""

Row = dict[str, str | float]
"""One system on one recording and voice: system, condition, uttid, voice, errors, words, target, source."""


@dataclass(frozen=True)
class Plan:
    """What is scored, and by whom.

    Attributes:
        data: folder of test mixtures, with texts where there is a judge.
        voices: to convert to; no recording is converted to the voice that it has.
        settings: of the codec.
        judge: name of a recogniser; None for no word errors.
        language: of the texts, as an ISO 639-1 code.
        denoiser: spec of a system for the cascade; None for none.
        similar: whether voices are compared.
        examples: folder for what can be listened to.
        kept: recordings of which everything is written there.
    """

    data: Path
    voices: Voices
    settings: CodecOptions
    judge: str | None
    language: str = "en"
    denoiser: str | None = None
    similar: bool = True
    examples: Path | None = None
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Heard:
    """The tokens of a recording, and its voice where the codec has parametric levels."""

    codes: Codes
    voice: VocoderFeatures | None


class Scorer:
    """Converts recordings in every way, and measures what comes out."""

    def __init__(self, plan: Plan):
        self.plan, self.data = plan, MixtureSet(plan.data)
        self.codec, self.judge = plan.settings.load(), recognizer(plan.judge) if plan.judge else None
        self.texts = read_table(plan.data / "text") if plan.judge else {}
        self.denoiser = build(plan.denoiser) if plan.denoiser else None
        self.references = {speaker: self._heard(wav) for speaker, wav in plan.voices.references.items()}
        self.ceilings = {
            speaker: self._parametric(CEILING, BARE_CEILING, heard) for speaker, heard in self.references.items()
        }

    def __call__(self, key: str) -> list[Row]:
        """The rows of one recording, for all voices but its own."""
        item = self.data.load(key, RATE)
        source = self._heard(item.mixture)
        cleaned = self._heard(self.denoiser(item.mixture, RATE)["speech"]) if self.denoiser else None
        plain = {MIXTURE: item.mixture, "not converted": self._decode(source.codes)}
        if self.codec.parametric_levels:
            plain |= self._parametric(
                "not converted, parametric levels", "not converted, parametric, not quantized", source
            )
        errors = {name: self._errors(key, wav) for name, wav in plain.items()}
        rows = []
        for speaker, reference in self.references.items():
            if speaker == self.data.speakers[key]:
                continue
            found = plain | self._converted(source, reference, self.methods)
            if cleaned is not None:
                best = self._converted(cleaned, reference, self.methods[2:] or self.methods[-1:])
                found |= {f"{self.plan.denoiser}, then {name}": wav for name, wav in best.items()}
            found |= self.ceilings[speaker]
            for name, wav in found.items():
                about: Row = {"system": name, "condition": item.condition, "uttid": key, "voice": speaker}
                mine = name not in self.ceilings[speaker]
                about |= errors[name] if name in errors else self._errors(key, wav) if mine else UNKNOWN
                for whose, voice in (("target", self.plan.voices.others[speaker]), ("source", item.speech)):
                    about[whose] = speaker_similarity(voice, level(wav), RATE) if self.plan.similar else math.nan
                rows.append(about)
            if key in self.plan.kept:
                self._keep(key, speaker, found)
        return rows

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that the codec can do, the best ones last."""
        return (
            ("swap_codes", "knn_codes", "knn_shift", BARE)
            if self.codec.parametric_levels
            else ("swap_codes", "knn_codes")
        )

    def _converted(self, source: Heard, reference: Heard, methods: Sequence[str]) -> dict[str, Tensor]:
        voices = (source.voice, reference.voice) if source.voice and reference.voice else None
        pair, found = (source.codes, reference.codes), {}
        for method in methods:
            if method == BARE:
                found[method] = self._synthesize(shift_voice(*voices, self.codec.sample_rate))
            else:
                found[method] = self._decode(convert_codes(self.codec, *pair, method, features=voices))
        return found

    def _parametric(self, as_tokens: str, bare: str, heard: Heard) -> dict[str, Tensor]:
        """A recording by its parametric levels (all levels where they are all alike), and by the coordinates behind these."""
        levels = self.codec.parametric_levels
        found = {as_tokens: self._decode(replace(heard.codes, speech=heard.codes.speech[:, : levels or None]))}
        return found | ({bare: self._synthesize(heard.voice)} if levels else {})

    def _heard(self, wav: Tensor) -> Heard:
        wav = resample(wav, RATE, self.codec.sample_rate).to(next(self.codec.parameters()).device)
        features = extract_features(self.codec, [wav]) if self.codec.parametric_levels else None
        return Heard(self.codec.encode(wav[None]), features)

    def _decode(self, codes: Codes) -> Tensor:
        wav = self.codec.decode(codes, background=False)[0].cpu()
        return resample(wav, self.codec.sample_rate, RATE)

    def _synthesize(self, voice: VocoderFeatures) -> Tensor:
        return resample(torch.cat(list(synthesize(self.codec, voice))).cpu(), self.codec.sample_rate, RATE)

    def _errors(self, key: str, wav: Tensor) -> Row:
        if self.judge is None:
            return UNKNOWN
        counts = word_errors(self.texts[key], self.judge(level(wav), RATE, self.plan.language))
        return {"errors": counts.errors, "words": counts.reference_length}

    def _keep(self, key: str, speaker: str, found: Mapping[str, Tensor]) -> None:
        for name, wav in (found | {REFERENCE: self.plan.voices.references[speaker]}).items():
            write_sound(self.plan.examples / _file(key, speaker, name), wav, RATE)


def score_conversions(plan: Plan, keys: Sequence[str], jobs: int = 1) -> list[Row]:
    """The rows of all recordings; those that are kept are written as examples.

    Raises:
        ValueError: if the set or the model cannot be used.
        Unavailable: if the recogniser or the denoiser cannot be had here.
    """
    if plan.judge:
        recognizer(plan.judge)
    if plan.denoiser:
        build(plan.denoiser)
    rows = [row for rows in parallel_map(partial(Scorer, plan), keys, jobs, "converting") for row in rows]
    kept = [row for row in rows if row["uttid"] in plan.kept]
    if kept:
        texts = plan.data / "text"
        write_examples(plan.examples, examples_of(kept, read_table(texts) if texts.is_file() else {}))
    return rows


def examples_of(rows: Sequence[Row], texts: Mapping[str, str]) -> list[Example]:
    """What can be listened to: of each recording and voice its source, the reference, and what every system made of them."""
    lines: dict[str, list[Example]] = {}
    for row in rows:
        key, speaker, system = (str(row[name]) for name in ("uttid", "voice", "system"))
        example = f"{key} in the voice of {speaker}"
        if system == MIXTURE:
            sounds = ((SOURCE, system, texts.get(key, "")), (REFERENCE, REFERENCE, f"another recording of {speaker}"))
        else:
            sounds = ((system, system, _figures(row)),)
        lines.setdefault(example, []).extend(
            Example(GROUP, example, label, _file(key, speaker, name), note) for label, name, note in sounds
        )
    return [line for of_one in lines.values() for line in of_one]


def _file(key: str, speaker: str, name: str) -> str:
    """Where a sound is; what does not depend on the source is there once."""
    return file_name(*([] if name in (REFERENCE, CEILING, BARE_CEILING) else [key]), speaker, name)


def _figures(row: Row) -> str:
    """What was measured of one recording, for people."""
    words = [f"word errors {row['errors']:.0f} of {row['words']:.0f}"] if row["words"] == row["words"] else []
    whose = {"target": "reference", "source": "source"}
    words += [f"similarity to the {name} {row[key]:.2f}" for key, name in whose.items() if row[key] == row[key]]
    return ", ".join(words)


def write_rows(path: str | Path, rows: Sequence[Row]) -> None:
    """One record per system, recording and voice; an undefined figure is an empty field."""
    with atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([["" if value != value else value for value in row.values()] for row in rows])


def markdown(rows: Sequence[Row], head: Mapping[str, str], skipped: Sequence[str]) -> str:
    """The head, then one table per measure that has a figure: systems down, conditions across."""
    conditions = sorted({str(row["condition"]) for row in rows}, key=condition_order)
    text = [
        "# Voice conversion",
        "",
        *(f"- {key}: {value}" for key, value in head.items()),
        *(f"- {line}" for line in skipped),
    ]
    text += ["", NOTES]
    headings = ["system", *(f"{c} dB" if parse_snr(c) is not None else c for c in conditions)]
    for name, title in HEADINGS.items():
        body = []
        for system in dict.fromkeys(row["system"] for row in rows):
            cells = ([row for row in rows if (row["system"], row["condition"]) == (system, c)] for c in conditions)
            body.append([str(system), *(_cell(name, figures(here, name)) for here in cells)])
        if any(cell != "-" for line in body for cell in line[1:]):
            text += ["", f"## {title}", "", *markdown_table(headings, body)]
    return "\n".join(text) + "\n"


def figures(rows: Sequence[Row], name: str) -> Interval:
    """The mean of a measure and its interval; errors are divided by the mean number of words, so that all words count alike."""
    if name != "wer":
        return bootstrap_interval([float(row[name]) for row in rows])
    words = sum(row["words"] for row in rows) / max(1, len(rows))
    return bootstrap_interval([100 * row["errors"] / words if words else math.nan for row in rows])


def _cell(name: str, found: Interval) -> str:
    """A figure for people."""
    if not found.count:
        return "-"
    mean, low, high = (f"{value:.{DIGITS[name]}f}" for value in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]"
