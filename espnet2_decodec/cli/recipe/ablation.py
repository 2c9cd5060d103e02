"""Step of the recipe: an ablation study, trainings of equal time in one table."""

import json
import logging
from argparse import ArgumentParser, Namespace
from copy import deepcopy
from pathlib import Path

import torch
import yaml

from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.tables import markdown_table
from espnet2_decodec.training.loop import Options, Trainer, read_banks
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.settings import change

COLUMNS = {
    "speech, tokens, 0 dB": ("0 dB", "speech_si_sdr_improvement"),
    "free, 0 dB": ("0 dB", "speech_si_sdr_improvement_unquantized"),
    "background, tokens, 10 dB": ("10 dB", "background_si_sdr_improvement"),
    "free, 10 dB": ("10 dB", "background_si_sdr_improvement_unquantized"),
    "clean speech": ("0 dB", "ceiling_si_sdr"),
    "background alone": ("0 dB", "background_ceiling_si_sdr"),
    "speech in background": ("0 dB", "speech_in_background"),
}
"""Heading -> condition and name of a score, see `validation_scores`."""


def ablation_arguments(parser: ArgumentParser) -> None:
    """Add the options of `ablation`."""
    parser.add_argument("--data", type=Path, required=True, help="folder with speech_train, background_train, *_dev")
    parser.add_argument("--out", type=Path, required=True, help="folder for the trainings and the table RESULTS.md")
    parser.add_argument(
        "--config", type=Path, required=True, help="YAML with common and variants, as conf/codec/ablation.yaml"
    )
    parser.add_argument("--variants", nargs="+", default=[], help="some of them; all when left out")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="for all variants, e.g. options.minutes=30"
    )
    parser.add_argument("--device", default="cpu", help="device of the trainings, e.g. cuda (default: cpu)")


def ablation(args: Namespace) -> None:
    """Train the variants without a model, and write the table of all variants with one."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    plan = yaml.safe_load(args.config.read_text())
    unknown = [name for name in args.variants if name not in plan["variants"]]
    if unknown:
        raise ValueError(f"{args.config} has no variant {unknown[0]!r}; there are {', '.join(plan['variants'])}.")
    banks, found = None, {name: args.out / name.replace(" ", "_") for name in plan["variants"]}
    for name in args.variants or plan["variants"]:
        if not (found[name] / "model").is_dir():
            banks = banks or read_banks(args.data, args.device)
            config = change(change(deepcopy(plan["common"]), args.set), plan["variants"][name])
            logging.info("%s: %s", name, " ".join(plan["variants"][name]) or "as it is")
            torch.manual_seed(0)
            options, mixing = Options(**config.get("options", {})), Mixing(**config.get("mixing", {}))
            Trainer(Objective(**config.get("codec_conf", {})), mixing, options, found[name], args.device).train(*banks)
    lines = [row(name, folder, plan["variants"][name]) for name, folder in found.items() if (folder / "model").is_dir()]
    text = (
        "\n".join([f"- {key}: {value}" for key, value in environment(args.device).items()] + ["", *rows(lines)]) + "\n"
    )
    (args.out / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


def row(name: str, folder: Path, settings: list[str]) -> list[str]:
    """The cells of one training, as its last scores on held-out mixtures tell."""
    scores = [json.loads(line) for line in (folder / "dev.jsonl").read_text().splitlines()]
    last = {score["condition"]: score for score in scores}
    cells = [f"{last[condition][key]:.1f}" for condition, key in COLUMNS.values()]
    some = next(iter(last.values()))
    return [
        name,
        " ".join(f"`{setting}`" for setting in settings),
        str(some["step"]),
        f"{some['seconds'] / 60:.1f}",
        *cells,
    ]


def rows(lines: list[list[str]]) -> list[str]:
    """The Markdown table."""
    return markdown_table(["variant", "settings", "steps", "minutes", *COLUMNS], lines, 2)
