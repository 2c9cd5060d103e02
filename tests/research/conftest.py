"""Banks of recordings and an untrained codec, for the tests of the trainings."""

from pathlib import Path

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC
from espnet2_decodec.codec.decodec import DeCodec


@pytest.fixture
def semantic_codec(tmp_path) -> Path:
    """Folder of an untrained codec with a semantic level."""
    torch.manual_seed(0)
    DeCodec(TINY_SEMANTIC).save_pretrained(tmp_path / "codec")
    return tmp_path / "codec"


@pytest.fixture
def write_banks(tmp_path):
    """A function that writes banks of two labels each, of noise or impulse responses, and returns their folder."""

    def write(names: tuple[str, ...], source: str) -> Path:
        random = np.random.default_rng(0)
        for name in names:
            size = 4000 if name == "rir_train" else 16000
            wavs = random.standard_normal((2, size)) * 3000
            if name == "rir_train":
                wavs *= np.exp(-np.arange(size) / 800)
                wavs[:, 100] = 30000
            wavs.astype(np.int16).tofile(tmp_path / f"{name}.int16")
            rows = (f"{i * size}\t{size}\tlabel{i}\t{source}\t\tfile{i}\n" for i in range(2))
            (tmp_path / f"{name}.tsv").write_text("".join(rows))
        return tmp_path

    return write
