"""A tiny text-to-speech model, and a set that it synthesized."""

import pytest
import torch

from espnet2_decodec.bin import tts_inference
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.prompts import PromptConfig, make_prompts
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.tts.synthesizer import Synthesizer

OPTIONS = {
    "channels": 16, "text_blocks": 1, "semantic_blocks": 1, "acoustic_blocks": 1, "duration_blocks": 1,
    "speaker_dim": 8, "kernel_size": 3,
}  # fmt: skip


def build(codec_config: dict) -> Synthesizer:
    """A tiny model with random weights."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(codec_config)
    with torch.no_grad():
        noise = torch.logspace(-3, -0.3, 20)[:, None] * torch.randn(20, 20 * 320)
        stems = codec.subspace.split(codec.latent(noise))
        for quantizer, stem in zip((codec.speech_quantizer, codec.background_quantizer), stems):
            quantizer.init_kmeans(stem.transpose(1, 2).flatten(0, 1), 2)
    synthesizer = Synthesizer(list(CharacterTokenizer.from_texts(["abc де."]).tokens), codec, OPTIONS)
    with torch.no_grad():
        synthesizer.model.duration_predictor.out_proj.bias.fill_(1.5)
    return synthesizer.eval()


@pytest.fixture(scope="module")
def synthesizer(vocoder_config) -> Synthesizer:
    """A tiny model."""
    return build(vocoder_config)


@pytest.fixture(scope="session")
def tts_model(vocoder_config, tmp_path_factory):
    """The folder of a tiny model."""
    folder = tmp_path_factory.mktemp("tts_model")
    build(vocoder_config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def synthesized(tts_model, write_dir, tmp_path_factory):
    """A folder with a set, its prompts, and the set synthesized over three backgrounds."""
    root = tmp_path_factory.mktemp("sets")
    write_dir(root / "test", 3)
    make_prompts(root / "test", write_dir(root / "backgrounds", 2, speaker="s"), root / "prompts", PromptConfig())
    for mode in ("none", "prompt", f"{root}/prompts/other.scp"):
        options = ["--text", f"{root}/test/text", "--prompts", f"{root}/prompts/noisy.scp", "--background", mode]
        out = f"{root}/synthesized/{'file' if '/' in mode else mode}"
        tts_inference.main(["--model", str(tts_model), *options, "--out", out])
    return root
