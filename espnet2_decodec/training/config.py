"""Configs of the plain training loop: options from the command line, ESPnet's keys, the trained codec to start from."""

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.config import check_arguments, parse_yaml
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.options import TrainerOptions

SECTIONS: dict[str, Callable] = {"codec_conf": Objective, "mixing_conf": Mixing, "trainer_conf": TrainerOptions}
"""Section of a config -> what its options are arguments of; `trainer_conf` has the options that ESPnet's configs lack,
and overrides the others."""

SHARED_OPTIONS = {
    "batch_size": "batch_size",
    "accum_grad": "accum_grad",
    "grad_clip": "grad_clip",
    "precision": "precision",
    "seed": "seed",
    "preprocessor_conf.segment_length": "segment_length",
    "preprocessor_conf.num_backgrounds": "num_backgrounds",
    "preprocessor_conf.speed_range": "speed_range",
    "preprocessor_conf.rir_prob": "rir_prob",
    "optim_conf.lr": "lr",
    "optim2_conf.lr": "discriminator_lr",
    "scheduler_conf.warmup_steps": "warmup_steps",
}
"""Key of a config of the ESPnet task -> field of `TrainerOptions`."""

ESPNET_OPTIONS = {
    "num_iters_per_epoch", "max_epoch", "num_workers", "preprocessor_conf.valid_length", "optim_conf.betas",
    "optim_conf.weight_decay", "optim2_conf.betas", "optim2_conf.weight_decay",
}  # fmt: skip
"""Keys of ESPnet's configs without a counterpart; the first two give the number of steps."""


def trainer_options(config: dict[str, Any]) -> TrainerOptions:
    """Options of the loop from a config of the plain loop or of the ESPnet task.

    Args:
        config: the config; sections that it lacks, or that have no lines, are added to it.

    Raises:
        ValueError: if a key is unknown, or a value is of another type; the message names the key.
    """
    options: dict[str, Any] = {}
    known = {*SHARED_OPTIONS, *ESPNET_OPTIONS, *SECTIONS}
    for section, function in SECTIONS.items():
        config[section] = {} if config.get(section) is None else config[section]
        check_arguments(function, config[section], section)
    for key, value in config.items():
        if key in SECTIONS:
            continue
        values = {f"{key}.{name}": item for name, item in value.items()} if isinstance(value, dict) else {key: value}
        if not values and not any(path.startswith(f"{key}.") for path in known):
            values = {key: value}
        for path, item in values.items():
            if path in SHARED_OPTIONS:
                options[SHARED_OPTIONS[path]] = item
            elif path not in ESPNET_OPTIONS:
                raise ValueError(
                    f"The plain training loop has no option {path}; use ESPnet, or leave it out. {_suggestion(path)}"
                )
    own = config["trainer_conf"]
    if {"num_iters_per_epoch", "max_epoch"} <= config.keys():
        counts = {key: config[key] for key in ("num_iters_per_epoch", "max_epoch")}
        counts["accum_grad"] = own.get("accum_grad", options.get("accum_grad", 1))
        for key, value in counts.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{key} must be an integer above 0, not {value!r}.")
        options["steps"] = counts["max_epoch"] * -(-counts["num_iters_per_epoch"] // counts["accum_grad"])
    return TrainerOptions(**options | own)


def _suggestion(path: str) -> str:
    """A sentence with the option that an unknown one may stand for.

    It is the one of the same or the nearest name, in the section of the nearest name, else that of the loop.
    """
    own = [f"{key}.{option}" for key, function in SECTIONS.items() for option in inspect.signature(function).parameters]
    known = [*SECTIONS, *own, *SHARED_OPTIONS]
    section, _, name = path.rpartition(".")
    nearest = get_close_matches(name, {key.rpartition(".")[2]: None for key in known}, n=1, cutoff=0.65)
    sections = {key.rpartition(".")[0]: key for key in known if [key.rpartition(".")[2]] == nearest}
    chosen = get_close_matches(section, sections, n=1, cutoff=0.75) or [key for key in SECTIONS if key in sections][-1:]
    if not sections:
        return f"There are {', '.join(sorted(known))}."
    return f"Did you mean {sections[(chosen or list(sections))[0]]}?"


def set_options(config: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Set options such as `codec_conf.schedule.unquantized_steps=250` in nested dicts, in place; values are YAML.

    Raises:
        ValueError: if one has no `=`, or its path contains a key that is not a section.
    """
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"A setting is KEY=VALUE, not {setting!r}.")
        *sections, key = path.split(".")
        section = config
        for name in sections:
            section = section.setdefault(name, {})
            if not isinstance(section, dict):
                raise ValueError(f"{setting!r}: {name} is not a section, it is {section!r}.")
        section[key] = parse_yaml(value, setting)
    return config


def init_from(config: dict[str, Any], path: str) -> DeCodec:
    """Load a trained codec to start from, and complete `config` to fit it, in place.

    Its codebooks are kept and used from the first step on, unless the config sets `schedule.unquantized_steps`. The
    config may add a new content encoder to a codec without content (`codec_conf.codec.content`), new codebooks to
    content without tokens (`levels`), and blocks to the content encoder (`blocks`), which have no effect at first.

    Args:
        config: sections as in the YAML file.
        path: folder of the codec, name of one in the package, or `default` for its default.

    Raises:
        ValueError: if the config describes another codec, or the folder is damaged.
        FileNotFoundError: if there is no such folder.
    """
    codec = DeCodec.from_pretrained(None if path == "default" else path)
    codec_conf = config.setdefault("codec_conf", {})
    changes = codec_conf.get("codec") or {}
    content = changes.get("content", {})
    encoder, full = codec.content_encoder, codec.resolved_config()
    blocks = 0 if encoder is None else len(encoder.network.blocks)
    if encoder is not None:
        allowed = {"blocks"} if encoder.levels else {"blocks", "levels", "codebook_size"}
        extends = set(content) <= allowed and content.get("blocks", blocks) >= blocks
    if set(changes) - {"content"} or (encoder is not None and not extends):
        raise ValueError(
            "Beside --init, codec_conf.codec can only add `content` to a codec that has none, `levels` to content that "
            "has none, or `blocks`."
        )
    codec_conf["codec"] = {**full, "content": {**full["content"], **content}}
    codec_conf.setdefault("schedule", {}).setdefault("unquantized_steps", 0)
    extended = DeCodec.from_config(codec_conf["codec"])
    extended.load_state_dict({**extended.state_dict(), **codec.state_dict()})
    if encoder is not None and extended.content_encoder is not None:
        for name, parameter in extended.content_encoder.network.blocks[blocks:].named_parameters():
            if name.endswith("gamma"):
                torch.nn.init.zeros_(parameter)
    return extended
