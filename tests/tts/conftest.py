"""A tiny text-to-speech model with random weights."""

import pytest
import torch

from espnet2_decodec.bin import tts_inference
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.prompts import PromptConfig, make_prompts
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.tts.synthesizer import Synthesizer

CODEC = {
    "backbone": {"n_mels": 4, "channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 12, "background_dim": 12},
    "quantizer": {"speech_levels": 4, "background_levels": 2, "codebook_size": 16},
}
OPTIONS = {
    "channels": 16, "text_blocks": 1, "semantic_blocks": 1, "acoustic_blocks": 1, "duration_blocks": 1,
    "speaker_dim": 8, "kernel_size": 3,
}  # fmt: skip


def build() -> Synthesizer:
    """The model."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(CODEC)
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
def synthesizer() -> Synthesizer:
    """The model."""
    return build()


@pytest.fixture(scope="session")
def voice_model(tmp_path_factory):
    """Its folder."""
    folder = tmp_path_factory.mktemp("tts_model")
    build().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def synthesized(voice_model, write_dir, tmp_path_factory):
    """A folder with a set, its prompts, and the set synthesized over three backgrounds."""
    place = tmp_path_factory.mktemp("sets")
    write_dir(place / "test", 3)
    make_prompts(place / "test", write_dir(place / "sounds", 2, speaker="s"), place / "prompts", PromptConfig())
    for mode in ("none", "prompt", f"{place}/prompts/other.scp"):
        options = ["--text", f"{place}/test/text", "--prompts", f"{place}/prompts/noisy.scp", "--background", mode]
        out = f"{place}/synthesized/{'file' if '/' in mode else mode}"
        tts_inference.main(["--model", str(voice_model), *options, "--out", out])
    return place
