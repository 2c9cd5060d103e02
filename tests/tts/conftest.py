"""A tiny text-to-speech model with random weights."""

import pytest
import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.tts.saving import save
from espnet2_decodec.tts.synthesizer import Synthesizer

CODEC = {
    "backbone": {"envelope": 4, "channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 12, "background_dim": 12},
    "quantizer": {"speech_levels": 4, "background_levels": 2, "codebook_size": 16},
}
OPTIONS = {
    "channels": 16, "text_blocks": 1, "semantic_blocks": 1, "acoustic_blocks": 1, "duration_blocks": 1, "voice": 8, "kernel": 3,
}  # fmt: skip


def build() -> Synthesizer:
    """The model."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(CODEC)
    with torch.no_grad():
        noise = torch.logspace(-3, -0.3, 20)[:, None] * torch.randn(20, 20 * 320)
        stems = codec.subspace.split(codec.latent(noise))
        for quantizer, stem in zip((codec.speech_quantizer, codec.background_quantizer), stems):
            quantizer.start(stem.transpose(1, 2).flatten(0, 1), 2)
    synthesizer = Synthesizer(list(CharacterTokenizer.from_texts(["abc де."]).tokens), codec, OPTIONS)
    with torch.no_grad():
        synthesizer.model.durations.leave.bias.fill_(1.5)
    return synthesizer.eval()


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    """The model."""
    return build()


@pytest.fixture(scope="module")
def voice_model(tmp_path_factory):
    """Its folder."""
    folder = tmp_path_factory.mktemp("voice")
    save(build(), folder)
    return folder
