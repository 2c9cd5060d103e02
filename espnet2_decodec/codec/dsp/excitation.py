"""What a vocoder is driven by where no waveform is coded: pulses at the pitch, and noise, as MDCT frames of power 1."""

import math

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.transforms import mdct_basis, sign_matrix


class Excitation(nn.Module):
    """Pulses and noise for N stems at once.

    Where a pulse lies depends on the pitch of all frames before it, and which noise a frame gets on how many there were. Both
    are counted by `clock`, frame after frame; everything else looks at the neighboring frames only. So a recording
    in blocks sounds as it does in one piece.

    Args:
        sample_rate: Hz.
        hop: samples between frames; they are 2 * hop long.
        highest: f0 in Hz; above it pulses are left out.
    """

    fine = 4
    """Places per sample at which a pulse may lie."""

    period = 1021
    """Frames after which the noise repeats."""

    def __init__(self, sample_rate: int, hop: int, highest: float = 500.0):
        super().__init__()
        self.sample_rate, self.hop = sample_rate, hop
        self.most = math.ceil(highest * hop / sample_rate) + 1
        places = torch.arange(2 * hop * self.fine, dtype=torch.float64) / self.fine
        self.register_buffer("pulse", mdct_basis(hop, places).float(), persistent=False)
        self.register_buffer("noise", sign_matrix(self.period, hop), persistent=False)

    @torch.no_grad()
    def clock(self, f0: Tensor, voiced: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Count pulses and frames.

        Args:
            f0: [B, T, N] in Hz.
            voiced: [B, T, N] bool.
            state: what the call for the frames before gave; None at the start of a recording.

        Returns:
            [B, T, N + 1]: pulses until the centre of each frame, less whole ones, for each stem; then the number of the frame.
            And the state.
        """
        batch, frames, stems = f0.shape
        if state is None:
            nothing = f0.new_zeros(batch, stems, dtype=torch.double)
            state = (
                nothing,
                f0[:, 0],
                torch.zeros_like(voiced[:, 0]),
                torch.zeros(batch, device=f0.device, dtype=torch.long),
            )
        phase, last_f0, last_voiced, count = state
        ahead = self._ends(torch.cat([last_f0[:, None], f0], 1), torch.cat([last_voiced[:, None], voiced], 1))
        steps = (ahead[0] + ahead[1]).double() / 2 * self.hop  # pulses between one centre and the next
        phases = (phase[:, None] + steps.cumsum(1)) % 1
        numbers = count[:, None] + torch.arange(frames, device=f0.device)
        ticks = torch.cat([phases, (numbers % self.period).double()[..., None]], dim=-1)
        return ticks.to(f0.dtype), (phases[:, -1], f0[:, -1], voiced[:, -1], count + frames)

    def _ends(self, f0: Tensor, voiced: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, N] -> pulses per sample at the start and the end of the way from each frame to the next, [B, T - 1, N]."""
        left, right = f0[:, :-1] / self.sample_rate, f0[:, 1:] / self.sample_rate
        start = torch.where(voiced[:, :-1] | ~voiced[:, 1:], left, right)
        return start, torch.where(voiced[:, 1:], right, start)

    @torch.no_grad()
    def forward(self, f0: Tensor, voiced: Tensor, ticks: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The frames themselves.

        Args:
            f0, voiced: [B, T, N], as for `clock`.
            ticks: [B, T, N + 1], from `clock`.
            mask: [B, T] of valid frames, or None.

        Returns:
            Pulses [B, T, N, hop] and noise [B, T, 1, hop].
        """
        batch, frames, stems = f0.shape
        phases, numbers = ticks[..., :stems], ticks[..., stems].round().long()
        start, end = self._ends(f0, voiced)
        slope = (end - start) / self.hop
        wanted = torch.ceil(phases[:, :-1])[..., None] + torch.arange(self.most, device=f0.device)
        missing = wanted - phases[:, :-1, :, None]  # [B, T - 1, N, most]
        root = (start[..., None].square() + 2 * slope[..., None] * missing).clamp(min=0).sqrt()
        places = 2 * missing / (start[..., None] + root)
        sounding = voiced[:, :-1] | voiced[:, 1:]
        if mask is not None:
            sounding = sounding & mask[:, 1:, None]
        where = ((places < self.hop) & sounding[..., None]).nonzero(as_tuple=True)
        rate = start[where[:3]] + slope[where[:3]] * places[where]
        place = (places[where] * self.fine).long()
        item, frame, stem = where[:3]
        rows = torch.cat([place + self.hop * self.fine, place])  # of the frame on the left, and of that on the right
        bags = torch.cat([(item * frames + frame) * stems + stem, (item * frames + frame + 1) * stems + stem])
        heights = rate.rsqrt().repeat(2)
        pulses = self._sum(rows, bags, heights, batch * frames * stems)
        return pulses.view(batch, frames, stems, self.hop), self.noise[numbers][:, :, None]

    def _sum(self, rows: Tensor, bags: Tensor, weights: Tensor, count: int) -> Tensor:
        """Weighted rows of the table of pulses, summed over each of `count` bags: [count, hop]."""
        order = bags.argsort(stable=True)
        starts = torch.searchsorted(bags[order], torch.arange(count, device=bags.device))
        return nn.functional.embedding_bag(
            rows[order], self.pulse, starts, mode="sum", per_sample_weights=weights[order].to(self.pulse.dtype)
        )
