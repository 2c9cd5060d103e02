"""Examples beside a comparison, such as converted voices and synthesized speech: players and spectrograms in rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.evaluation.examples import Example, read_examples
from espnet2_decodec.evaluation.report.markup import Markup, element
from espnet2_decodec.evaluation.report.media import Beside, Within
from espnet2_decodec.evaluation.report.players import LOWEST_TOP, player
from espnet2_decodec.evaluation.report.spectrogram import SAMPLE_RATE, picture, spectrogram
from espnet2_decodec.io.audio import read

COLUMNS = 3
"""Players side by side on a wide screen."""


@dataclass(frozen=True)
class Item:
    """All sounds of one example: their lines of the table, and their files."""

    name: str
    sounds: list[tuple[Example, Path]]


def read_groups(folders: Iterable[str | Path]) -> dict[str, list[Item]]:
    """The examples of folders by group, in their order; what two folders have of one group is one section.

    Raises:
        ValueError: if a folder cannot be used, see `evaluation.examples.read_examples`.
    """
    groups: dict[str, list[Item]] = {}
    for folder in map(Path, folders):
        items: dict[tuple[str, str], Item] = {}
        for line in read_examples(folder):
            key = line.group, line.example
            if key not in items:
                items[key] = Item(line.example, [])
                groups.setdefault(line.group, []).append(items[key])
            items[key].sounds.append((line, folder / line.file))
    return groups


def section(group: str, items: Sequence[Item], anchor: str, media: Beside | Within, choice: Markup | None) -> Markup:
    """A group with its examples, folded up but for the first.

    Args:
        group: its title.
        items: its examples.
        anchor: its id.
        media: where sounds and pictures go.
        choice: how players go together, where that is not said before.

    Raises:
        ValueError: if a file cannot be read.
    """
    words = (
        "Sounds and pictures are at 16 kHz; within one example all pictures share one scale of 80 dB from dark to bright. Each "
        "picture is a whole sound, however long."
    )
    shown = [_item(group, item, media, number == 0) for number, item in enumerate(items)]
    return element("section", element("h2", group), element("p", words, class_="faint"), choice, *shown, id=anchor)


def _item(group: str, item: Item, media: Beside | Within, unfolded: bool) -> Markup:
    """One example."""
    wavs = [read(path, SAMPLE_RATE).numpy() for _, path in item.sounds]
    views = [spectrogram(wav) for wav in wavs]
    top = max(LOWEST_TOP, *(view.max() for view in views))
    figures = []
    for (line, _), wav, view in zip(item.sounds, wavs, views):
        name = f"{group}.{item.name}.{line.label}"
        sound, image = media.sound(name, wav, SAMPLE_RATE), media.picture(name, picture(view, top))
        seconds = len(wav) / SAMPLE_RATE
        note = f"{seconds:.1f} s" + (f", {line.note}" if line.note else "")
        who = f"{line.label}, {item.name}, {group}"
        figures.append(element("figure", *player(line.label, note, who, seconds, sound, image, view.shape[1])))
    summary = element("summary", element("b", item.name), element("span", f"{len(figures)} sounds", class_="faint"))
    row = element("div", *figures, class_="row", style=f"--columns: {COLUMNS}")
    return element("details", summary, row, class_="recording example", open=unfolded)
