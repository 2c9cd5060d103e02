"""The text-to-speech task through ESPnet: statistics, training, resuming, two processes, export."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from espnet2.train.distributed_utils import free_port

from espnet2_decodec.bin import tts_train
from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.espnet.tts_preprocessor import TTSPreprocessor
from espnet2_decodec.tts import TTS

pytestmark = pytest.mark.slow
TEXTS = ("ab ca, bc.",)
SHAPE = (4, 16)


@pytest.fixture(scope="module")
def trained(tts_place, tts_options, tts_training):
    """The folder of a training of two epochs."""
    tts_train.main(
        [
            *tts_options(tts_place),
            "--collect_stats",
            "true",
            "--output_dir",
            f"{tts_place}/stats",
            "--batch_type",
            "unsorted",
        ]
    )
    tts_train.main(tts_training(tts_place, "exp"))
    return tts_place / "exp"


def weights(folder) -> dict[str, torch.Tensor]:
    return torch.load(folder / "latest.pth", weights_only=True)


def test_statistics_are_those_of_the_tokens(trained, tts_place):
    codec = DeCodec.from_pretrained(tts_place / "codec")
    tokens = [torch.from_numpy(np.load(tts_place / f"u{i}.npy").astype(np.int64)) for i in range(8)]
    values = torch.cat([codec.speech_quantizer.decode(t[None, :, :3].transpose(1, 2))[0, :6].T for t in tokens])
    found = weights(trained)
    assert torch.allclose(found["synthesizer.features.mean"], values.mean(0), atol=1e-5)
    assert torch.allclose(found["synthesizer.features.std"], values.std(0, correction=0), atol=1e-4)


@pytest.mark.compat
def test_a_checkpoint_contains_its_codec_and_synthesizes(trained, tts_place):
    config = yaml.safe_load((trained / "config.yaml").read_text())
    assert config["codec_conf"]["quantizer"]["codebook_size"] == 16 and config["token_list"][:1] == ["<pad>"]
    (tts_place / "codec").rename(tts_place / "gone")
    try:
        files = ["--train_config", f"{trained}/config.yaml", "--model_file", f"{trained}/valid.loss.best.pth"]
        run_step("tts_export", [*files, f"{trained}/model"])
    finally:
        (tts_place / "gone").rename(tts_place / "codec")
    output = TTS.from_pretrained(trained / "model")("ab, ca.", 0.2 * torch.randn(16000))
    assert output.tokens.shape[0] == 3 and torch.isfinite(output.mix).all()


def test_training_goes_on_where_it_stopped(trained, tts_place, tts_training):
    before = int(weights(trained)["steps"])
    tts_train.main([*tts_training(tts_place, "exp"), "--max_epoch", "3"])
    assert int(weights(trained)["steps"]) == before + 3 == 9


def test_two_processes_train(trained, tts_place, tts_training):
    port, ranks = free_port(), []
    for rank in range(2):
        where = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
        command = [sys.executable, "-m", "espnet2_decodec.bin.tts_train", *tts_training(tts_place, "two"),
                   "--batch_type", "unsorted", "--batch_size", "4",
                   "--max_epoch", "1", "--dist_backend", "gloo"]  # fmt: skip
        ranks.append(subprocess.Popen(command, env={**os.environ, **where}, stderr=subprocess.PIPE, text=True))
    for rank in ranks:
        _, errors = rank.communicate(timeout=300)
        assert rank.returncode == 0, errors[-3000:]
    assert torch.isfinite(weights(tts_place / "two")["synthesizer.model.embedding.weight"]).all()


def test_prompts_are_of_the_same_speaker_and_another_recording(tts_place):
    codes, speakers = (
        {f"u{i}": value(i) for i in range(8)} for value in (lambda i: tts_place / f"u{i}.npy", lambda i: str(i % 2))
    )
    tokens = list(CharacterTokenizer.from_texts(TEXTS).tokens)
    arrays = {key: np.load(path) for key, path in codes.items()}
    for train in (True, False):
        made = TTSPreprocessor(train, tokens, codes, speakers, SHAPE, (10, 20))
        for _ in range(20):
            prompt = made("u3", {"text": "ab", "speech_codes": arrays["u3"]})["prompt_codes"]
            assert 10 <= len(prompt) <= 20
            sources = [key for key, whole in arrays.items() if any((whole[i : i + len(prompt)] == prompt).all()
                     for i in range(len(whole) - len(prompt) + 1))]  # fmt: skip
            assert len(sources) == 1 and sources[0] in ("u1", "u5", "u7")
    given = TTSPreprocessor(True, tokens, codes, speakers, SHAPE, (10, 20), given_prompt_prob=1.0)
    noisy = np.full((60, 4), 15, np.int16)
    assert (
        given("u3", {"text": "ab", "speech_codes": arrays["u3"], "prompt_codes": noisy})["prompt_codes"] == 15
    ).all()
    alone = TTSPreprocessor(True, tokens, codes, {}, SHAPE, (10, 20))
    assert len(alone("u3", {"text": "ab", "speech_codes": arrays["u3"]})["prompt_codes"]) >= 10


def test_texts_too_long_for_their_frames_are_named(tts_place):
    made = TTSPreprocessor(True, list(CharacterTokenizer.from_texts(TEXTS).tokens), {}, {}, SHAPE)
    with pytest.raises(ValueError, match="u9: 5 characters do not fit into 4 frames"):
        made("u9", {"text": "abc", "speech_codes": np.zeros((4, 4), np.int16)})
    with pytest.raises(ValueError, match="u9: This model cannot pronounce 'z'"):
        made("u9", {"text": "z", "speech_codes": np.zeros((40, 4), np.int16)})
