"""Targets of the semantic encoder: principal components of Whisper's features, of a middle layer and for its decoder.

The first half are those of layer 4, standardized, in which phones are most apparent. The second half are those of the
keys and values that Whisper's decoder computes from the encoder's output: what decides the words.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.training.teachers.ctranslate2 import read_variables
from espnet2_decodec.training.teachers.whisper import WhisperNetwork, WhisperTeacher, packaged_whisper
from research.training import autocast

MIDDLE_LAYER = 4
LIMIT = 6.0
"""Standardized features of the middle layer are clipped at this value."""


def decoder_projections(model: bytes) -> Tensor:
    """Keys' and values' matrices of all layers of the decoder of a Whisper, one after another, [M, C].

    Args:
        model: content of CTranslate2's `model.bin`.
    """
    found = read_variables(
        model, lambda name: name.startswith("decoder/") and name.endswith("attention/linear_1/weight")
    )
    matrices = [value.float() for name, value in sorted(found.items()) if "/attention/" in name]
    keys, values = torch.cat([matrix.unflatten(0, (2, -1)) for matrix in matrices], dim=1)
    return torch.cat([keys / keys.norm(), values / values.norm()])


class TeacherTargets(nn.Module):
    """Speech -> targets [T, 2 K], each half with a mean variance of 1 on the recordings that it was fitted to.

    Args:
        components: K.
    """

    def __init__(self, components: int = 128):
        super().__init__()
        network = WhisperTeacher.from_package(6).network
        assert isinstance(network, WhisperNetwork)
        self.network, self.components = network, components
        self.maps: list[tuple[Tensor, Tensor, Tensor]] = []

    @torch.no_grad()
    def features(self, wav: Tensor) -> tuple[Tensor, Tensor]:
        """Wav [L] of whole frames -> features of the middle layer and of the last one, [T, C] each."""
        encoder = self.network.encoder
        with autocast():
            mel = self.network.mel(wav[None], 2 * (len(wav) // 320))
            middle, last = encoder.layer_outputs(mel, [MIDDLE_LAYER, len(encoder.layers)])
        return F.layer_norm(middle[0].float(), middle.shape[-1:]), encoder.norm(last[0].float())

    @torch.no_grad()
    def fit(self, wavs: list[Tensor]) -> None:
        """Fit the components to recordings [L] of whole frames."""
        found = [self.features(wav) for wav in wavs]
        middle, last = (torch.cat(part) for part in zip(*found))
        self.maps = []
        for frames, weight in ((middle, None), (last, decoder_projections(packaged_whisper()))):
            mean, scale = frames.mean(0), frames.std(0).clamp(min=1e-4)
            x = ((frames - mean) / scale).clamp(-LIMIT, LIMIT) if weight is None else (frames - mean) @ weight.T
            variances, vectors = torch.linalg.eigh(x.T @ x / len(x))
            kept = variances[-self.components :]
            basis = vectors[:, -self.components :] / kept.mean().sqrt()
            print(f"{self.components} components: {100 * kept.sum() / variances.sum():.1f} % of the variance")
            if weight is None:
                self.maps.append((mean, 1 / scale, basis))
            else:
                self.maps.append((mean, torch.ones_like(mean), weight.T @ basis))

    @torch.no_grad()
    def forward(self, wav: Tensor) -> Tensor:
        """Wav [L] of whole frames -> [T, 2 K]."""
        parts = []
        for number, (features, (mean, scale, basis)) in enumerate(zip(self.features(wav), self.maps)):
            x = (features - mean) * scale
            parts.append((x.clamp(-LIMIT, LIMIT) if not number else x) @ basis)
        return torch.cat(parts, dim=1)

    def save(self, path: Path) -> None:
        """Write what `fit` found."""
        torch.save(self.maps, path)

    def load(self, path: Path) -> None:
        """Read a file of `save`."""
        self.maps = torch.load(path, weights_only=True)
