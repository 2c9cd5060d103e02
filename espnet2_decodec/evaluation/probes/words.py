"""Words that survive in a stem: how many of the reference a recogniser finds in it."""

import math
from collections.abc import Mapping, Sequence

from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.metrics.error_rate import word_errors
from espnet2_decodec.evaluation.probes.features import segment
from espnet2_decodec.evaluation.probes.listening import STREAMS, Notes
from espnet2_decodec.evaluation.probes.tables import Line


def word_lines(notes: Sequence[Notes], texts: Mapping[str, str], conditions: Mapping[str, str]) -> list[Line]:
    """Share of the words found by system, stem and condition, in percent, beside what is found by accident.

    Args:
        notes: with transcripts; recordings without a text are left out.
        texts: recording -> what is said in it.
        conditions: recording -> its condition.
    """
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for note in notes:
        for stream in STREAMS:
            if stream in note.transcripts and note.key in texts:
                place = (note.system, stream, conditions[note.key])
                groups.setdefault(place, []).append((note.key, note.transcripts[stream]))
    lines = []
    for (system, stream, condition), heard in groups.items():
        found = bootstrap_interval([100 * word_errors(texts[key], text).recall for key, text in heard])
        chance = bootstrap_interval([100 * word_errors(texts[_other(key, texts)], text).recall for key, text in heard])
        lines.append(Line("words", system, stream, condition, found, chance.mean if chance.count else math.nan))
    return lines


def _other(key: str, texts: Mapping[str, str]) -> str:
    """A recording that says something else: the next one of another segment, or the same one where there is none."""
    keys = sorted(texts, key=lambda name: (segment(name), name))
    place = keys.index(key)
    turned = keys[place:] + keys[:place]
    return next((name for name in turned if texts[name] != texts[key]), key)
