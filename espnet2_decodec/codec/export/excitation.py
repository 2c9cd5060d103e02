"""The excitation of the vocoder with a fixed number of pulses per frame, most of which have no weight."""

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.excitation import Excitation, PhaseState
from espnet2_decodec.codec.export.transforms import ones_of


class DenseExcitation(Excitation):
    """The pulses and noise of `Excitation`, from the start of a recording on, by operations that can be exported."""

    def advance_phase(self, f0: Tensor, voiced: Tensor, state: PhaseState | None) -> tuple[Tensor, PhaseState]:
        """As `Excitation.advance_phase`.

        Raises:
            ValueError: if a state is given.
        """
        if state is not None:
            raise ValueError("An exported decoder starts at the start of a recording.")
        voiced_before = torch.cat([torch.zeros_like(voiced[:, :1]), voiced], 1)
        start, end = self._rates(torch.cat([f0[:, :1], f0], 1), voiced_before)
        phases = ((start + end).double() / 2 * self.hop).cumsum(1)
        phases = (phases - phases.floor()).to(f0.dtype)
        numbers = (ones_of(f0[..., :1]).cumsum(1) - 1).long() % self.noise_period
        return torch.cat([phases, numbers.to(f0.dtype)], -1), (
            phases[:, -1],
            f0[:, -1],
            voiced[:, -1],
            numbers[:, -1, 0],
        )

    def forward(self, f0: Tensor, voiced: Tensor, phase: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `Excitation.forward`, without a mask."""
        stems = f0.shape[2]
        phases, numbers = phase[:, :-1, :stems], phase[..., stems].round().long()
        start, end = self._rates(f0, voiced)
        slope = ((end - start) / self.hop)[..., None]
        pulse_numbers = torch.ceil(phases)[..., None] + torch.arange(self.max_pulses, device=f0.device)
        remaining = pulse_numbers - phases[..., None]
        root = (start[..., None].square() + 2 * slope * remaining).clamp(min=0).sqrt()
        positions = 2 * remaining / (start[..., None] + root)
        active = (positions < self.hop) & (voiced[:, :-1] | voiced[:, 1:])[..., None]
        positions = positions.clamp(max=self.hop - 0.5 / self.oversampling)
        weights = (start[..., None] + slope * positions).clamp(min=1e-9).rsqrt() * active
        rows = (positions * self.oversampling).long()
        left = self._weighted_rows(rows + self.hop * self.oversampling, weights)
        right = self._weighted_rows(rows, weights)
        pulses = F.pad(left, (0, 0, 0, 0, 0, 1)) + F.pad(right, (0, 0, 0, 0, 1, 0))
        return pulses, self.noise_table[numbers][:, :, None]

    def _weighted_rows(self, rows: Tensor, weights: Tensor) -> Tensor:
        """Rows of the pulse table [B, T, N, P] and their weights -> sums [B, T, N, hop]."""
        return (F.embedding(rows, self.pulse_table) * weights[..., None]).sum(-2)
