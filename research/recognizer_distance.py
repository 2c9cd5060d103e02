"""Distance of speech from clean speech in what the decoder of Whisper tiny.en reads of it, for trainings.

Whisper base, by whose words the results are judged, is another network of the same family.
"""

import torch
from torch import Tensor, nn

from espnet2_decodec.evaluation.metrics.recognizers import WhisperTiny
from espnet2_decodec.evaluation.systems.identity import packaged_file
from espnet2_decodec.training.teachers.whisper import WhisperTeacher
from research.audible import is_audible
from research.tokens.teacher_targets import decoder_projections

LEVEL = 0.05
"""RMS of the clean speech that the recognizer hears."""


class RecognizerDistance(nn.Module):
    """Squared distance of the keys and values that Whisper's decoder computes from its encoder's output.

    It is relative to their variance over the frames of the clean speech: 0 for clean speech, about 1 for no relation.

    Args:
        network: the encoder, wav [B, L] and a number of frames T -> [B, C, T].
        projections: to keys and values [M, C].
    """

    metric: Tensor

    def __init__(self, network: nn.Module, projections: Tensor):
        super().__init__()
        self.network = network.requires_grad_(False)
        self.register_buffer("metric", projections.T @ projections)

    @classmethod
    def from_package(cls) -> "RecognizerDistance":
        """That of Whisper tiny.en, from the package that has it.

        Raises:
            Unavailable: if the package is missing.
        """
        model = b"".join(packaged_file(*part).read_bytes() for part in WhisperTiny.parts["model.bin"])
        return cls(WhisperTeacher.from_ctranslate2(model).network, decoder_projections(model))

    def forward(self, wav: Tensor, clean: Tensor) -> Tensor:
        """Mean distance of the items whose clean speech is audible; 0 if there are none.

        Args:
            wav: [B, L], of whole frames.
            clean: [B, L]; both are brought to the level of the clean speech.
        """
        audible = is_audible(clean)
        if not audible.any():
            return wav.new_zeros(())
        wav, clean = wav[audible], clean[audible]
        gain = LEVEL / clean.square().mean(1, keepdim=True).sqrt().clamp(min=1e-5)
        frames = wav.shape[1] // 320
        with torch.no_grad():
            target = self.network(gain * clean, frames).transpose(1, 2)
        difference = self.network(gain * wav, frames).transpose(1, 2) - target
        return self._energy(difference) / self._energy(target - target.mean((0, 1)))

    def _energy(self, x: Tensor) -> Tensor:
        """Mean squared length [B, T, C] under the metric -> scalar."""
        return ((x @ self.metric) * x).sum(-1).mean()
