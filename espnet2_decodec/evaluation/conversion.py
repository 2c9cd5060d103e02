"""Scores of voice conversion of noisy speech: word error rate and speaker similarity."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.conversion import convert_codes
from espnet2_decodec.conversion.features import VocoderFeatures, extract_features, synthesize
from espnet2_decodec.conversion.shift import shift_voice
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixtures import condition_order
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.examples import Example, file_name, write_audio, write_examples
from espnet2_decodec.evaluation.metrics.bootstrap import Interval, bootstrap_interval
from espnet2_decodec.evaluation.metrics.error_rate import word_errors
from espnet2_decodec.evaluation.metrics.perceptual import speaker_similarity
from espnet2_decodec.evaluation.metrics.recognizers import normalize_level, recognizer
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.systems.base import resample
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.evaluation.tables import (
    INTERVAL_NOTE,
    Row,
    bullet_list,
    condition_heading,
    format_interval,
    markdown_table,
)
from espnet2_decodec.evaluation.target_speakers import TargetSpeakers
from espnet2_decodec.types import Codes

METRICS = {
    "wer": ("Word error rate, %", 1),
    "reference_similarity": ("Speaker similarity to the reference, cosine", 3),
    "source_similarity": ("Speaker similarity to the source, cosine", 3),
}
"""Metric -> heading and decimals."""

NOTES = f"""\
Source: a mixture; reference: clean prompts of another speaker. Means over recordings and target speakers, with
{INTERVAL_NOTE}. Word error rate: all errors over all words. Similarity: cosine of speaker embeddings, with other
prompts of the speaker than the reference. swap_codes: the first level of the source, the others of the reference,
frame by frame, as in the paper. knn_codes: the other levels from the nearest frame of the reference. knn_shift:
what `decodec convert` does, and with `--no-quantize` where it is unquantized. Ceiling: the reference itself through
the parametric levels, or their unquantized coordinates, an upper bound of the similarity of knn_shift and
knn_codes; swap_codes can exceed it where its words sound like the reference, too."""

UNQUANTIZED_SHIFT = "knn_shift, unquantized"
NOISY_INPUT = "noisy input"
CEILING, UNQUANTIZED_CEILING = "ceiling: reference, quantized", "ceiling: reference, unquantized"
UNDEFINED = {"errors": math.nan, "words": math.nan}

GROUP, SOURCE, REFERENCE = "Voice conversion", "source", "reference"
"""Title of the examples, and labels of the first two of each recording."""


@dataclass(frozen=True)
class ConversionSettings:
    """Recordings, speakers and metrics of a test of voice conversion.

    Attributes:
        data: folder of test mixtures, with a table text if there is a recognizer.
        speakers: target speakers; no recording is converted to its own speaker.
        model: folder of the codec; None for the one in the package.
        recognizer: its name; None for no word error rates.
        language: of the texts, as an ISO 639-1 code.
        denoiser: spec of the first system of a cascade; None for no cascade.
        similarity: whether speaker similarity is measured.
        device: of the codec.
        examples: folder for examples.
        kept: recordings of which examples are written.
    """

    data: Path
    speakers: TargetSpeakers
    model: str | None = None
    recognizer: str | None = None
    language: str = "en"
    denoiser: str | None = None
    similarity: bool = True
    device: str = "cpu"
    examples: Path = Path("examples")
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class EncodedRecording:
    """The codes of a recording, and its vocoder features where the codec has parametric levels."""

    codes: Codes
    features: VocoderFeatures | None


class ConversionScorer:
    """Converts recordings by every method, and scores the results."""

    def __init__(self, settings: ConversionSettings):
        self.settings, self.data = settings, MixtureSet(settings.data)
        self.codec = DeCodec.from_pretrained(settings.model).to(settings.device).eval()
        self.recognizer = recognizer(settings.recognizer) if settings.recognizer else None
        self.texts = read_table(settings.data / "text") if settings.recognizer else {}
        self.denoiser = build(settings.denoiser) if settings.denoiser else None
        self.references = {name: self._encode(wav) for name, wav in settings.speakers.references.items()}
        self.ceilings = {
            name: self._decode_parametric(CEILING, UNQUANTIZED_CEILING, encoded)
            for name, encoded in self.references.items()
        }

    def __call__(self, key: str) -> list[Row]:
        """The rows of one recording, for all target speakers but its own."""
        item = self.data.load(key, SAMPLE_RATE)
        source = self._encode(item.mixture)
        denoised = self._encode(self.denoiser(item.mixture, SAMPLE_RATE)["speech"]) if self.denoiser else None
        unconverted = {NOISY_INPUT: item.mixture, "not converted": self._decode(source.codes)}
        if self.codec.parametric_levels:
            names = ("not converted, parametric levels", "not converted, parametric, unquantized")
            unconverted |= self._decode_parametric(*names, source)
        errors = {name: self._count_errors(key, wav) for name, wav in unconverted.items()}
        rows = []
        for speaker, reference in self.references.items():
            if speaker == self.data.speakers[key]:
                continue
            wavs = unconverted | self._convert(source, reference, self.methods)
            if denoised is not None:
                converted = self._convert(denoised, reference, self.methods[2:] or self.methods[-1:])
                wavs |= {f"{self.settings.denoiser}, then {name}": wav for name, wav in converted.items()}
            ceilings = self.ceilings[speaker]
            for name, wav in (wavs | ceilings).items():
                row: Row = {"system": name, "condition": item.condition, "uttid": key, "speaker": speaker}
                if name in ceilings:
                    row |= UNDEFINED
                else:
                    row |= errors[name] if name in errors else self._count_errors(key, wav)
                row["reference_similarity"] = self._similarity(self.settings.speakers.held_out[speaker], wav)
                row["source_similarity"] = self._similarity(item.speech, wav)
                rows.append(row)
            if key in self.settings.kept:
                references = {REFERENCE: self.settings.speakers.references[speaker]}
                for name, wav in (wavs | ceilings | references).items():
                    write_audio(self.settings.examples / _example_file(key, speaker, name), wav, SAMPLE_RATE)
        return rows

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of conversion that the codec supports, the best ones last."""
        methods = ("swap_codes", "knn_codes")
        return (*methods, "knn_shift", UNQUANTIZED_SHIFT) if self.codec.parametric_levels else methods

    def _convert(
        self, source: EncodedRecording, reference: EncodedRecording, methods: Sequence[str]
    ) -> dict[str, Tensor]:
        """Method -> converted speech."""
        features, wavs = None, {}
        if source.features and reference.features:
            features = (source.features, reference.features)
        for method in methods:
            if method == UNQUANTIZED_SHIFT and features:
                wavs[method] = self._synthesize(shift_voice(*features, self.codec.sample_rate))
            else:
                codes = convert_codes(self.codec, source.codes, reference.codes, method, features=features)
                wavs[method] = self._decode(codes)
        return wavs

    def _decode_parametric(self, quantized: str, unquantized: str, encoded: EncodedRecording) -> dict[str, Tensor]:
        """Speech decoded from the parametric levels (from all where there are none), and from unquantized features."""
        levels = self.codec.parametric_levels or None
        wavs = {quantized: self._decode(replace(encoded.codes, speech=encoded.codes.speech[:, :levels]))}
        return wavs | ({unquantized: self._synthesize(encoded.features)} if encoded.features else {})

    def _encode(self, wav: Tensor) -> EncodedRecording:
        """[L] at 16 kHz -> codes and features."""
        wav = resample(wav, SAMPLE_RATE, self.codec.sample_rate).to(self.settings.device)
        features = extract_features(self.codec, [wav]) if self.codec.parametric_levels else None
        return EncodedRecording(self.codec.encode(wav[None]), features)

    def _decode(self, codes: Codes) -> Tensor:
        """Codes -> speech [L] at 16 kHz."""
        return resample(self.codec.decode(codes, background=False)[0].cpu(), self.codec.sample_rate, SAMPLE_RATE)

    def _synthesize(self, features: VocoderFeatures) -> Tensor:
        """Features -> speech [L] at 16 kHz."""
        return resample(torch.cat(list(synthesize(self.codec, features))).cpu(), self.codec.sample_rate, SAMPLE_RATE)

    def _count_errors(self, key: str, wav: Tensor) -> Row:
        if self.recognizer is None:
            return UNDEFINED
        hypothesis = self.recognizer(normalize_level(wav), SAMPLE_RATE, self.settings.language)
        counts = word_errors(self.texts[key], hypothesis)
        return {"errors": counts.errors, "words": counts.reference_length}

    def _similarity(self, speaker: Tensor, wav: Tensor) -> float:
        return speaker_similarity(speaker, normalize_level(wav), SAMPLE_RATE) if self.settings.similarity else math.nan


def score_conversions(settings: ConversionSettings, keys: Sequence[str], jobs: int = 1) -> list[Row]:
    """The rows of all recordings; those that are kept are written as examples.

    Returns:
        One row per system, recording and target speaker: system, condition, uttid, speaker, errors, words,
        reference_similarity, source_similarity.

    Raises:
        ValueError: if the set or the model cannot be used.
        Unavailable: if the recognizer or the denoiser is unavailable here.
    """
    if settings.recognizer:
        recognizer(settings.recognizer)
    if settings.denoiser:
        build(settings.denoiser)
    worker = partial(ConversionScorer, settings)
    rows = [row for rows in parallel_map(worker, keys, jobs, "convert") for row in rows]
    kept = [row for row in rows if row["uttid"] in settings.kept]
    if kept:
        texts = settings.data / "text"
        write_examples(settings.examples, list_examples(kept, read_table(texts) if texts.is_file() else {}))
    return rows


def list_examples(rows: Sequence[Row], texts: Mapping[str, str]) -> list[Example]:
    """Examples of each recording and target speaker: source, reference, then every system."""
    examples: dict[str, list[Example]] = {}
    for row in rows:
        key, speaker, system = row["uttid"], row["speaker"], row["system"]
        title = f"{key} in the voice of {speaker}"
        sounds = [(system, system, _note(row))]
        if system == NOISY_INPUT:
            sounds = [(SOURCE, system, texts.get(key, "")), (REFERENCE, REFERENCE, f"another recording of {speaker}")]
        for label, name, note in sounds:
            example = Example(GROUP, title, label, _example_file(key, speaker, name), note)
            examples.setdefault(title, []).append(example)
    return [example for group in examples.values() for example in group]


def markdown(rows: Sequence[Row], head: Mapping[str, str], skipped: Sequence[str]) -> str:
    """The head, then one table per metric that is defined: systems down, conditions across."""
    conditions = sorted({row["condition"] for row in rows}, key=condition_order)
    text = ["# Voice conversion", "", *bullet_list(head, skipped), "", NOTES]
    for name, (title, digits) in METRICS.items():
        body = []
        for system in dict.fromkeys(row["system"] for row in rows):
            groups = ([row for row in rows if (row["system"], row["condition"]) == (system, c)] for c in conditions)
            body.append([system, *(format_interval(mean_score(group, name), digits) for group in groups)])
        if any(cell != "-" for cells in body for cell in cells[1:]):
            headings = ["system", *map(condition_heading, conditions)]
            text += ["", f"## {title}", "", *markdown_table(headings, body)]
    return "\n".join(text) + "\n"


def mean_score(rows: Sequence[Row], metric: str) -> Interval:
    """The mean of a metric and its interval; word error rate: all errors over all words."""
    if metric != "wer":
        return bootstrap_interval([row[metric] for row in rows])
    mean_words = sum(row["words"] for row in rows) / max(1, len(rows))
    return bootstrap_interval([100 * row["errors"] / mean_words if mean_words else math.nan for row in rows])


def _example_file(key: str, speaker: str, name: str) -> str:
    """The file of an example; what does not depend on the source has one file for all."""
    return file_name(*([] if name in (REFERENCE, CEILING, UNQUANTIZED_CEILING) else [key]), speaker, name)


def _note(row: Row) -> str:
    """The scores of one recording in words."""
    words = [f"word errors {row['errors']} of {row['words']}"] if row["words"] == row["words"] else []
    for name in ("reference", "source"):
        value = row[f"{name}_similarity"]
        words += [] if math.isnan(value) else [f"similarity to the {name} {value:.2f}"]
    return ", ".join(words)
