"""A trained codec with other options of its backbone."""

from typing import Any

import torch

from espnet2_decodec.codec.decodec import DeCodec


def extend_codec(base: DeCodec, options: dict[str, Any]) -> DeCodec:
    """A codec with the weights of `base` and other options of its backbone; new modules are untrained.

    A matrix with more columns than that of `base` has zeros there, so that new inputs change nothing at first.

    Raises:
        RuntimeError: if a weight has another shape than that of `base` in any other way.
    """
    config = base.resolved_config()
    codec = DeCodec({**config, "backbone": {**config["backbone"], **options}})
    weights = codec.state_dict()
    for name, value in base.state_dict().items():
        missing = weights[name].shape[-1] - value.shape[-1] if value.ndim == 2 else 0
        weights[name] = torch.nn.functional.pad(value, (0, missing)) if missing > 0 else value
    codec.load_state_dict(weights)
    return codec
