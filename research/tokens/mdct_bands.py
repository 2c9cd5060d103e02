"""The lowest MDCT bands as coordinates of the latent, so that the waveform passes before anything is trained."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.mdct import mdct_matrix
from espnet2_decodec.codec.dsp.overlap_add import frame_signal, weighted_overlap_add


class MDCTBands(nn.Module):
    """Fixed map of a waveform to compressed MDCT bands, and back.

    The bands of a frame are divided by the square root of their norm, so that the quantizer does not neglect quiet
    frames, and weighted to rise with frequency, so that it does not neglect high bands.

    Args:
        bands: number of the lowest bands, at most hop.
        hop: samples per frame.
        power: to which the norm of a frame is raised.
        scale: of all coordinates.
    """

    mdct: Tensor
    mdct_window: Tensor
    weight: Tensor

    def __init__(self, bands: int = 96, hop: int = 320, power: float = 0.5, scale: float = 3.0):
        super().__init__()
        self.bands, self.hop, self.power = bands, hop, power
        mdct = mdct_matrix(hop)
        self.register_buffer("mdct", mdct[:, :bands].contiguous(), persistent=False)
        self.register_buffer("mdct_window", mdct.square().sum(1), persistent=False)
        frequency = (torch.arange(bands) + 0.5) * 8000 / hop
        self.register_buffer("weight", scale * (1 + frequency / 500) ** 0.5, persistent=False)

    def analyze(self, wav: Tensor) -> Tensor:
        """Wav [B, T * hop] -> coordinates [B, T, bands]."""
        bands = frame_signal(wav.float(), 2 * self.hop, self.hop) @ self.mdct
        return bands * self._norm(bands) ** (self.power - 1) * self.weight

    def synthesize(self, coordinates: Tensor, gains: Tensor, mask: Tensor | None = None) -> Tensor:
        """Coordinates and gains [B, T, bands] -> wav [B, T * hop]."""
        bands = coordinates / self.weight
        bands = bands * self._norm(bands) ** (1 / self.power - 1) * gains
        return weighted_overlap_add(bands @ self.mdct.T, self.mdct_window, self.hop, mask)

    @staticmethod
    def _norm(bands: Tensor) -> Tensor:
        return (bands.square().sum(-1, keepdim=True) + 1e-6).sqrt()
