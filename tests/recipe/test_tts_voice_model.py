"""Stages 16 to 19 with a semantic codec: text to its first level, the rest by a voice model."""

from importlib.util import find_spec

import pytest

from espnet2_decodec.codec.serialization import read_state_dict
from espnet2_decodec.io import audio
from tests.voices import save_models, vowels

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("espnet2"), reason="ESPnet is not installed: pip install '.[recipe]'"),
]
COUNTS = {"speech_train": 21, "speech_dev": 1, "speech_test": 1, "background_test": 2, "background_train": 2}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, new_recipe, write_sets):
    """A folder with transcribed vowels, a tiny codec and a tiny voice model."""
    folder = tmp_path_factory.mktemp("voice")
    write_sets(folder / "data" / "own", COUNTS, 1.5)
    for i, path in enumerate(sorted(folder.glob("data/own/speech_*/*.wav"))):
        audio.write(path, [vowels(110 + 5 * i, 1.5, i)], 16000)
    save_models(folder)
    shared = ["--stage", "16", "--stop_stage", "19", "--inference_nj", "1", "--tts_speakers", "x"]
    shared += ["--tts_config", "conf/tts/train_tts_debug.yaml", "--tts_args", "--tts_conf semantic_only=true"]
    return new_recipe(folder, shared, "tts_debug_own_*")


def test_the_voice_model_synthesizes(recipe):
    options = ("--download_model", str(recipe.folder / "codec"), "--tts_voice_model", str(recipe.folder / "voice"))
    done = recipe.run(*options)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = recipe.exp.glob("synthesis_voice_model*")
    for system in ("none_clean", "none", "unseparated", "prompt", "file"):
        assert len(list((folder / system / "mix").glob("*.wav"))) == 3
    assert not any("acoustic" in name for name in read_state_dict(recipe.exp / "model"))
