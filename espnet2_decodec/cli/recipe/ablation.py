"""Step of the recipe for the ablation study: trainings of equal duration and one table of their scores."""

import json
import logging
from argparse import ArgumentParser, Namespace
from copy import deepcopy
from pathlib import Path

import torch

from espnet2_decodec.arguments import device, output_folder
from espnet2_decodec.atomic import write_text
from espnet2_decodec.data.config import check_keys, load_yaml, suggestion
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.tables import markdown_table
from espnet2_decodec.training.config import set_options, trainer_options
from espnet2_decodec.training.data import read_data
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import Objective

COLUMNS = {
    "speech, 0 dB": ("0 dB", "speech_si_sdr_improvement"),
    "unquantized, 0 dB": ("0 dB", "speech_si_sdr_improvement_unquantized"),
    "background, 10 dB": ("10 dB", "background_si_sdr_improvement"),
    "unquantized, 10 dB": ("10 dB", "background_si_sdr_improvement_unquantized"),
    "clean speech": ("0 dB", "ceiling_si_sdr"),
    "background alone": ("0 dB", "background_ceiling_si_sdr"),
    "speech in background": ("0 dB", "speech_in_background"),
}
"""Heading -> condition and name of a score, see `validation_scores`."""


def ablation_arguments(parser: ArgumentParser) -> None:
    """Add the options of `ablation`."""
    parser.add_argument("--data", type=Path, required=True, help="folder with speech_train, background_train, *_dev")
    parser.add_argument(
        "--out", type=output_folder, required=True, help="output folder for the trainings and RESULTS.md"
    )
    parser.add_argument(
        "--config", type=Path, required=True, help="YAML with common and variants, e.g. conf/codec/ablation.yaml"
    )
    parser.add_argument("--variants", nargs="+", default=[], help="names of variants to train (default: all)")
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="settings of all variants, e.g. trainer_conf.minutes=30",
    )
    parser.add_argument(
        "--device", type=device, default="cpu", help="device of the trainings, e.g. cuda (default: cpu)"
    )


def ablation(args: Namespace) -> None:
    """Train the variants that have no model yet, and write the table of all trained variants."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = load_yaml(args.config)
    check_keys(config, ("common", "variants"), str(args.config))
    variants = config.get("variants")
    if not isinstance(variants, dict) or not isinstance(config.get("common"), dict):
        raise ValueError(f"{args.config} needs the sections common and variants.")
    unknown = [name for name in args.variants if name not in variants]
    if unknown:
        raise ValueError(f"{args.config} has no variant {unknown[0]!r}. {suggestion(unknown[0], variants)}")
    data, folders = None, {name: args.out / name.replace(" ", "_") for name in variants}
    for name in args.variants or variants:
        if not (folders[name] / "model").is_dir():
            data = data or read_data(args.data, device=args.device)
            settings = set_options(set_options(deepcopy(config["common"]), args.set), variants[name])
            logging.info("%s: %s", name, " ".join(variants[name]) or "common settings")
            torch.manual_seed(0)
            options = trainer_options(settings)
            mixing = Mixing(**settings["mixing_conf"])
            objective = Objective(**settings["codec_conf"])
            Trainer(objective, mixing, options, folders[name], args.device).train(*data)
    rows = [_row(name, folders[name], variants[name]) for name in variants if (folders[name] / "model").is_dir()]
    lines = [f"- {key}: {value}" for key, value in environment(args.device).items()]
    lines += ["", *markdown_table(["variant", "settings", "steps", "minutes", *COLUMNS], rows, 2)]
    text = "\n".join(lines) + "\n"
    write_text(args.out / "RESULTS.md", text)
    print(text)


def _row(name: str, folder: Path, settings: list[str]) -> list[str]:
    """Return the cells of one training, with its last scores on held-out mixtures."""
    scores = [json.loads(line) for line in (folder / "dev.jsonl").read_text().splitlines()]
    last = {score["condition"]: score for score in scores}
    cells = [f"{last[condition][key]:.1f}" for condition, key in COLUMNS.values()]
    any_score = next(iter(last.values()))
    minutes = f"{any_score['seconds'] / 60:.1f}"
    return [name, " ".join(f"`{setting}`" for setting in settings), str(any_score["step"]), minutes, *cells]
