"""Words of the speech in each stem: their recall by a recognizer."""

import math
from collections.abc import Mapping, Sequence

from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.metrics.error_rate import word_errors
from espnet2_decodec.evaluation.probes.features import segment_of
from espnet2_decodec.evaluation.probes.results import ProbeResult
from espnet2_decodec.evaluation.probes.stems import STEMS, StemMeasurements


def word_results(
    measurements: Sequence[StemMeasurements], texts: Mapping[str, str], conditions: Mapping[str, str]
) -> list[ProbeResult]:
    """Recall of the words in percent by system, stem and condition, with that of another text by chance.

    Args:
        measurements: with transcripts; recordings without a text are left out.
        texts: recording -> its text.
        conditions: recording -> its condition.
    """
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for one in measurements:
        for stem in STEMS:
            if stem in one.transcripts and one.key in texts:
                groups.setdefault((one.system, stem, conditions[one.key]), []).append((one.key, one.transcripts[stem]))
    results = []
    for (system, stem, condition), transcripts in groups.items():
        recall = [100 * word_errors(texts[key], text).recall for key, text in transcripts]
        by_chance = [100 * word_errors(texts[_other_text(key, texts)], text).recall for key, text in transcripts]
        chance = bootstrap_interval(by_chance)
        results.append(
            ProbeResult(
                "words", system, stem, condition, bootstrap_interval(recall), chance.mean if chance.count else math.nan
            )
        )
    return results


def _other_text(key: str, texts: Mapping[str, str]) -> str:
    """The next recording, by segment, with another text; the same one where there is none."""
    keys = sorted(texts, key=lambda name: (segment_of(name), name))
    place = keys.index(key)
    return next((name for name in keys[place:] + keys[:place] if texts[name] != texts[key]), key)
