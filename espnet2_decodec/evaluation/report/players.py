"""The recordings: truth and systems below each other, targets side by side, each with a player and its spectrogram."""

from collections.abc import Iterable

import numpy as np

from espnet2_decodec.data.mixtures import STEMS
from espnet2_decodec.evaluation.report.comparison import Comparison
from espnet2_decodec.evaluation.report.markup import Markup, element
from espnet2_decodec.evaluation.report.measures import (
    BRIEF,
    better,
    condition_title,
    measure,
    number,
    ordered,
    target_title,
)
from espnet2_decodec.evaluation.report.media import Beside, Within
from espnet2_decodec.evaluation.report.recordings import TRUTH, Recording
from espnet2_decodec.evaluation.report.spectrogram import HEIGHT, SAMPLE_RATE, picture, spectrogram
from espnet2_decodec.io.audio import read

LOWEST_TOP = 0.0
"""dB of the brightest colour at least, 42 dB below a full sine: what is nearly silent stays dark."""


def recording(data: Comparison, item: Recording, media: Beside | Within) -> Markup:
    """All that can be heard of one recording, folded up.

    Raises:
        ValueError: if a file cannot be read.
    """
    wavs = {key: read(path, SAMPLE_RATE).numpy() for key, path in item.paths.items()}
    longest = max(map(len, wavs.values()))
    views = {key: spectrogram(np.pad(wav, (0, longest - len(wav)))) for key, wav in wavs.items()}
    truth = [view for (system, _), view in views.items() if system == TRUTH]
    top = max(LOWEST_TOP, *(view.max() for view in truth or views.values()))
    targets = ordered((target for _, target in item.paths), STEMS)
    groups = []
    for system in (TRUTH, *data.systems):
        cells = []
        for target in (t for t in targets if (system, t) in wavs):
            key = system, target
            name = f"{item.uttid}.{system.strip('_')}.{target}"
            sound = media.sound(name, wavs[key], SAMPLE_RATE)
            image = media.picture(name, picture(views[key], top))
            seconds, size = len(wavs[key]) / SAMPLE_RATE, views[key].shape[1]
            parts = player(*_about(data, item, key), seconds, sound, image, size)
            cells.append(element("figure", *parts, style=f"--column: {targets.index(target) + 1}"))
        if cells:
            head = element("h4", "Truth" if system == TRUTH else system)
            groups.append(
                element("div", head, element("div", *cells, class_="row", style=f"--columns: {len(targets)}"))
            )
    about = [condition_title(item.condition), f"{longest / SAMPLE_RATE:.1f} s"]
    about += [f"speaker {item.speaker}"] if item.speaker not in ("", "none") else []
    about += [] if item.seen is None else [f"background {'' if item.seen else 'not '}seen in training"]
    summary = element("summary", element("b", item.uttid), element("span", ", ".join(about), class_="faint"))
    return element("details", summary, *groups, class_="recording", data_condition=item.condition)


def player(title: str, note: str, who: str, seconds: float, sound: str, image: str, columns: int) -> list[Markup]:
    """Title with a note, spectrogram, player.

    Args:
        title, note: for the eye.
        who: for the ear, another one for each player of the page.
        seconds: how long the sound is.
        sound, image: what the page refers to them by.
        columns: of the picture.
    """
    view = element(
        "span",
        element("img", src=image, width=columns, height=HEIGHT, loading="lazy", alt=f"Spectrogram: {who}"),
        element("span", class_="playhead"),
        class_="view",
    )
    audio = element("audio", controls=True, preload="none", src=sound, aria_label=who, data_seconds=f"{seconds:.3f}")
    caption = element("figcaption", element("b", title), " ", element("span", note, class_="faint"))
    return [caption, view, audio]


def _about(data: Comparison, item: Recording, key: tuple[str, str]) -> tuple[str, str, str]:
    """Title, figures, and what it is called by."""
    system, target = key
    title = "mixture" if target == "mixture" and system == TRUTH else target_title(target).lower()
    figures = data.scores.get((system, item.uttid, target), {})
    brief = [m for m in BRIEF if m in figures and better(m, target, item.condition)]
    brief = [f"{measure(m).name} {number(m, figures[m])} {measure(m).unit}".strip() for m in brief]
    return title, _dotted(brief), f"{title}, {'truth' if system == TRUTH else system}, {item.uttid}"


def _dotted(words: Iterable[str]) -> str:
    """Words with dots between them."""
    return " \N{MIDDLE DOT} ".join(words)
