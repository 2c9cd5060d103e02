"""Tiny models of the voice, shared by the tests of this folder."""

import pytest

from espnet2_decodec.voice.prompt import analyze_prompt
from tests.voices import build_codec, build_text_model, build_voice_model, save_models, vowels


@pytest.fixture(scope="session")
def codec():
    """A tiny codec with a semantic level."""
    return build_codec()


@pytest.fixture(scope="session")
def voice_model(codec):
    """A tiny voice model."""
    return build_voice_model(codec)


@pytest.fixture(scope="session")
def text_model(codec):
    """A tiny text model."""
    return build_text_model(codec)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The folder with the folders codec, voice and text."""
    return save_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def prompt(codec):
    """The speech of a prompt."""
    return analyze_prompt(codec, [vowels(210, 3)])
