"""Voice conversion of noisy speech, measured: is it still understood, and whose voice is it?"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.conversion import Voice, convert, listen
from espnet2_decodec.evaluation.bootstrap import Interval, interval
from espnet2_decodec.evaluation.compare_tables import condition_order
from espnet2_decodec.evaluation.mixtures import snr_of
from espnet2_decodec.evaluation.perceptual import speaker_similarity
from espnet2_decodec.evaluation.probes.listening import level
from espnet2_decodec.evaluation.recognizers import RATE, recognizer
from espnet2_decodec.evaluation.report import table
from espnet2_decodec.evaluation.scoring import MixtureSet
from espnet2_decodec.evaluation.systems.base import convert as at_rate
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.evaluation.words import word_counts
from espnet2_decodec.io.atomic import replacing
from espnet2_decodec.io.audio import read
from espnet2_decodec.sets.parallel import spread
from espnet2_decodec.sets.settings import Settings
from espnet2_decodec.sets.tables import read_table
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
of that voice than the reference. Levels: the first level of the source, the others of the reference as they come, which is
the paper's exchange. Matched: the other levels from the frame of the reference that is most alike. Shift: what
`decodec convert` does. The reference itself: through the parametric levels, which shift and matched cannot well exceed; levels
is above it where it sounds like the reference in what it says, too."""

CEILING = "the reference itself, as tokens"
UNKNOWN = {"errors": math.nan, "words": math.nan}

Row = dict[str, str | float]
"""One system on one recording and voice: system, condition, uttid, voice, errors, words, target, source."""


@dataclass(frozen=True)
class Voices:
    """Prompts of speakers, in two parts that have none in common.

    Attributes:
        references: speaker -> [L] at 16 kHz, what a conversion hears.
        others: speaker -> [L] at 16 kHz, what similarity is measured with.
    """

    references: dict[str, Tensor]
    others: dict[str, Tensor]


def voices(folder: str | Path, speakers: Sequence[str], seconds: float, seed: int = 0) -> Voices:
    """Prompts of a Kaldi folder in a seeded order, until a part has so many seconds; the longer half of them only.

    Raises:
        ValueError: if a speaker is not there, or has not enough to say.
    """
    folder = Path(folder)
    paths, owners, durations = (read_table(folder / name) for name in ("wav.scp", "utt2spk", "utt2dur"))
    found: list[dict[str, Tensor]] = [{}, {}]
    for speaker in speakers:
        keys = sorted(key for key in owners if owners[key] == speaker)
        if not keys:
            raise ValueError(f"{folder} has no speaker {speaker!r}.")
        keys = sorted(keys, key=lambda key: float(durations[key]))[len(keys) // 2 :]
        order = iter(np.random.default_rng(seed).permutation(len(keys)))
        for part in found:
            wavs: list[Tensor] = []
            while sum(map(len, wavs)) < seconds * RATE:
                place = next(order, None)
                if place is None:
                    raise ValueError(f"{speaker} of {folder} has not twice {seconds:g} s to say.")
                wavs.append(read(paths[keys[place]], RATE))
            part[speaker] = torch.cat(wavs)
    return Voices(*found)


@dataclass(frozen=True)
class Plan:
    """What is scored, and by whom.

    Attributes:
        data: folder of test mixtures with texts.
        voices: to convert to.
        settings: of the codec.
        judge: name of a recogniser.
        language: of the texts, as an ISO 639-1 code.
        denoiser: spec of a system for the cascade; None for none.
    """

    data: Path
    voices: Voices
    settings: Settings
    judge: str
    language: str = "en"
    denoiser: str | None = None


@dataclass(frozen=True)
class Heard:
    """The tokens of a recording, and its voice where the codec has parametric levels."""

    codes: Codes
    voice: Voice | None


class Scorer:
    """Converts recordings in every way, and measures what comes out."""

    def __init__(self, plan: Plan):
        self.plan, self.data, self.texts = plan, MixtureSet(plan.data), read_table(plan.data / "text")
        self.codec, self.judge = plan.settings.codec(), recognizer(plan.judge)
        self.denoiser = build(plan.denoiser) if plan.denoiser else None
        self.references = {speaker: self._heard(wav) for speaker, wav in plan.voices.references.items()}
        self.ceilings = {speaker: self._decode(self._first(heard.codes)) for speaker, heard in self.references.items()}

    def __call__(self, key: str) -> list[Row]:
        """The rows of one recording, for all voices."""
        item = self.data.load(key, RATE)
        source = self._heard(item.mixture)
        cleaned = self._heard(self.denoiser(item.mixture, RATE)["speech"]) if self.denoiser else None
        plain = {"untouched mixture": item.mixture, "not converted": self._decode(source.codes)}
        if self.codec.parametric_levels:
            plain["not converted, parametric levels"] = self._decode(self._first(source.codes))
        errors = {name: self._errors(key, wav) for name, wav in plain.items()}
        rows = []
        for speaker, reference in self.references.items():
            found = plain | self._converted(source, reference, self.methods)
            if cleaned is not None:
                best = self._converted(cleaned, reference, self.methods[-1:])
                found |= {f"{self.plan.denoiser}, then {name}": wav for name, wav in best.items()}
            found[CEILING] = self.ceilings[speaker]
            for name, wav in found.items():
                about: Row = {"system": name, "condition": item.condition, "uttid": key, "voice": speaker}
                about |= errors[name] if name in errors else self._errors(key, wav) if name != CEILING else UNKNOWN
                for whose, voice in (("target", self.plan.voices.others[speaker]), ("source", item.speech)):
                    about[whose] = speaker_similarity(voice, level(wav), RATE)
                rows.append(about)
        return rows

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that the codec can do, the best one last."""
        return ("levels", "matched", "shift") if self.codec.parametric_levels else ("levels", "matched")

    def _converted(self, source: Heard, reference: Heard, methods: Sequence[str]) -> dict[str, Tensor]:
        voices = (source.voice, reference.voice) if source.voice and reference.voice else None
        pair = source.codes, reference.codes
        return {method: self._decode(convert(self.codec, *pair, method, voices=voices)) for method in methods}

    def _heard(self, wav: Tensor) -> Heard:
        wav = at_rate(wav, RATE, self.codec.sample_rate).to(next(self.codec.parameters()).device)
        return Heard(self.codec.encode(wav[None]), listen(self.codec, [wav]) if self.codec.parametric_levels else None)

    def _decode(self, codes: Codes) -> Tensor:
        wav = self.codec.decode(codes, background=False)[0].cpu()
        return at_rate(wav, self.codec.sample_rate, RATE)

    def _first(self, codes: Codes) -> Codes:
        """The parametric levels alone, all levels where they are all alike."""
        return replace(codes, speech=codes.speech[:, : self.codec.parametric_levels or None])

    def _errors(self, key: str, wav: Tensor) -> Row:
        counts = word_counts(self.texts[key], self.judge(level(wav), RATE, self.plan.language))
        return {"errors": counts.substitutions + counts.deletions + counts.insertions, "words": counts.length}


def score_conversions(plan: Plan, keys: Sequence[str], jobs: int = 1) -> list[Row]:
    """The rows of all recordings.

    Raises:
        ValueError: if the set or the model cannot be used.
        Unavailable: if the recogniser or the denoiser cannot be had here.
    """
    recognizer(plan.judge)
    if plan.denoiser:
        build(plan.denoiser)
    return [row for rows in spread(partial(Scorer, plan), keys, jobs, "converting") for row in rows]


def write_rows(path: str | Path, rows: Sequence[Row]) -> None:
    """One record per system, recording and voice; an undefined figure is an empty field."""
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([["" if value != value else value for value in row.values()] for row in rows])


def markdown(rows: Sequence[Row], head: Mapping[str, str], skipped: Sequence[str]) -> str:
    """The head, then one table per measure: systems down, conditions across."""
    conditions = sorted({str(row["condition"]) for row in rows}, key=condition_order)
    text = ["# Voice conversion", "", *(f"- {key}: {value}" for key, value in head.items()), *(f"- {line}" for line in skipped)]
    text += ["", NOTES]
    headings = ["system", "", *(f"{c} dB" if snr_of(c) is not None else c for c in conditions)]
    for name, title in HEADINGS.items():
        body = []
        for system in dict.fromkeys(row["system"] for row in rows):
            cells = ([row for row in rows if (row["system"], row["condition"]) == (system, c)] for c in conditions)
            body.append([str(system), "", *(_cell(name, figures(here, name)) for here in cells)])
        text += ["", f"## {title}", "", *table(headings, body)]
    return "\n".join(text) + "\n"


def figures(rows: Sequence[Row], name: str) -> Interval:
    """The mean of a measure and its interval; errors are divided by the mean number of words, so that all words count alike."""
    if name != "wer":
        return interval([float(row[name]) for row in rows])
    words = sum(row["words"] for row in rows) / max(1, len(rows))
    return interval([100 * row["errors"] / words if words else math.nan for row in rows])


def _cell(name: str, found: Interval) -> str:
    """A figure for people."""
    if not found.count:
        return "-"
    mean, low, high = (f"{value:.{DIGITS[name]}f}" for value in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]"
