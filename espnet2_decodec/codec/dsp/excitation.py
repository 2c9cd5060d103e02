"""Excitation of the vocoder: pulses at f0 and noise, as MDCT frames of power 1."""

import math

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.mdct import mdct_basis

PhaseState = tuple[Tensor, Tensor, Tensor, Tensor]
"""Phase, f0 and voicing of the last frame, [B, N] each, and the number of frames so far [B]."""


class Excitation(nn.Module):
    """Pulses and noise for N stems.

    The positions of the pulses depend on f0 in all frames before, and the noise of a frame on its number.
    `advance_phase` accumulates both, frame by frame; all else depends on neighboring frames only. So a recording that
    is processed in blocks gets the same excitation as in one piece.

    Args:
        sample_rate: Hz.
        hop: samples between frames, which are 2 * hop samples long.
        f0_max: Hz; pulses above it are left out.
    """

    oversampling = 4
    """Possible pulse positions per sample."""

    noise_period = 1021
    """Number of frames after which the noise repeats."""

    pulse_table: Tensor
    noise_table: Tensor

    def __init__(self, sample_rate: int, hop: int, f0_max: float = 500.0):
        super().__init__()
        self.sample_rate, self.hop = sample_rate, hop
        self.max_pulses = math.ceil(f0_max * hop / sample_rate) + 1
        positions = torch.arange(2 * hop * self.oversampling, dtype=torch.float64) / self.oversampling
        self.register_buffer("pulse_table", mdct_basis(hop, positions).float(), persistent=False)
        self.register_buffer("noise_table", random_signs(self.noise_period, hop), persistent=False)

    @torch.no_grad()
    def advance_phase(self, f0: Tensor, voiced: Tensor, state: PhaseState | None) -> tuple[Tensor, PhaseState]:
        """Accumulate the phase of the pulses and the number of frames.

        Args:
            f0: [B, T, N] in Hz.
            voiced: [B, T, N] bool.
            state: returned by the call for the preceding frames; None at the start of a recording.

        Returns:
            [B, T, N + 1]: phase of each stem at the center of each frame, in periods within 0..1, then the number of
            the frame modulo `noise_period`. And the state after the last frame.
        """
        batch, frames, stems = f0.shape
        if state is None:
            state = (
                f0.new_zeros(batch, stems, dtype=torch.double),
                f0[:, 0],
                torch.zeros_like(voiced[:, 0]),
                torch.zeros(batch, device=f0.device, dtype=torch.long),
            )
        phase, last_f0, last_voiced, count = state
        start, end = self._rates(torch.cat([last_f0[:, None], f0], 1), torch.cat([last_voiced[:, None], voiced], 1))
        increments = (start + end).double() / 2 * self.hop  # periods from one center to the next
        phases = (phase[:, None] + increments.cumsum(1)) % 1
        numbers = count[:, None] + torch.arange(frames, device=f0.device)
        advanced = torch.cat([phases, (numbers % self.noise_period).double()[..., None]], dim=-1)
        return advanced.to(f0.dtype), (phases[:, -1], f0[:, -1], voiced[:, -1], count + frames)

    def _rates(self, f0: Tensor, voiced: Tensor) -> tuple[Tensor, Tensor]:
        """f0, voicing [B, T, N] -> pulses per sample at the center of a frame and of the next, [B, T - 1, N] each."""
        return self.pulse_rates(f0[:, :-1], f0[:, 1:], voiced[:, :-1], voiced[:, 1:])

    def pulse_rates(self, f0: Tensor, next_f0: Tensor, voiced: Tensor, next_voiced: Tensor) -> tuple[Tensor, Tensor]:
        """As `_rates`, of frames and of those after them [B, T, N] each; an unvoiced one takes the f0 of the other."""
        left, right = f0 / self.sample_rate, next_f0 / self.sample_rate
        start = torch.where(voiced | ~next_voiced, left, right)
        return start, torch.where(next_voiced, right, start)

    @torch.no_grad()
    def forward(self, f0: Tensor, voiced: Tensor, phase: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """MDCT frames of the excitation.

        Args:
            f0: [B, T, N] in Hz.
            voiced: [B, T, N] bool.
            phase: [B, T, N + 1], from `advance_phase`.
            mask: [B, T] of valid frames, or None.

        Returns:
            Pulses [B, T, N, hop] and noise [B, T, 1, hop].
        """
        batch, frames, stems = f0.shape
        phases, numbers = phase[..., :stems], phase[..., stems].round().long()
        start, end = self._rates(f0, voiced)
        slope = (end - start) / self.hop
        pulse_numbers = torch.ceil(phases[:, :-1])[..., None] + torch.arange(self.max_pulses, device=f0.device)
        remaining = pulse_numbers - phases[:, :-1, :, None]  # periods until each pulse, [B, T - 1, N, max_pulses]
        root = (start[..., None].square() + 2 * slope[..., None] * remaining).clamp(min=0).sqrt()
        positions = 2 * remaining / (start[..., None] + root)  # in samples after the center of the left frame
        active = voiced[:, :-1] | voiced[:, 1:]
        if mask is not None:
            active = active & mask[:, 1:, None]
        pulses = ((positions < self.hop) & active[..., None]).nonzero(as_tuple=True)
        item, frame, stem = pulses[:3]
        amplitudes = (start[pulses[:3]] + slope[pulses[:3]] * positions[pulses]).rsqrt().repeat(2)
        rows = (positions[pulses] * self.oversampling).long()
        rows = torch.cat([rows + self.hop * self.oversampling, rows])  # in the left frame, and in the right one
        segment_ids = torch.cat([(item * frames + frame) * stems + stem, (item * frames + frame + 1) * stems + stem])
        summed = self._segment_sum(rows, segment_ids, amplitudes, batch * frames * stems)
        return summed.view(batch, frames, stems, self.hop), self.noise_table[numbers][:, :, None]

    def _segment_sum(self, rows: Tensor, segment_ids: Tensor, weights: Tensor, segments: int) -> Tensor:
        """Weighted sum of rows of the pulse table over each segment: [segments, hop]."""
        order = segment_ids.argsort(stable=True)
        starts = torch.searchsorted(segment_ids[order], torch.arange(segments, device=segment_ids.device))
        return nn.functional.embedding_bag(
            rows[order],
            self.pulse_table,
            starts,
            mode="sum",
            per_sample_weights=weights[order].to(self.pulse_table.dtype),
        )


def random_signs(rows: int, columns: int) -> Tensor:
    """A fixed pseudorandom matrix [rows, columns] of -1 and 1: white noise of power 1 in the MDCT domain."""
    index = torch.arange(rows * columns, dtype=torch.int64)
    mixed = (index * 2654435761 + 12345) % 2**32  # Knuth's multiplicative hash, then its high bits mixed in
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) % 2**32
    return (((mixed ^ (mixed >> 13)) >> 16) % 2 * 2 - 1).float().view(rows, columns)
