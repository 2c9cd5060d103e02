"""Configs of the plain training loop: options from the command line, and the trained codec to start from."""

from collections.abc import Iterable
from typing import Any

import torch
import yaml

from espnet2_decodec.codec.decodec import DeCodec


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
        section[key] = yaml.safe_load(value)
    return config


def init_from(config: dict[str, Any], path: str) -> DeCodec:
    """Load a trained codec to start from, and complete `config` to fit it, in place.

    Its codebooks are kept and used from the first step on, unless the config sets `schedule.unquantized_steps`. The
    config may add a new content encoder to a codec without content (`codec_conf.codec.content`), new codebooks to
    content without tokens (`levels`), and blocks to the content encoder (`blocks`), which have no effect at first.

    Args:
        config: sections as in the YAML file.
        path: folder of the codec, or `default` for the one in the package.

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
