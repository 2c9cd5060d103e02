"""Registration with ESPnet, and the shims."""

import warnings

import numpy as np
import pytest
import torch
from espnet2.iterators import chunk_iter_factory
from espnet2.tasks.gan_codec import codec_choices
from espnet2.train.class_choices import ClassChoices
from espnet2.train.collate_fn import CommonCollateFn

from espnet2_decodec.espnet import compat, registry

pytestmark = pytest.mark.compat


class _Dataset:
    def __getitem__(self, name):
        return name, {"audio": np.arange(int(name), dtype=np.float32)}


def _chunks():
    factory = chunk_iter_factory.ChunkIterFactory(
        _Dataset(), 2, [["100"], ["64"], ["80"]], "20,30", collate_fn=CommonCollateFn(), shuffle=True
    )
    return [batch["audio"] for _, batch in factory.build_iter(1)]


def test_the_codec_is_registered_once():
    assert codec_choices.get_class("decodec").__name__ == "GANDeCodec"
    choices = ClassChoices("thing", {"a": dict})
    registry.register(choices, "b", list)
    registry.register(choices, "b", list)
    with pytest.raises(ValueError, match="--thing b is list already"):
        registry.register(choices, "b", set)
    with pytest.raises(ValueError, match="lower-case"):
        registry.register(choices, "B", list)


def test_the_chunk_iterator_runs_where_int_refuses_arrays(monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # what numpy 2.4 refuses, numpy before it warns of
        shimmed = _chunks()
    monkeypatch.setattr(chunk_iter_factory, "np", np)
    try:
        plain = _chunks()
    except TypeError:
        return
    assert len(plain) == len(shimmed) > 2 and all(torch.equal(a, b) for a, b in zip(plain, shimmed))


def test_no_shim_is_applied_when_espnet_is_fixed(monkeypatch):
    class Fixed:
        def build_iter(self):
            return None

    monkeypatch.setattr(chunk_iter_factory, "ChunkIterFactory", Fixed)
    monkeypatch.setattr(chunk_iter_factory, "np", np)
    assert compat.fix_chunk_iterator() is False and chunk_iter_factory.np is np
