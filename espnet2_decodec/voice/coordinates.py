"""Coordinates of speech that the voice model predicts: mel envelope and continuous f0."""

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.dsp.pitch import PitchEstimator

VOICED = 0.5 * PitchEstimator.voicing_threshold * PitchEstimator.voicing_scale
"""Voicing coordinate above which the codec decodes a frame as voiced."""


def interpolate_f0(coordinates: Tensor) -> Tensor:
    """Interpolate log f0 linearly where a frame is unvoiced.

    Args:
        coordinates: [T, P] mel envelope, log f0 and voicing; log f0 and voicing are zero in unvoiced frames.

    Returns:
        [T, P]. The first and the last f0 continue to the ends; log f0 stays zero without voiced frames.
    """
    voiced = (coordinates[:, -1] > 0).nonzero()[:, 0]
    if not len(voiced):
        return coordinates
    f0 = coordinates[:, -2]
    time = torch.arange(len(f0), device=f0.device)
    after = torch.searchsorted(voiced, time).clamp(max=len(voiced) - 1)
    before = (torch.searchsorted(voiced, time, right=True) - 1).clamp(min=0)
    left, right = voiced[before], voiced[after]
    share = ((time - left) / (right - left).clamp(min=1)).clamp(0, 1)
    out = coordinates.clone()
    out[:, -2] = f0[left] * (1 - share) + f0[right] * share
    return out


def zero_unvoiced(coordinates: Tensor) -> Tensor:
    """Log f0 and voicing of unvoiced frames become zero, as the codec codes them: [..., P]."""
    voiced = coordinates[..., -1:] > VOICED
    return torch.cat([coordinates[..., :-2].clamp(min=0), coordinates[..., -2:] * voiced], dim=-1)


def relative_pitch(coordinates: Tensor) -> Tensor:
    """Interpolated coordinates [T, P] -> pitch condition [T, 3]: octaves relative to the median, voicing, 1."""
    return pitch_condition(coordinates[:, -2], coordinates[:, -1] > 0, median_octaves(coordinates))


def pitch_condition(log_f0: Tensor, voiced: Tensor, octaves: Tensor) -> Tensor:
    """Interpolated coordinate of log f0 [T], voiced [T] bool, median in octaves -> [T, 3], see `relative_pitch`."""
    f0 = log_f0 / PitchEstimator.octave_scale
    return torch.stack([f0 - octaves, voiced.to(f0), torch.ones_like(f0)], dim=1)


def median_octaves(coordinates: Tensor) -> Tensor:
    """Median log f0 of voiced frames of coordinates [T, P], in octaves; 0 without voiced frames."""
    voiced = coordinates[:, -1] > 0
    f0 = coordinates[voiced, -2] / PitchEstimator.octave_scale
    return f0.median() if len(f0) else coordinates.new_zeros(())


def amplify(coordinates: Tensor, gain: float, backbone: MDCTBackbone) -> Tensor:
    """Coordinates [..., P] of the same speech with another gain."""
    envelope = coordinates[..., :-2]
    magnitudes = gain * torch.expm1(envelope.clamp(min=0) / backbone.mel_scale)
    return torch.cat([backbone.mel_scale * torch.log1p(magnitudes), coordinates[..., -2:]], dim=-1)


def speech_level(coordinates: Tensor, backbone: MDCTBackbone) -> float:
    """RMS of the frames with speech, of coordinates [T, P]; 0 for silence."""
    power = frame_powers(coordinates, backbone)
    active = power[_within_30_db(power)]
    return float(active.mean().sqrt()) if len(active) else 0.0


def speech_mask(coordinates: Tensor, backbone: MDCTBackbone) -> Tensor:
    """Coordinates [T, P] -> [T] bool, frames within 30 dB of the loudest one."""
    return _within_30_db(frame_powers(coordinates, backbone))


def _within_30_db(power: Tensor) -> Tensor:
    """Powers [T] -> [T] bool, those within 30 dB of the largest."""
    return power > 1e-3 * power.max() if len(power) else power > 0


def set_level(coordinates: Tensor, level: float, backbone: MDCTBackbone) -> Tensor:
    """Coordinates [T, P] amplified to this `speech_level`; silence as it is."""
    own = speech_level(coordinates, backbone)
    return amplify(coordinates, level / own, backbone) if own > 0 else coordinates


def frame_powers(coordinates: Tensor, backbone: MDCTBackbone) -> Tensor:
    """Mean power [T] of the samples of each frame, according to the envelope in coordinates [T, P]."""
    magnitudes = backbone.mel_floor * torch.expm1(coordinates[:, :-2].clamp(min=0) / backbone.mel_scale)
    return (magnitudes @ backbone.mel_to_mdct).square().mean(-1)


def scale_pitch_range(coordinates: Tensor, factor: float) -> Tensor:
    """Coordinates [T, P] in which log f0 deviates `factor` times as much from its median over voiced frames."""
    voiced = coordinates[:, -1] > VOICED
    if not voiced.any():
        return coordinates
    f0 = coordinates[:, -2]
    median = f0[voiced].median()
    return torch.cat([coordinates[:, :-2], (median + factor * (f0 - median))[:, None], coordinates[:, -1:]], dim=1)
