"""From a config, which is a difference from the defaults, to the parts of the codec."""

from collections.abc import Callable
from copy import deepcopy
from inspect import signature

from torch import nn

from espnet2_decodec.codec.backbones.base import Backbone
from espnet2_decodec.codec.backbones.mdct import LappedBackbone
from espnet2_decodec.codec.backbones.seanet import SEANetBackbone
from espnet2_decodec.codec.backbones.spectral import SpectralBackbone
from espnet2_decodec.codec.content import ContentEncoder
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.subspace import OrthogonalSplit, SoftSplit

DEFAULTS: dict = {
    "sample_rate": 16000,
    "backbone": {"name": "lapped", "hop": 320},
    "split": {"name": "orthogonal", "speech_dim": 138, "background_dim": 138},
    "quantizer": {"speech_levels": 10, "background_levels": 6, "codebook_size": 1024},
    "content": {"dim": 0},
}

SPLITS: dict[str, type[nn.Module]] = {"orthogonal": OrthogonalSplit, "soft": SoftSplit}
BACKBONES: dict[str, type[Backbone]] = {
    "lapped": LappedBackbone,
    "spectral": SpectralBackbone,
    "seanet": SEANetBackbone,
}

TINY: dict = {
    "backbone": {"name": "spectral", "channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 8, "background_dim": 8},
    "quantizer": {"speech_levels": 3, "background_levels": 2, "codebook_size": 16},
}


def complete(config: dict) -> dict:
    """The defaults with `config` laid over them; neither is changed.

    Raises:
        ValueError: if a section or a top-level key is unknown, or a section is no dict.
    """
    full = deepcopy(DEFAULTS)
    for key, value in config.items():
        if key not in full:
            raise ValueError(f"Unknown config key {key!r}; there are {', '.join(full)}.")
        if isinstance(full[key], dict):
            if not isinstance(value, dict):
                raise ValueError(f"Config section {key!r} must hold options by name, not {value!r}.")
            if "name" in value and value["name"] != full[key]["name"]:
                full[key] = {}
            full[key].update(deepcopy(value))
        else:
            full[key] = value
    return full


def resolved_config(config: dict) -> dict:
    """A completed config with the defaults of all parts written out, so that later changes of the defaults do not affect it."""
    parts = {
        "backbone": (BACKBONES[config["backbone"]["name"]], {"dim", "sample_rate"}),
        "split": (SPLITS[config["split"]["name"]], set()),
        "quantizer": (ResidualVQ, {"dim", "levels", "semantic_dim", "parametric_dim", "mirrored", "sizes"}),
    }
    if config["content"]["dim"]:
        parts["content"] = (ContentEncoder, {"inputs"})
    resolved = deepcopy(config)
    for section, (part, given) in parts.items():
        defaults = {
            p.name: deepcopy(p.default)
            for p in signature(part).parameters.values()
            if p.default is not p.empty and p.name not in given
        }
        resolved[section] = {**defaults, **resolved[section]}
    return resolved


def build_split(name: str, **options) -> nn.Module:
    """`orthogonal` (speech_dim, background_dim, learned) or `soft` (dim).

    Raises:
        ValueError: if the name or an option is unknown.
    """
    return _make(_by_name(SPLITS, name, "split"), "split", options)


def build_backbone(name: str, dim: int, sample_rate: int = 16000, **options) -> Backbone:
    """`lapped`, `spectral` or `seanet`, with latent dimension `dim`.

    Raises:
        ValueError: if the name or an option is unknown.
    """
    backbone = _by_name(BACKBONES, name, "backbone")
    return _make(backbone, "backbone", options, **_given(backbone, dim=dim, sample_rate=sample_rate))


def build_parts(config: dict) -> tuple[Backbone, nn.Module, ResidualVQ, ResidualVQ, ContentEncoder | None]:
    """A completed config -> backbone, split, speech quantizer, background quantizer, content encoder if its `dim` is not 0."""
    split = build_split(**config["split"])
    dim = split.dims[0] if config["split"]["name"] == "soft" else sum(split.dims)
    backbone = build_backbone(dim=dim, sample_rate=config["sample_rate"], **config["backbone"])
    options = dict(config["quantizer"])
    levels = options.pop("speech_levels"), options.pop("background_levels")
    given = {name: getattr(backbone, name) for name in ("semantic_dim", "parametric_dim")}
    speech, background = (
        _make(ResidualVQ, "quantizer", options, dim=d, levels=k, mirrored=backbone.signed, sizes=sizes, **given)
        for d, k, sizes in zip(split.dims, levels, (backbone.sizes, backbone.loudness))
    )
    content = None
    if config["content"]["dim"]:
        inputs = tuple(backbone.parametric_dim or d for d in split.dims)
        content = _make(ContentEncoder, "content", config["content"], inputs=inputs)
    return backbone, split, speech, background, content


def _by_name(parts: dict[str, type], name: str, section: str) -> type:
    """The class of that name, or an error that lists the names."""
    if name not in parts:
        raise ValueError(f"Unknown {section} {name!r}; choose one of {', '.join(parts)}.")
    return parts[name]


def _given(part: Callable, **options) -> dict:
    """Those of the options that `part` takes."""
    return {name: value for name, value in options.items() if name in signature(part).parameters}


def _make(part: Callable[..., nn.Module], section: str, options: dict, **given) -> nn.Module:
    """part(**given, **options), with a clear error for options that it does not have."""
    known = [name for name in signature(part).parameters if name not in given]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(f"Unknown {section} option {unknown[0]!r}; there are {', '.join(known)}.")
    return part(**given, **options)
