"""The envelope and the pitch of a recording, moved to those of another voice.

The envelope of each frame moves by what lies between the frames of the reference that are like it and the frames of the source
that are like it: nearest neighbours as in kNN-VC (Baas et al., 2023, arXiv 2305.18975), but their means are used as a difference
only, so that what is said stays that of the source.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from espnet2_decodec.codec.dsp.mel import hz_to_mel, mel_to_hz

NEIGHBORS = 32
"""Frames over which means are taken: fewer come nearer to the voice, more are better understood."""
AROUND = 2
"""Frames on each side over which the way that an envelope moves is smoothed, for the same reason."""
MOST = 3000
"""Frames of a recording that neighbours are looked for among, evenly chosen: 1 minute."""
BLOCK = 1024
"""Frames that are worked on at a time, so that memory stays flat."""
STRETCHES = tuple(1.04**step for step in range(-6, 7))
"""Of the frequency axis, by which a longer or shorter vocal tract is made up for."""
KNEE = 5500.0
"""Hz up to which frequencies are stretched; from there on the axis goes straight to its end."""


@dataclass(frozen=True)
class Voice:
    """The parametric coordinates of a recording: 8 kB for a second.

    Attributes:
        envelope: [T, E], log-like.
        pitch: [T, 2], log f0 and voicing as coordinates.
        active: [T] bool, where there is speech.
        voiced: [T] bool, where it has a pitch.
        length: of the recording, in samples.
    """

    envelope: Tensor
    pitch: Tensor
    active: Tensor
    voiced: Tensor
    length: int

    @property
    def spoken(self) -> Tensor:
        """[N, E] envelopes of frames with speech, at most `MOST`."""
        found = self.envelope[self.active]
        return found[torch.linspace(0, len(found) - 1, min(MOST, len(found))).round().long()]

    @property
    def coordinates(self) -> Tensor:
        """[T, E + 2]: envelope and pitch, as the speech stream has them."""
        return torch.cat([self.envelope, self.pitch], dim=1)


def moved(source: Voice, reference: Voice, sample_rate: int, move_pitch: bool = True) -> Voice:
    """What `source` says in the voice of `reference`, as loud and as fast as it was.

    Args:
        source, reference: of any lengths.
        sample_rate: Hz, of both.
        move_pitch: whether the median of log f0 becomes the reference's.

    Raises:
        ValueError: if there is no speech in the reference.
    """
    if not reference.active.any():
        raise ValueError("There is no speech in the reference.")
    envelope = moved_envelope(source, reference, sample_rate)
    return replace(source, envelope=envelope, pitch=moved_tone(source, reference, move_pitch))


def moved_envelope(source: Voice, reference: Voice, sample_rate: int) -> Tensor:
    """The envelopes [T, E] of the source as the reference would have them, as loud as they were."""
    if not source.active.any():
        return source.envelope
    target = reference.spoken
    stretch = best_stretch(source.spoken, target, sample_rate)
    envelope, own = (stretched(x, stretch, sample_rate) for x in (source.envelope, source.spoken))
    (mean, spread), (to_mean, to_spread) = ((x.mean(0), x.std(0, correction=0).clamp(min=1e-4)) for x in (own, target))
    base, base_own = ((x - mean) * (to_spread / spread) + to_mean for x in (envelope, own))
    alike, alike_own = (_direction((x - mean) / spread) for x in (envelope, own))
    alike_target = _direction((target - to_mean) / to_spread)
    parts = []
    for frames, looks in zip(base.split(BLOCK), alike.split(BLOCK)):
        there = _neighborhood(looks, alike_target, target)
        here = _neighborhood(looks, alike_own, base_own)
        parts.append(frames + there - here)
    way = (torch.cat(parts) - source.envelope) * source.active[:, None]
    way = _smooth(way - way.mean(1, keepdim=True))
    return torch.where(source.active[:, None], (source.envelope + way).clamp(min=0), source.envelope)


def moved_tone(source: Voice, reference: Voice, move: bool = True) -> Tensor:
    """The pitch coordinates [T, 2] of the source, the median of its log f0 moved to that of the reference."""
    pitch = source.pitch.clone()
    if move and source.voiced.any() and reference.voiced.any():
        way = reference.pitch[reference.voiced, 0].median() - source.pitch[source.voiced, 0].median()
        pitch[source.voiced, 0] += way
    return pitch


def best_stretch(source: Tensor, target: Tensor, sample_rate: int) -> float:
    """The stretch of the frequency axis that brings the frames [N, E] nearest to those of the target [M, E], loudness apart."""
    wanted = _direction(target)

    def likeness(stretch: float) -> float:
        found = _direction(stretched(source, stretch, sample_rate)) @ wanted.T
        return found.topk(min(4, len(wanted)), dim=1).values.mean().item()

    return max(STRETCHES, key=likeness)


def stretched(envelope: Tensor, stretch: float, sample_rate: int) -> Tensor:
    """[..., E] mel envelopes with what was at f Hz at f * stretch, up to a knee."""
    bands, top = envelope.shape[-1], sample_rate / 2
    highest = hz_to_mel(torch.tensor(top, dtype=torch.float64))
    hz = mel_to_hz(torch.linspace(0, 1, bands + 2, dtype=torch.float64)[1:-1] * highest)
    knee = min(KNEE, KNEE / stretch)
    rest = knee + (hz - knee * stretch) * (top - knee) / (top - knee * stretch)
    places = hz_to_mel(torch.where(hz < knee * stretch, hz / stretch, rest)) / highest * (bands + 1) - 1
    places = places.clamp(0, bands - 1)
    left = places.floor().long().clamp(max=bands - 2)
    share = (places - left).to(envelope)
    left = left.to(envelope.device)
    return envelope[..., left] * (1 - share) + envelope[..., left + 1] * share


def _direction(x: Tensor) -> Tensor:
    """[N, E] free of loudness, of norm 1."""
    return torch.nn.functional.normalize(x - x.mean(1, keepdim=True), dim=1)


def _neighborhood(looks: Tensor, among: Tensor, values: Tensor) -> Tensor:
    """Of each of [n, E] directions, the mean [n, E] of the values [M, E] of those among [M, E] that are most alike, without its
    loudness."""
    index = (looks @ among.T).topk(min(NEIGHBORS, len(among)), dim=1).indices
    found = values[index].mean(1)
    return found - found.mean(1, keepdim=True)


def _smooth(x: Tensor) -> Tensor:
    """[T, E] -> [T, E]: means over the frames around, the nearer the heavier."""
    weights = torch.hann_window(2 * AROUND + 3, periodic=False, device=x.device)[1:-1]
    padded = torch.nn.functional.pad(x.T[:, None], (AROUND, AROUND), mode="replicate")
    return torch.nn.functional.conv1d(padded, (weights / weights.sum())[None, None])[:, 0].T
