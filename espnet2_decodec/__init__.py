"""DeCodec: a neural audio codec that separates speech from background, as an ESPnet plugin.

The public names are imported on first use, so that importing the package needs neither torch nor ESPnet.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULES = {
    "DeCodec": "espnet2_decodec.codec.decodec",
    "Codes": "espnet2_decodec.types",
    "Stems": "espnet2_decodec.types",
}
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'espnet2_decodec' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
