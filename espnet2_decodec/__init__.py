"""DeCodec: an audio codec that splits speech from background, as an ESPnet plugin.

The public names are loaded on first use, so importing the package needs neither torch nor ESPnet.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "DeCodec": "espnet2_decodec.codec.decodec",
    "Codes": "espnet2_decodec.types",
    "Stems": "espnet2_decodec.types",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'espnet2_decodec' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
