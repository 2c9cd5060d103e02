"""Settings of a training on the command line, and the codec that it begins with."""

from collections.abc import Iterable

import torch
import yaml

from espnet2_decodec.codec.decodec import DeCodec


def change(config: dict, settings: Iterable[str]) -> dict:
    """Put settings such as `codec_conf.schedule.anchor=250` into nested dicts, in place; values are YAML.

    Raises:
        ValueError: if one has no `=`, or leads through something that is no section.
    """
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"A setting is KEY=VALUE, not {setting!r}.")
        *sections, key = path.split(".")
        place = config
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ValueError(f"{setting!r}: {section} is no section, it is {place!r}.")
        place[key] = yaml.safe_load(value)
    return config


def begin_with(config: dict, path: str) -> DeCodec:
    """The trained codec in folder `path`, or in the package if that is `default`; `config` is made to fit it, in place.

    Its codebooks are kept and used from the first step on, unless the config has a `schedule.warmup` of its own. A codec
    without content gets an untrained content encoder if `codec_conf.codec.content` says so, content without tokens untrained
    codebooks if its `levels` does, and content of fewer blocks more of them, which change nothing at first, if its `blocks` does.

    Raises:
        ValueError: if the config describes another codec, or the folder is damaged.
        FileNotFoundError: if there is no such folder.
    """
    codec = DeCodec.from_pretrained(None if path == "default" else path)
    section = config.setdefault("codec_conf", {})
    wanted = section.get("codec") or {}
    there = codec.content_encoder
    full = codec.resolved_config()
    content = wanted.get("content", {})
    growing = {"blocks"} if there is None or there.levels else {"blocks", "levels", "codebook_size"}
    blocks = 0 if there is None else len(there.network.blocks)
    grown = there is None or set(content) <= growing and content.get("blocks", blocks) >= blocks
    if set(wanted) - {"content"} or not grown:
        raise ValueError(
            "Beside --init, codec_conf.codec can only add `content` to a codec that has none, `levels` to content that has "
            "none, or `blocks`."
        )
    section["codec"] = {**full, "content": {**full["content"], **content}}
    section.setdefault("schedule", {}).setdefault("warmup", 0)
    start = DeCodec.from_config(section["codec"])
    start.load_state_dict({**start.state_dict(), **codec.state_dict()})
    if there is not None:
        for block in start.content_encoder.network.blocks[blocks:]:
            torch.nn.init.zeros_(block.gamma)
    return start
