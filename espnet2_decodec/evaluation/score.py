"""From a model and a set of mixtures to scores.csv and RESULTS.md."""

import argparse
import time
from pathlib import Path

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.metrics import METRICS, available
from espnet2_decodec.evaluation.report import report, write_csv
from espnet2_decodec.evaluation.scoring import Settings, score_set


def parser() -> argparse.ArgumentParser:
    """The options of `bin/score.py`."""
    options = argparse.ArgumentParser(description="Score a codec on test mixtures, beside trivial answers and its own ceiling.")
    options.add_argument("--model", help="folder of the codec; the shipped one when left out")
    options.add_argument("--data", required=True, help="folder that make_mixtures wrote")
    options.add_argument("--out", required=True, help="folder for scores.csv and RESULTS.md")
    options.add_argument("--nj", type=int, default=1, help="processes")
    options.add_argument("--speech_levels", type=int, help="of the quantized answers; all when left out")
    options.add_argument("--background_levels", type=int, help="of the quantized answers; all when left out")
    options.add_argument("--metrics", nargs="+", default=list(METRICS), help=f"some of: {' '.join(METRICS)}")
    options.add_argument("--device", default="cpu", help="of the codec, such as cuda")
    return options


def score(args: argparse.Namespace) -> str:
    """Write scores.csv and RESULTS.md to `args.out`; gives the text of the latter.

    Raises:
        ValueError: if an option, the model or the set cannot be used.
    """
    if args.nj < 1:
        raise ValueError(f"--nj must be at least 1, not {args.nj}.")
    names, skipped = available(args.metrics)
    for line in skipped:
        print(line)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    settings = Settings(args.model, tuple(names), args.speech_levels, args.background_levels, args.device)
    codec = describe(settings)
    started = time.monotonic()
    rows = score_set(args.data, settings, args.nj)
    head = environment(args.device) | {"codec": codec, "data": args.data, "scoring took": f"{time.monotonic() - started:.0f} s"}
    text = report(rows, head | ({"left out": " ".join(skipped)} if skipped else {}))
    write_csv(out / "scores.csv", rows)
    (out / "RESULTS.md").write_text(text, encoding="utf-8")
    return text


def describe(settings: Settings) -> str:
    """Size and bit rates of the codec in words."""
    codec = DeCodec.from_pretrained(settings.model)
    levels = [
        most if wanted is None else wanted
        for wanted, most in (
            (settings.speech_levels, codec.speech_levels),
            (settings.background_levels, codec.background_levels),
        )
    ]
    size = sum(p.numel() for p in codec.parameters()) / 1e6
    rates = [f"{codec.kbps(k):.2f} kbit/s of {name}" for k, name in zip(levels, ("speech", "background"))]
    return f"{settings.model or 'the shipped one'}, {size:.1f} M parameters, {' and '.join(rates)}"
