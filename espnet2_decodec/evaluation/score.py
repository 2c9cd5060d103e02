"""From a model and a set of mixtures to scores.csv and RESULTS.md."""

import argparse
import time
from pathlib import Path

from espnet2_decodec.data.settings import Settings, add_options
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.metrics.registry import METRICS, available
from espnet2_decodec.evaluation.score_tables import report, write_csv
from espnet2_decodec.evaluation.scoring import score_set


def parser() -> argparse.ArgumentParser:
    """The options of `bin/score.py`."""
    options = argparse.ArgumentParser(
        description="Score a codec on test mixtures, beside trivial answers and its own ceiling."
    )
    options.add_argument("--data", required=True, help="folder that make_mixtures wrote")
    options.add_argument("--out", required=True, help="folder for scores.csv and RESULTS.md")
    options.add_argument("--metrics", nargs="+", default=list(METRICS), help=f"some of: {' '.join(METRICS)}")
    add_options(options)
    return options


def score(args: argparse.Namespace) -> str:
    """Write scores.csv and RESULTS.md to `args.out`; gives the text of the latter.

    Raises:
        ValueError: if an option, the model or the set cannot be used.
    """
    names, skipped = available(args.metrics)
    for line in skipped:
        print(line)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    settings = Settings.of(args)
    codec = settings.describe(settings.codec())
    started = time.monotonic()
    rows = score_set(args.data, settings, tuple(names), args.nj)
    head = environment(args.device) | {
        "codec": codec,
        "data": args.data,
        "scoring took": f"{time.monotonic() - started:.0f} s",
    }
    text = report(rows, head | ({"left out": " ".join(skipped)} if skipped else {}))
    write_csv(out / "scores.csv", rows)
    (out / "RESULTS.md").write_text(text, encoding="utf-8")
    return text
