"""A codec in a folder: config.json and model.safetensors (or numbered shards), no pickle, no network."""

from espnet2_decodec.pretrained.config import explicit
from espnet2_decodec.pretrained.loading import SHIPPED, load
from espnet2_decodec.pretrained.saving import save

__all__ = ["SHIPPED", "explicit", "load", "save"]
