"""The excitation of the vocoder with a fixed number of pulses per frame, most of which have no weight."""

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.excitation import Excitation
from espnet2_decodec.codec.export.frames import Context, Frames


def locate_pulses(context: Context, excitation: Excitation, f0: Frames, voiced: Tensor) -> tuple[Frames, Frames]:
    """The pulses of each frame, and its number, from the start of a recording on.

    Args:
        context: of the frames.
        excitation: whose pulses they are.
        f0: [B, T, N] in Hz.
        voiced: [B, T, N] bool.

    Returns:
        [B, T, N, 4, P], one frame later: rows of the pulse table and weights of the pulses after the center of the
        frame, and the same of those before it. And the number of the frame modulo `noise_period` [B, T, 1].
    """
    valid = context.valid(f0).to(f0.x.dtype)
    states = torch.cat([f0.x, voiced.to(f0.x.dtype), valid.expand_as(f0.x)], dim=-1)
    last_states = context.window(Frames(states, f0.delay), 1, 0).x[:, :-1]
    last_f0, last_voiced, last_valid = last_states.split(int(f0.x.shape[-1]), dim=-1)
    last_f0, last_voiced = torch.where(last_valid > 0.5, last_f0, f0.x), last_voiced > 0.5
    start, end = excitation.pulse_rates(last_f0, f0.x, last_voiced, voiced)
    increments = (start + end).double() / 2 * excitation.hop * valid.double()
    last_phase = _accumulate(context, increments)
    numbers = count_frames(context, valid, excitation.noise_period)
    active = (last_voiced | voiced) & (last_valid * valid > 0.5)
    located = _between_centers(excitation, last_phase, start, end, active)
    pairs = context.window(Frames(located, f0.delay), 0, 1)
    before, after = pairs.x[:, :-1, :, 2:], pairs.x[:, 1:, :, :2]
    return Frames(torch.cat([after, before], dim=-2), pairs.delay), Frames(numbers, f0.delay)


def sum_pulses(excitation: Excitation, located: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Results of `locate_pulses` -> pulses [B, T, N, hop] and noise [B, T, 1, hop], as `Excitation.forward`."""
    rows, weights = located[..., 0::2, :].flatten(-2).round().long(), located[..., 1::2, :].flatten(-2)
    pulses = (F.embedding(rows, excitation.pulse_table) * weights[..., None]).sum(-2)
    return pulses, excitation.noise_table[numbers.round().long().squeeze(-1)][:, :, None]


def _accumulate(context: Context, increments: Tensor) -> Tensor:
    """Increments [B, T, N] in float64 -> phases within 0..1 before each, float32.

    The state has the phase as a sum of two numbers in float32, which lose nothing that matters.
    """
    last = context.previous(torch.cat([increments[:, 0], increments[:, 0]], dim=-1).float())
    high, low = last.double().split(int(increments.shape[-1]), dim=-1)
    phases = (high + low)[:, None] + increments.cumsum(1)
    phases = phases - phases.floor()
    end = phases[:, -1]
    context.keep(torch.cat([end.float(), (end - end.float().double()).float()], dim=-1))
    return torch.cat([(high + low)[:, None], phases], dim=1)[:, :-1].float()


def count_frames(context: Context, valid: Tensor, period: int) -> Tensor:
    """Valid frames [B, T, 1] -> number of each frame modulo the period [B, T, 1], float32."""
    counts = context.previous(valid[:, 0])[:, None] + valid.cumsum(1)
    context.keep(counts[:, -1].long().remainder(period).to(valid.dtype))
    return (counts - 1).clamp(min=0).long().remainder(period).to(valid.dtype)


def _between_centers(excitation: Excitation, phase: Tensor, start: Tensor, end: Tensor, active: Tensor) -> Tensor:
    """Pulses between the center of each last frame and that of the frame.

    Args:
        excitation: whose pulses they are.
        phase: at the first center [B, T, N].
        start: pulses per sample at the first center [B, T, N].
        end: the same at the second one.
        active: whether there are pulses [B, T, N].

    Returns:
        [B, T, N, 4, P]: rows of the pulse table and weights in the last frame, and the same in the frame.
    """
    hop, oversampling = excitation.hop, excitation.oversampling
    slope, start = ((end - start) / hop)[..., None], start[..., None]
    remaining = torch.ceil(phase)[..., None] + torch.arange(excitation.max_pulses) - phase[..., None]
    root = (start.square() + 2 * slope * remaining).clamp(min=0).sqrt()
    positions = 2 * remaining / (start + root)
    inside = (positions < hop) & active[..., None]
    positions = positions.clamp(max=hop - 0.5 / oversampling)
    weights = (start + slope * positions).clamp(min=1e-9).rsqrt() * inside
    rows = (positions * oversampling).floor()
    return torch.stack([rows + hop * oversampling, weights, rows, weights], dim=-2)
