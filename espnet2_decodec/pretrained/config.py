"""A config that says everything, so that later changes of the defaults do not touch a saved codec."""

import inspect
from copy import deepcopy

from torch import nn

from espnet2_decodec.codec.decodec import DeCodec


def explicit(codec: DeCodec) -> dict:
    """The codec's config with the defaults of its parts written out; it builds the same codec."""
    config = deepcopy(codec.config)
    parts = {"backbone": codec.backbone, "split": codec.subspace, "quantizer": codec.speech_quantizer}
    if codec.content_encoder is not None:
        parts["content"] = codec.content_encoder
    by_backbone = {"semantic_dim", "parametric_dim", "mirrored", "sizes"}
    given = {"backbone": {"dim", "sample_rate"}, "split": set(), "quantizer": {"dim", "levels"} | by_backbone}
    given["content"] = {"inputs"}
    for name, part in parts.items():
        config[name] = {**_defaults(part, given[name]), **config[name]}
    return config


def _defaults(part: nn.Module, given: set[str]) -> dict:
    """Default arguments of the class of `part`, without those that the codec gives itself."""
    parameters = inspect.signature(type(part).__init__).parameters.values()
    return {p.name: deepcopy(p.default) for p in parameters if p.default is not p.empty and p.name not in given}
