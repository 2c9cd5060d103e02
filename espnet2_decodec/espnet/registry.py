"""The one place that touches ESPnet's class choices, and that carries what its current release needs to run.

Importing this module registers the codec and the ASR frontend with ESPnet, so that its own programs can build and load
them, and applies the shims. Every shim looks first whether it is still needed.
"""

import inspect
from types import SimpleNamespace

import numpy as np
from espnet2.iterators import chunk_iter_factory
from espnet2.tasks.asr import frontend_choices
from espnet2.tasks.gan_codec import codec_choices
from espnet2.train.class_choices import ClassChoices

from espnet2_decodec.espnet.frontend import DeCodecFrontend
from espnet2_decodec.espnet.gan_codec import GANDeCodec


def register(choices: ClassChoices, name: str, kind: type) -> None:
    """Add a class to one of ESPnet's choices; doing it again changes nothing.

    Raises:
        ValueError: if the name is not in lower case (ESPnet looks names up in lower case only), or is taken.
    """
    if name != name.lower():
        raise ValueError(f"ESPnet finds lower-case names only, not {name!r}.")
    if choices.classes.setdefault(name, kind) is not kind:
        raise ValueError(f"--{choices.name} {name} is {choices.classes[name].__name__} already.")


class _ScalarChoice(np.random.RandomState):
    """`choice(a, 1)` gives a number instead of an array of one, which int() refuses from numpy 2.4 on."""

    def choice(self, a, size=None, replace=True, p=None):
        """As numpy's, with the same numbers drawn."""
        return super().choice(a, None if size == 1 else size, replace, p)


class _Numpy:
    """numpy with another RandomState."""

    random = SimpleNamespace(RandomState=_ScalarChoice)

    def __getattr__(self, name: str):
        return getattr(np, name)


def fix_chunk_iterator() -> bool:
    """Let ESPnet's chunk iterator run on numpy 2.4 and later; returns whether it needed that."""
    source = inspect.getsource(chunk_iter_factory.ChunkIterFactory.build_iter)
    if "int(state.choice(chunk_lengths, 1))" not in source:
        return False
    chunk_iter_factory.np = _Numpy()
    return True


register(codec_choices, "decodec", GANDeCodec)
register(frontend_choices, "decodec", DeCodecFrontend)
fix_chunk_iterator()
