"""From a config, which is a difference from the defaults, to the parts of the codec."""

from collections.abc import Callable
from copy import deepcopy
from inspect import signature

from torch import nn

from espnet2_decodec.codec.backbones.base import Backbone
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


def build_split(name: str, **options) -> nn.Module:
    """`orthogonal` (speech_dim, background_dim, learned) or `soft` (dim).

    Raises:
        ValueError: if the name or an option is unknown.
    """
    if name == "orthogonal":
        return _make(OrthogonalSplit, "split", options)
    if name == "soft":
        return _make(SoftSplit, "split", options)
    raise ValueError(f"Unknown split {name!r}; there are orthogonal and soft.")


def build_backbone(name: str, dim: int, sample_rate: int = 16000, **options) -> Backbone:
    """`lapped`, `spectral` or `seanet`, with latent dimension `dim`.

    Raises:
        ValueError: if the name or an option is unknown.
    """
    if name == "lapped":
        from espnet2_decodec.codec.backbones.mdct import LappedBackbone

        return _make(LappedBackbone, "backbone", options, dim=dim, sample_rate=sample_rate)
    if name == "spectral":
        from espnet2_decodec.codec.backbones.spectral import SpectralBackbone

        return _make(SpectralBackbone, "backbone", options, dim=dim)
    if name == "seanet":
        from espnet2_decodec.codec.backbones.seanet import SEANetBackbone

        return _make(SEANetBackbone, "backbone", options, dim=dim)
    raise ValueError(f"Unknown backbone {name!r}; there are lapped, spectral and seanet.")


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


def _make(part: Callable[..., nn.Module], section: str, options: dict, **given) -> nn.Module:
    """part(**given, **options), with a clear error for options that it does not have."""
    known = [name for name in signature(part).parameters if name not in given]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(f"Unknown {section} option {unknown[0]!r}; there are {', '.join(known)}.")
    return part(**given, **options)
