"""A tiny codec with a semantic level, a tiny voice model and a tiny text model, and sounds that count as speech."""

import math
from pathlib import Path

import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY_SEMANTIC
from espnet2_decodec.voice import VoiceModel
from espnet2_decodec.voice.conversion import LEVEL
from espnet2_decodec.voice.coordinates import interpolate_f0, set_level
from espnet2_decodec.voice.prompt import analyze_prompt
from espnet2_decodec.voice.text_to_semantic import TextToSemantic

OPTIONS = {
    "content_dim": 4, "parameters": 6, "channels": 8, "condition_blocks": 2, "flow_blocks": 1, "prompt_blocks": 1,
    "voice_dim": 8, "kernel": 3,
}  # fmt: skip
TEXT_OPTIONS = {
    "channels": 16, "phone_blocks": 1, "duration_blocks": 1, "frame_blocks": 1, "style_dim": 4, "codes": 16,
    "feature_dim": 4,
}  # fmt: skip
LEXICON = {"hello": ["HH", "AH0", "L", "OW1"], "there": ["DH", "EH1", "R"]}


def vowels(f0: float, seconds: float, seed: int = 0) -> torch.Tensor:
    """[L]: harmonics of about f0 Hz that come and go, with a little noise."""
    time = torch.arange(round(seconds * 16000)) / 16000
    phase = 2 * math.pi * f0 * time + 2 * torch.sin(5 * time)
    wav = sum(torch.sin(k * phase) / k for k in range(1, 12))
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(seed))
    return 0.1 * wav * torch.sin(2 * math.pi * 1.5 * time).clamp(min=0) + 1e-4 * noise


def build_codec() -> DeCodec:
    """A codec with random weights and fitted codebooks."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(TINY_SEMANTIC).eval()
    with torch.no_grad():
        for network in (codec.backbone.decoder, codec.backbone.post_filter.network):
            torch.nn.init.normal_(network.out_proj.weight, std=0.02)  # zero at the start
        streams = codec.subspace.split(codec.latent(torch.cat([vowels(120, 4), vowels(210, 4)])[None]))
    for quantizer, stream in zip((codec.speech_quantizer, codec.background_quantizer), streams):
        frames = stream[0].T
        quantizer.init_kmeans(frames + 0.1 * frames.std() * torch.randn_like(frames), 2)
    return codec


def build_voice_model(codec: DeCodec) -> VoiceModel:
    """A voice model with random weights, whose coordinates have the mean and the deviation of those of a voice."""
    torch.manual_seed(1)
    model = VoiceModel(**OPTIONS).eval()
    coordinates = interpolate_f0(analyze_prompt(codec, [vowels(150, 4)]).coordinates)
    level = set_level(coordinates, LEVEL, codec.backbone)
    model.mean.copy_(level.mean(0))
    model.std.copy_(level.std(0))
    model.std[-2] = 0.05
    torch.nn.init.normal_(model.flow_out.weight, std=0.1)
    return model


def build_text_model(codec: DeCodec) -> TextToSemantic:
    """A text model with random weights that gives each phone some frames."""
    torch.manual_seed(2)
    model = TextToSemantic("en", ["native"], 50.0, 3, TEXT_OPTIONS, {"channels": 8, "blocks": 1}, LEXICON).eval()
    model.codebook.copy_(codec.speech_quantizer.semantic.level_codebooks()[0])
    torch.nn.init.constant_(model.model.duration_predictor.out_proj.bias, 1.5)
    return model


def save_models(folder: Path) -> Path:
    """Folders codec, voice and text below a folder, which is returned; the voice model names its codec."""
    codec = build_codec()
    codec.save_pretrained(folder / "codec")
    model = build_voice_model(codec)
    model.options["codec"] = str(folder / "codec")
    model.save_pretrained(folder / "voice")
    build_text_model(codec).save_pretrained(folder / "text")
    return folder
