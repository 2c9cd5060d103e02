"""Test mixtures that several tests of the evaluation share."""

import pytest

from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.mixtures import MixtureConfig, make_mixtures

FAST = ("si_sdr", "sdr", "mel")


@pytest.fixture(scope="module")
def mixtures(corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("mixtures")
    make_mixtures(*corpora, out, MixtureConfig(("-5", "clean", "background"), 2, (0.6, 1.0), 0))
    return out


@pytest.fixture
def data(mixtures, tmp_path):
    """The same set in tables of its own, which a test may change."""
    folder = tmp_path / "data"
    for name in ("mixture.scp", "speech.scp", "background.scp", "utt2snr", "utt2spk"):
        write_table(folder / name, read_table(mixtures / name))
    return folder
