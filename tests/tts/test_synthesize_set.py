"""Synthesis of a set, and copy synthesis of its recordings."""

import numpy as np
import pytest
import torch

from espnet2_decodec.bin import tts_inference
from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.io.audio import read
from espnet2_decodec.tts import TTS
from espnet2_decodec.types import Codes


def test_a_set_is_synthesized_over_every_background(synthesized):
    for mode in ("none", "prompt", "file"):
        tables = [
            read_table(synthesized / "synthesized" / mode / f"{stem}.scp") for stem in ("mix", "speech", "background")
        ]
        mix, speech, background = (read(table["x-01"], 16000) for table in tables)
        assert len(mix) == len(speech) == len(background)
        assert bool(background.any()) == (mode != "none")
        assert all(float(v) > 0 for v in read_table(synthesized / "synthesized" / mode / "utt2rtf").values())


def test_a_missing_prompt_is_named(synthesized, tts_model, tmp_path):
    (tmp_path / "text").write_text("other abc\n")
    options = [
        "--text",
        f"{tmp_path}/text",
        "--prompts",
        f"{synthesized}/prompts/noisy.scp",
        "--out",
        f"{tmp_path}/out",
    ]
    with pytest.raises(ValueError, match="other has no prompt"):
        tts_inference.main(["--model", str(tts_model), *options])


def test_prompts_can_be_tokens(synthesized, tts_model, tmp_path):
    """As the step writes them that encodes prompts without separation, the control experiment."""
    options = [
        "--model",
        str(tts_model),
        "--prompts",
        f"{synthesized}/prompts/noisy.scp",
        "--out",
        f"{tmp_path}/prompts",
    ]
    run_step("tts_unseparated_prompts", options)
    table = read_table(tmp_path / "prompts/prompts.scp")
    tokens = np.load(table["x-01"])
    assert tokens.dtype == np.int16 and tokens.shape[1] == 4
    options = ["--text", f"{synthesized}/test/text", "--prompts", f"{tmp_path}/prompts/prompts.scp"]
    tts_inference.main(["--model", str(tts_model), *options, "--out", f"{tmp_path}/out"])
    output = TTS.from_pretrained(tts_model)("Ab, де!", load_codes(tokens))
    assert torch.allclose(read(tmp_path / "out/mix/x-01.wav", 16000), output.mix.clamp(-1, 1), atol=1e-3)


def load_codes(tokens: np.ndarray) -> Codes:
    """Codes of an array (T, K)."""
    speech = torch.from_numpy(tokens.astype(np.int64)).T[None]
    return Codes(speech, speech[:, :0], torch.tensor([speech.shape[2] * 320]), 16000)


def test_copy_synthesis_decodes_all_levels_and_the_predicted_ones(tts_model, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).integers(0, 16, (30, 4)).astype(np.int16))
    (tmp_path / "codes.scp").write_text(f"a {tmp_path}/a.npy\n")
    run_step(
        "tts_copy_synthesis",
        ["--model", str(tts_model), "--tokens", f"{tmp_path}/codes.scp", "--out", f"{tmp_path}/out"],
    )
    wavs = [read(read_table(tmp_path / f"out/{name}.scp")["a"], 16000) for name in ("all_levels", "predicted_levels")]
    assert len(wavs[0]) == len(wavs[1]) == 30 * 320 and not torch.equal(*wavs)
