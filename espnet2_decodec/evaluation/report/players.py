"""Audio players with spectrograms: the recordings of a benchmark, and folders of examples."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from espnet2_decodec.data.mixtures import STEMS
from espnet2_decodec.evaluation.benchmark import REFERENCE
from espnet2_decodec.evaluation.examples import Example, read_examples
from espnet2_decodec.evaluation.metrics.info import metric_info
from espnet2_decodec.evaluation.report import spectrogram as images
from espnet2_decodec.evaluation.report.labels import (
    CAPTION,
    direction,
    format_value,
    known_first,
    target_title,
)
from espnet2_decodec.evaluation.report.media import Media
from espnet2_decodec.evaluation.report.recordings import Recording
from espnet2_decodec.evaluation.report.results import BenchmarkResults
from espnet2_decodec.evaluation.tables import condition_title
from espnet2_decodec.io.audio import read

MIN_TOP_DB = -42.0
"""The brightest color is at least this level re full scale, so that near silence stays dark."""
EXAMPLE_COLUMNS = 3


@dataclass(frozen=True)
class Player:
    """One audio player.

    Attributes:
        title, note: caption.
        name: accessible name, unique on the page.
        seconds: duration.
        audio, image: path or data URI.
        width, height: of the image, in pixels.
        column: grid column from 1; None for the next one.
    """

    title: str
    note: str
    name: str
    seconds: float
    audio: str
    image: str
    width: int
    height: int = images.IMAGE_HEIGHT
    column: int | None = None


@dataclass(frozen=True)
class PlayerRow:
    """Players side by side, with an optional heading."""

    heading: str | None
    columns: int
    players: list[Player]


@dataclass(frozen=True)
class PlayerGroup:
    """A collapsible group of players: one recording or one example."""

    title: str
    note: str
    rows: list[PlayerRow]
    condition: str | None = None


@dataclass(frozen=True)
class ExampleSection:
    """A section of examples that share a group name.

    Attributes:
        title: group name.
        text: introduction, may be empty.
        examples: example name -> (row of the table, audio file) of its sounds.
    """

    title: str
    text: str
    examples: list[tuple[str, list[tuple[Example, Path]]]]


def read_sections(folders: Iterable[str | Path], texts: dict[str, str] | None = None) -> list[ExampleSection]:
    """Read folders of examples; the same group in several folders makes one section.

    Args:
        folders: folders with examples.csv, see `evaluation.examples`.
        texts: group -> introduction.

    Raises:
        ValueError: if a folder is unusable, see `evaluation.examples.read_examples`.
    """
    sections: dict[str, ExampleSection] = {}
    for folder in map(Path, folders):
        examples: dict[tuple[str, str], list[tuple[Example, Path]]] = {}
        for row in read_examples(folder):
            key = row.group, row.example
            if key not in examples:
                examples[key] = []
                section = sections.setdefault(
                    row.group, ExampleSection(row.group, (texts or {}).get(row.group, ""), [])
                )
                section.examples.append((row.example, examples[key]))
            examples[key].append((row, folder / row.file))
    return list(sections.values())


def recording_players(results: BenchmarkResults, recording: Recording, media: Media) -> PlayerGroup:
    """Players of the reference and of every system, on a common time axis and color scale.

    Raises:
        ValueError: if an audio file cannot be read.
    """
    wavs = {key: read(path, images.SAMPLE_RATE).numpy() for key, path in recording.paths.items()}
    longest = max(map(len, wavs.values()))
    spectrograms = {key: images.spectrogram(np.pad(wav, (0, longest - len(wav)))) for key, wav in wavs.items()}
    of_reference = [spec for (system, _), spec in spectrograms.items() if system == REFERENCE]
    top_db = max(MIN_TOP_DB, *(spec.max() for spec in of_reference or spectrograms.values()))
    targets = known_first((target for _, target in recording.paths), STEMS)
    rows = []
    for system in (REFERENCE, *results.systems):
        label = "Reference" if system == REFERENCE else system
        players = []
        for column, target in enumerate(targets, start=1):
            if (system, target) in wavs:
                scores = results.scores.get((system, recording.uttid, target), {})
                shown = [m for m in CAPTION if m in scores and direction(m, target, recording.condition)]
                note = " \N{MIDDLE DOT} ".join(
                    f"{metric_info(m).name} {format_value(m, scores[m])} {metric_info(m).unit}".strip() for m in shown
                )
                title = target_title(target).lower()
                name = f"{title}, {label if system != REFERENCE else 'reference'}, {recording.uttid}"
                file = f"{recording.uttid}.{system.strip('_')}.{target}"
                key = system, target
                players.append(_player(title, note, name, file, wavs[key], spectrograms[key], top_db, media, column))
        if players:
            rows.append(PlayerRow(label, len(targets), players))
    facts = [condition_title(recording.condition), f"{longest / images.SAMPLE_RATE:.1f} s"]
    if recording.speaker not in ("", "none"):
        facts.append(f"speaker {recording.speaker}")
    if recording.seen is not None:
        facts.append(f"background {'seen' if recording.seen else 'unseen'} in training")
    return PlayerGroup(recording.uttid, ", ".join(facts), rows, recording.condition)


def example_players(section: ExampleSection, media: Media) -> list[PlayerGroup]:
    """Players of a section's examples; the sounds of one example share one color scale.

    Raises:
        ValueError: if an audio file cannot be read.
    """
    groups = []
    for example, sounds in section.examples:
        wavs = [read(path, images.SAMPLE_RATE).numpy() for _, path in sounds]
        spectrograms = [images.spectrogram(wav) for wav in wavs]
        top_db = max(MIN_TOP_DB, *(spec.max() for spec in spectrograms))
        players = []
        for (row, _), wav, spec in zip(sounds, wavs, spectrograms):
            note = f"{len(wav) / images.SAMPLE_RATE:.1f} s" + (f", {row.note}" if row.note else "")
            name = f"{row.label}, {example}, {section.title}"
            file = f"{section.title}.{example}.{row.label}"
            players.append(_player(row.label, note, name, file, wav, spec, top_db, media))
        groups.append(PlayerGroup(example, f"{len(players)} sounds", [PlayerRow(None, EXAMPLE_COLUMNS, players)]))
    return groups


def _player(
    title: str,
    note: str,
    name: str,
    file: str,
    wav: np.ndarray,
    spectrogram: np.ndarray,
    top_db: float,
    media: Media,
    column: int | None = None,
) -> Player:
    """Store audio and image of a player."""
    audio = media.add_audio(file, wav, images.SAMPLE_RATE)
    image = media.add_image(file, images.encode_png(spectrogram, top_db))
    seconds = len(wav) / images.SAMPLE_RATE
    return Player(title, note, name, seconds, audio, image, images.image_width(spectrogram), column=column)
