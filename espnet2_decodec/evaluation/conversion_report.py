"""A test of voice conversion: choice of recordings and target speakers, tables and examples in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from espnet2_decodec.atomic import write_text
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixtures import BACKGROUND_ONLY
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.conversion import ConversionSettings, markdown, score_conversions
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.examples import remove_examples
from espnet2_decodec.evaluation.metrics.error_rate import require_jiwer
from espnet2_decodec.evaluation.metrics.perceptual import speaker_similarity
from espnet2_decodec.evaluation.metrics.recognizers import recognizer
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.evaluation.tables import write_csv
from espnet2_decodec.evaluation.target_speakers import choose_target_speakers, read_target_speakers


@dataclass(frozen=True)
class ConversionTest:
    """Options of a test of voice conversion.

    Attributes:
        data: folder of test mixtures, with a table text for word error rates.
        references: Kaldi directories of clean speech of target speakers.
        targets: target speakers in them; none for the first `num_targets` with enough speech.
        num_targets: number of target speakers.
        sources: source speakers of the mixtures; none for all.
        conditions: of the mixtures; none for all with speech.
        limit: number of recordings of each condition; None for all.
        keep: number of recordings of each condition that are written as examples.
        seconds: duration of a reference, and of the prompts for similarity.
        recognizer: its name; None for no word error rates.
        language: ISO 639-1 code of the texts.
        denoiser: first system of a cascade; None for no cascade.
        model: folder of the codec; None for the one in the package.
        device: of the codec.
    """

    data: str
    references: Sequence[str]
    targets: Sequence[str] = ()
    num_targets: int = 2
    sources: Sequence[str] = ()
    conditions: Sequence[str] = ()
    limit: int | None = None
    keep: int = 0
    seconds: float = 8.0
    recognizer: str | None = None
    language: str = "en"
    denoiser: str | None = None
    model: str | None = None
    device: str = "cpu"


def report_conversion(test: ConversionTest, out: Path, jobs: int = 1) -> None:
    """Write conversion.csv, conversion.md and examples; without a target speaker, print that nothing is converted.

    Args:
        test: what is converted.
        out: folder of the results.
        jobs: number of processes.

    Raises:
        ValueError: if the set, a speaker, the recognizer or the model cannot be used.
    """
    about = _check_recognizer(test.recognizer) if test.recognizer else "none"
    mixtures = MixtureSet(test.data)
    keys = _select(test, mixtures)
    remove_examples(out / "examples")
    sources = {mixtures.speakers[key] for key in keys}
    names = test.targets or choose_target_speakers(test.references, sources, test.seconds, test.num_targets)
    if not names:
        folders = ", ".join(test.references)
        print(f"Voice conversion is skipped: {folders} has no other speaker with twice {test.seconds:g} s of speech.")
        return
    skipped = [] if test.recognizer else ["word error rates are skipped: no recognizer was asked for"]
    denoiser, similarity = _available(test.denoiser, skipped)
    print(*skipped, sep="\n", end="\n" if skipped else "")
    settings = ConversionSettings(
        data=Path(test.data),
        speakers=read_target_speakers(test.references, names, test.seconds),
        model=test.model,
        recognizer=test.recognizer,
        language=test.language,
        denoiser=denoiser,
        similarity=similarity,
        device=test.device,
        examples=out / "examples",
        kept=frozenset(_first_of_each_condition(mixtures, keys, test.keep)),
    )
    rows = score_conversions(settings, keys, jobs)
    if not rows:
        raise ValueError("Every recording has the only target speaker: give --targets, or other --references.")
    head = environment(test.device) | {
        "data": test.data,
        "model": test.model or "the model in the package",
        "recognizer": about,
        "target speakers": f"{' '.join(names)}, {test.seconds:g} s of each",
    }
    write_csv(out / "conversion.csv", list(rows[0]), rows)
    text = markdown(rows, head, skipped)
    write_text(out / "conversion.md", text)
    print(text)


def _check_recognizer(name: str) -> str:
    """Return the description of a recognizer; raise a ValueError if it is unavailable here."""
    try:
        require_jiwer()
        return recognizer(name).about
    except Unavailable as problem:
        raise ValueError(str(problem)) from None


def _available(denoiser: str | None, skipped: list[str]) -> tuple[str | None, bool]:
    """Return the denoiser and whether speaker similarity can be measured; what is unavailable is added to `skipped`."""
    similarity = True
    try:
        if denoiser:
            build(denoiser)
    except Unavailable as problem:
        skipped.append(f"{denoiser} is skipped: {problem}")
        denoiser = None
    try:
        noise = torch.randn(SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
        speaker_similarity(noise, noise, SAMPLE_RATE)
    except ImportError as problem:
        skipped.append(f"speaker similarity is skipped: {problem}")
        similarity = False
    return denoiser, similarity


def _select(test: ConversionTest, mixtures: MixtureSet) -> list[str]:
    """Return the first recordings of each condition by the given speakers, with a text if words are counted."""
    texts = read_table(Path(test.data) / "text") if test.recognizer else None
    all_conditions = dict.fromkeys(mixtures.conditions.values())
    keys: list[str] = []
    for condition in test.conditions or [name for name in all_conditions if name != BACKGROUND_ONLY]:
        chosen = [key for key in mixtures.select([condition]) if texts is None or key in texts]
        keys += [key for key in chosen if not test.sources or mixtures.speakers[key] in test.sources][: test.limit]
    if not keys:
        text = "" if texts is None else " with a text"
        raise ValueError(f"{test.data} has no recording{text} of these speakers and conditions.")
    return keys


def _first_of_each_condition(mixtures: MixtureSet, keys: list[str], count: int) -> list[str]:
    """Return the first `count` of each condition."""
    if count < 0:
        raise ValueError(f"At least 0 recordings of each condition can be kept, not {count}.")
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(mixtures.conditions[key], []).append(key)
    return [key for group in groups.values() for key in group[:count]]
