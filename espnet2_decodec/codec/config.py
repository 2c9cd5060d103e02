"""Configs, each of which is a difference from the defaults, and the parts that they describe."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from inspect import signature
from typing import Any, TypeVar

from espnet2_decodec.codec.backbones.base import Backbone, ParametricBackbone
from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.backbones.seanet import SEANetBackbone
from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.backbones.spectral import SpectralBackbone
from espnet2_decodec.codec.content import ContentEncoder
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.split_quantizer import Quantizer, SplitRVQ
from espnet2_decodec.codec.subspace import OrthogonalSplit, SoftSplit, Split

DEFAULTS: dict = {
    "sample_rate": 16000,
    "backbone": {"name": "mdct", "hop": 320},
    "split": {"name": "orthogonal", "speech_dim": 138, "background_dim": 138},
    "quantizer": {"speech_levels": 10, "background_levels": 6, "codebook_size": 1024},
    "content": {"dim": 0},
}

TINY: dict = {
    "backbone": {"name": "spectral", "channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 8, "background_dim": 8},
    "quantizer": {"speech_levels": 3, "background_levels": 2, "codebook_size": 16},
}
"""A codec for tests."""

TINY_SEMANTIC: dict = {
    "backbone": {
        "name": "semantic_mdct",
        "content_dim": 4,
        "n_mels": 4,
        "channels": 8,
        "encoder_blocks": 1,
        "decoder_blocks": 1,
        "semantic_channels": 8,
        "semantic_blocks": 1,
        "semantic_mixture_input": True,
        "post_filter_channels": 8,
        "post_filter_blocks": 1,
    },
    "split": {"speech_dim": 14, "background_dim": 10},
    "quantizer": {
        "speech_levels": 3,
        "background_levels": 2,
        "codebook_size": 16,
        "parametric_levels": 2,
        "parametric_frames": 3,
        "background_parametric_frames": 3,
        "predictor_channels": 8,
        "predictor_blocks": 1,
    },
}
"""A codec with a semantic level for tests."""

BACKBONES: dict[str, type[Backbone]] = {
    "mdct": MDCTBackbone,
    "semantic_mdct": SemanticMDCTBackbone,
    "spectral": SpectralBackbone,
    "seanet": SEANetBackbone,
}
SPLITS: dict[str, type[Split]] = {"orthogonal": OrthogonalSplit, "soft": SoftSplit}

# Arguments that are not options of a section, since they follow from other sections.
_DERIVED = {
    "backbone": {"dim", "sample_rate"},
    "split": set(),
    "quantizer": {"dim", "levels", "semantic_dim", "parameters", "parametric_dim", "sign_symmetric", "scale_factors"},
    "content": {"input_dims"},
}

_MAX_COUNT, _MAX_SIZE = 2**8, 2**16
"""Limits of numbers of layers and levels, and of sizes: a damaged config neither fills the memory nor takes hours."""
_COUNTS = ("blocks", "layers", "levels", "lstm")

Part = TypeVar("Part")


def merge_config(defaults: dict, config: dict) -> dict:
    """`defaults` updated with `config` at every depth; neither is changed.

    A section with another `name` than that of the defaults replaces them, because its options belong to another class.
    """
    merged = deepcopy(defaults)
    for key, value in config.items():
        default = merged.get(key)
        if isinstance(value, dict) and isinstance(default, dict) and value.get("name") in (None, default.get("name")):
            merged[key] = merge_config(default, value)
        else:
            merged[key] = deepcopy(value)
    return merged


def complete(config: dict) -> dict:
    """The defaults, updated with `config`; neither is changed.

    Raises:
        ValueError: if a section or a top-level key is unknown, or a section is not a dict.
    """
    for key, value in config.items():
        if key not in DEFAULTS:
            raise ValueError(f"Unknown config key {key!r}; choose from {', '.join(DEFAULTS)}.")
        if isinstance(DEFAULTS[key], dict) and not isinstance(value, dict):
            raise ValueError(f"Config section {key!r} must be a dict of options, not {value!r}.")
        for name in value if isinstance(value, dict) else ():
            if name.endswith("_levels"):  # which become `levels` of two quantizers
                _check_value(f"{key}.{name}", value[name], int, _MAX_COUNT)
    return merge_config(DEFAULTS, config)


def resolved_config(config: dict) -> dict:
    """A completed config with all defaults written out, so that it does not depend on later changes of them."""
    parts: dict[str, type] = {
        "backbone": BACKBONES[config["backbone"]["name"]],
        "split": SPLITS[config["split"]["name"]],
        "quantizer": SemanticRVQ if config["backbone"]["name"] == "semantic_mdct" else SplitRVQ,
        **({"content": ContentEncoder} if config["content"]["dim"] else {}),
    }
    resolved = deepcopy(config)
    resolved["quantizer"] = {"background_parametric_frames": 1, **resolved["quantizer"]}
    for section, part in parts.items():
        defaults = {name: p.default for name, p in signature(part).parameters.items() if p.default is not p.empty}
        options = {name: deepcopy(value) for name, value in defaults.items() if name not in _DERIVED[section]}
        resolved[section] = {**options, **resolved[section]}
    return resolved


def build_parts(config: dict) -> tuple[Backbone, Split, Quantizer, Quantizer, ContentEncoder | None]:
    """Backbone, split, speech quantizer, background quantizer, and content encoder if its `dim` is not 0.

    Args:
        config: a completed config.

    Raises:
        ValueError: if a name or an option is unknown, or an option is out of range.
    """
    _check_value("sample_rate", config["sample_rate"], int, 2**20)
    split = build_split(**config["split"])
    backbone = build_backbone(dim=split.dim, sample_rate=config["sample_rate"], **config["backbone"])
    speech, background = _build_quantizers(backbone, split, dict(config["quantizer"]))
    content = None
    if config["content"]["dim"]:
        input_dims = tuple(quantizer.parametric_dim or quantizer.dim for quantizer in (speech, background))
        content = _build(ContentEncoder, "content", config["content"], input_dims=input_dims)
    return backbone, split, speech, background, content


def build_split(name: str, **options: Any) -> Split:
    """`orthogonal` (speech_dim, background_dim, learned) or `soft` (dim).

    Raises:
        ValueError: if the name or an option is unknown.
    """
    if name not in SPLITS:
        raise ValueError(f"Unknown split {name!r}; choose from {', '.join(SPLITS)}.")
    split: Callable[..., Split] = SPLITS[name]
    return _build(split, "split", options)


def build_backbone(name: str, dim: int, sample_rate: int = 16000, **options: Any) -> Backbone:
    """`mdct`, `semantic_mdct`, `spectral` or `seanet`, with latent dimension `dim`.

    Raises:
        ValueError: if the name or an option is unknown.
    """
    if name not in BACKBONES:
        raise ValueError(f"Unknown backbone {name!r}; choose from {', '.join(BACKBONES)}.")
    derived = {"dim": dim, "sample_rate": sample_rate}
    arguments = signature(BACKBONES[name]).parameters
    return _build(BACKBONES[name], "backbone", options, **{key: derived[key] for key in derived if key in arguments})


def _build_quantizers(backbone: Backbone, split: Split, options: dict) -> tuple[Quantizer, Quantizer]:
    """Quantizers of speech and background; split ones if their latents are the halves of a parametric backbone's."""
    levels = options.pop("speech_levels"), options.pop("background_levels")
    for count in levels:
        _check_value("speech_levels and background_levels", count, int, _MAX_COUNT)
    derived = [{"dim": dim, "levels": count} for dim, count in zip(split.dims, levels)]
    background_frames = {"parametric_frames": options.pop("background_parametric_frames", 1)}
    _check_value("background_parametric_frames", background_frames["parametric_frames"], int, _MAX_COUNT)
    if not isinstance(backbone, ParametricBackbone) or split.dims != backbone.stem_dims:
        if isinstance(backbone, SemanticMDCTBackbone):
            raise ValueError(f"This backbone needs a split into {backbone.stem_dims} coordinates, not {split.dims}.")
        for name in ("parametric_levels", "parametric_frames"):
            options.pop(name, None)
        speech, background = (_build(ResidualVQ, "quantizer", options, **d, sign_symmetric=False) for d in derived)
        return speech, background
    shared = {name: getattr(backbone, name) for name in ("semantic_dim", "parametric_dim", "sign_symmetric")}
    if isinstance(backbone, SemanticMDCTBackbone):
        speech_dims = {"semantic_dim": backbone.content_dim, "parameters": backbone.parametric_dim}
        symmetric = {"sign_symmetric": backbone.sign_symmetric, "scale_factors": backbone.scale_factors}
        speech_quantizer = _build(SemanticRVQ, "quantizer", options, **derived[0], **speech_dims, **symmetric)
        known = signature(SplitRVQ).parameters
        options = {name: value for name, value in options.items() if name in known} | background_frames
        return (
            speech_quantizer,
            _build(SplitRVQ, "quantizer", options, **derived[1], **shared, scale_factors=backbone.gain),
        )
    background_options = options | background_frames
    return (
        _build(SplitRVQ, "quantizer", options, **derived[0], **shared, scale_factors=backbone.scale_factors),
        _build(SplitRVQ, "quantizer", background_options, **derived[1], **shared, scale_factors=backbone.gain),
    )


def _build(part: Callable[..., Part], section: str, options: dict, **derived: Any) -> Part:
    """part(**derived, **options), with an error that lists the options if one is unknown."""
    known = [name for name in signature(part).parameters if name not in derived]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(f"Unknown {section} option {unknown[0]!r}; choose from {', '.join(known)}.")
    for name, value in options.items():
        limit = _MAX_COUNT if name.endswith(_COUNTS) else _MAX_SIZE
        _check_value(f"{section}.{name}", value, signature(part).parameters[name].annotation, limit)
    return part(**derived, **options)


def _check_value(name: str, value: Any, kind: Any, limit: int) -> None:
    """Check type and range of an option.

    Args:
        name: of the option, for the message.
        value: of the option.
        kind: its annotation; others than int, float, bool, str and a sequence of int are not checked.
        limit: largest integer.

    Raises:
        ValueError: if the value is of another type, or out of range.
    """
    if kind is int and (type(value) is not int or not 0 <= value <= limit):
        raise ValueError(f"{name} must be a whole number within 0..{limit}, not {value!r:.80}.")
    if kind is float and (type(value) not in (int, float) or abs(value) > 1e9 or not math.isfinite(value)):
        raise ValueError(f"{name} must be a finite number, not {value!r:.80}.")
    if kind in (bool, str) and type(value) is not kind:
        expected = "true or false" if kind is bool else "a name"
        raise ValueError(f"{name} must be {expected}, not {value!r:.80}.")
    if kind == Sequence[int]:
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"{name} must be a list of whole numbers, not {value!r:.80}.")
        for item in value:
            _check_value(name, item, int, limit)
