"""From a model and a set of mixtures to scores.csv and RESULTS.md."""

import time
from pathlib import Path

from espnet2_decodec.data.settings import Settings
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.metrics.registry import available
from espnet2_decodec.evaluation.score_tables import report, write_csv
from espnet2_decodec.evaluation.scoring import score_set


def score(data: str, out: str | Path, metrics: list[str], settings: Settings, jobs: int = 1) -> str:
    """Write scores.csv and RESULTS.md; gives the text of the latter.

    Args:
        data: folder that make_mixtures wrote.
        out: folder to write to.
        metrics: names of `METRICS`.
        settings: the codec.
        jobs: processes.

    Raises:
        ValueError: if an option, the model or the set cannot be used.
    """
    names, skipped = available(metrics)
    for line in skipped:
        print(line)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    codec = settings.describe(settings.codec())
    started = time.monotonic()
    rows = score_set(data, settings, tuple(names), jobs)
    head = environment(settings.device) | {
        "codec": codec,
        "data": data,
        "scoring took": f"{time.monotonic() - started:.0f} s",
    }
    text = report(rows, head | ({"left out": " ".join(skipped)} if skipped else {}))
    write_csv(out / "scores.csv", rows)
    (out / "RESULTS.md").write_text(text, encoding="utf-8")
    return text
