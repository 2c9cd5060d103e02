"""Training of the decoder of the speech on coordinates that are not quantized, and on those of the voice model."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.quantizer import QuantizedResult
from espnet2_decodec.voice.conversion import LEVEL, MIN_LEVEL
from espnet2_decodec.voice.coordinates import amplify, interpolate_f0, relative_pitch, speech_level, zero_unvoiced
from espnet2_decodec.voice.voice_model import VoiceModel
from research.tokens.batches import TrainingBatch
from research.tokens.settings import Settings
from research.tokens.trainer import Trainer


@dataclass
class DecoderSettings(Settings):
    """Settings of a training of the decoder.

    Attributes:
        parametric: share of items with unquantized coordinates and no waveform levels.
        voice: share of those whose coordinates the voice model predicts.
    """

    parametric: float = 0.5
    voice: float = 0.5


class DecoderTrainer(Trainer):
    """Decoder and post-filter, for the tokens and for the voice model.

    Args:
        settings: of the training.
        model: folder or name of the codec to start from.
        voice_model: folder of the voice model; None for none.
    """

    settings: DecoderSettings

    def __init__(self, settings: DecoderSettings, model: str | Path, voice_model: Path | None):
        super().__init__(settings, model)
        self.quantizer.predictor.requires_grad_(False)
        self.quantizer.parametric.ema_decay, self.quantizer.parametric.dead_code_threshold = 1.0, 0.0
        self.trained = [p for p in self.trained if p.requires_grad]
        self.voice_model = None if voice_model is None else VoiceModel.from_pretrained(voice_model)

    def _quantize(self, speech: Tensor, levels: Tensor, batch: TrainingBatch) -> QuantizedResult:
        """Some of the items get coordinates without quantization, and `levels` of them becomes that of coordinates."""
        chosen = torch.from_numpy(self.random.random(len(levels)) < self.settings.parametric)
        levels[chosen] = self.quantizer.parametric_levels
        result = super()._quantize(speech, levels, batch)
        first, end = self.backbone.content_dim, self.quantizer.parametric_dim
        x = result.x.clone()
        for i in chosen.nonzero()[:, 0].tolist():
            coordinates = speech[i, first:end].T.float()
            if self.voice_model is not None and self.random.random() < self.settings.voice:
                coordinates = self._resynthesized(speech[i, :first].T.float(), coordinates, batch.target[i])
            x[i, first:end] = coordinates.T.to(x.dtype)
            x[i, end:] = 0
        return replace(result, x=x)

    @torch.no_grad()
    def _resynthesized(self, content: Tensor, coordinates: Tensor, target: Tensor) -> Tensor:
        """Coordinates [T, P] that the voice model predicts from semantic features [T, S] and a prompt of the voice."""
        model = self.voice_model
        assert model is not None
        clean = self.backbone.target_latent(target[None])[0, : self.backbone.parametric_dim].T
        level = max(speech_level(clean, self.backbone), MIN_LEVEL)
        prompt = model.normalize(interpolate_f0(amplify(clean, LEVEL / level, self.backbone)))
        prompt = torch.cat([prompt, self.backbone.semantic_encoder(target[None])[0]], dim=1)[None]
        own = interpolate_f0(coordinates)
        voice = model.encode_prompt(prompt, torch.ones_like(prompt[..., :1]))
        condition = model.condition(content[None], relative_pitch(own)[None], voice)
        noise = 0.7 * torch.randn(1, len(content), model.mean.shape[0])
        found = model.denormalize(model.sample(condition, noise, 4))[0]
        found = torch.cat([found[:, :-2], own[:, -2:-1], coordinates[:, -1:]], dim=1)
        return amplify(zero_unvoiced(found), level / LEVEL, self.backbone)
