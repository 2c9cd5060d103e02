"""Voice conversion: what one recording says, in the voice of another, on tokens of both.

The first levels of a stream tell a vocoder what it needs (`DeCodec.parametric_levels`): a mel envelope and the pitch. The voice
is in all of them, in the first as well, so exchanging levels alone (as the paper does) does not change much. What is done here
instead moves the envelope of each frame by what lies between the frames of the reference that are like it and the frames of
the source that are like it: nearest neighbours as in kNN-VC (Baas et al., 2023, arXiv 2305.18975), but their means are used
as a difference only, so that what is said stays that of the source.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.latent_stream import LatentEncoder
from espnet2_decodec.mel import hz_to_mel, mel_to_hz
from espnet2_decodec.types import Codes

METHODS = ("shift", "matched", "levels")
NEIGHBORS = 32
"""Frames over which means are taken: fewer come nearer to the voice, more are better understood."""
AROUND = 2
"""Frames on each side over which the way that an envelope moves is smoothed, for the same reason."""
MOST = 3000
"""Frames of a recording that neighbours are looked for among, evenly chosen: 1 minute."""
BLOCK = 1024
"""Frames that are worked on at a time, so that memory stays flat."""
DEPTH = 30.0
"""dB below its loudest frame down to which a frame of a recording counts as speech."""
STRETCHES = tuple(1.04**step for step in range(-6, 7))
"""Of the frequency axis, by which a longer or shorter vocal tract is made up for."""
KNEE = 5500.0
"""Hz up to which frequencies are stretched; from there on the axis goes straight to its end."""


@dataclass(frozen=True)
class Voice:
    """The parametric coordinates of a recording.

    Attributes:
        envelope: [T, E], log-like.
        pitch: [T, 2], log f0 and voicing as coordinates.
        active: [T] bool, where there is speech.
        voiced: [T] bool, where it has a pitch.
    """

    envelope: Tensor
    pitch: Tensor
    active: Tensor
    voiced: Tensor

    @property
    def spoken(self) -> Tensor:
        """[N, E] envelopes of frames with speech, at most `MOST`."""
        found = self.envelope[self.active]
        return found[torch.linspace(0, len(found) - 1, min(MOST, len(found))).round().long()]


@torch.no_grad()
def convert(
    codec: DeCodec,
    source: Codes,
    reference: Codes,
    method: str = "shift",
    move_pitch: bool = True,
    voices: tuple[Voice, Voice] | None = None,
) -> Codes:
    """Speech tokens of `source` in the voice of `reference`, beside the background tokens of `source`.

    Args:
        codec: that made both.
        source, reference: of one recording each, of any lengths.
        method: `shift` moves envelopes, see above, and gives the parametric levels. `matched` keeps the first level and takes
            the others (the other parametric ones, where there are such) from the frame of the reference that is most alike.
            `levels` keeps the first level and takes all others from the reference frame by frame, whatever is said there,
            repeated or cut: the paper's.
        move_pitch: whether the median of log f0 becomes the reference's; with `shift` only.
        voices: what `listen` makes of both recordings, for `shift`. Without them the tokens tell the same with errors of
            their own, and the result is understood less well.

    Returns:
        Codes with speech [1, P, T], P = `codec.parametric_levels` for `shift`.

    Raises:
        ValueError: if the method is unknown, or not possible with this codec; if there is more than one recording, or not
            a single speech level; or if there is no speech in the reference.
    """
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r}; there are {', '.join(METHODS)}.")
    for name, codes in (("source", source), ("reference", reference)):
        if len(codes.lengths) != 1 or not codes.speech.shape[1] or not codes.speech.shape[2]:
            raise ValueError(f"The {name} must be the codes of one recording with speech levels.")
    if method == "levels":
        return replace(source, speech=_exchanged(source.speech, reference.speech))
    levels = codec.parametric_levels
    if method == "matched":
        return replace(source, speech=_matched(codec, source.speech, reference.speech))
    if not levels:
        raise ValueError("This model has no parametric levels, so that only the methods matched and levels are possible.")
    if voices is None and min(source.speech.shape[1], reference.speech.shape[1]) < levels:
        raise ValueError(f"Method shift needs the first {levels} speech levels of both recordings.")
    spoken, wanted = voices or (voice(codec, codes) for codes in (source, reference))
    if len(spoken.envelope) != source.speech.shape[2]:
        raise ValueError(f"The source has {source.speech.shape[2]} frames, but {len(spoken.envelope)} of them were listened to.")
    if not wanted.active.any():
        raise ValueError("There is no speech in the reference.")
    coordinates = torch.zeros(1, codec.speech_quantizer.dim, len(spoken.envelope), device=source.speech.device)
    moved = torch.cat([moved_envelope(spoken, wanted, codec.sample_rate), moved_tone(spoken, wanted, move_pitch)], dim=1)
    coordinates[0, : moved.shape[1]] = moved.T
    return replace(source, speech=codec.speech_quantizer.encode(coordinates, levels))


def voice(codec: DeCodec, codes: Codes) -> Voice:
    """The parametric coordinates of one recording, as its first levels tell them."""
    parts = codec.speech_quantizer.decode(codes.speech[:, : codec.parametric_levels])
    return _voice(codec, parts[0, : codec.backbone.parametric_dim].T)


@torch.no_grad()
def listen(codec: DeCodec, blocks: Iterable[Tensor]) -> Voice:
    """The parametric coordinates of one recording, as they are before they are quantized.

    Args:
        codec: with parametric levels.
        blocks: samples [l] in -1..1 at the codec's rate, in order.

    Raises:
        ValueError: if the codec cannot be cut into blocks, or there are no samples.
    """
    encoder = LatentEncoder(codec)
    latents = [encoder.push(wav) for wav in blocks if len(wav)]
    found = [latent for latent in (*latents, encoder.flush()) if latent is not None]
    if not found:
        raise ValueError("There are no samples to listen to.")
    parts = (codec.subspace.split(latent.T[None])[0][0, : codec.backbone.parametric_dim].T for latent in found)
    return _voice(codec, torch.cat(list(parts)))


def _voice(codec: DeCodec, coordinates: Tensor) -> Voice:
    """Coordinates [T, parametric_dim] with what they tell."""
    backbone = codec.backbone
    envelope, pitch = coordinates[:, : backbone.semantic_dim], coordinates[:, backbone.semantic_dim :]
    loudness = envelope.mean(1)
    sounding = loudness > loudness.max() - backbone.scale * math.log(10) * DEPTH / 20
    active = sounding & (loudness > 0.1 * backbone.scale)
    return Voice(envelope, pitch, active, active & backbone.pitch.frequency(pitch)[1])


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


def _exchanged(source: Tensor, reference: Tensor) -> Tensor:
    """[1, K, T] and [1, K', T'] -> [1, K', T]: the first level of one, the others of the other, repeated or cut."""
    index = torch.arange(source.shape[2], device=source.device) % reference.shape[2]
    return torch.cat([source[:, :1], reference[:, 1:, index]], dim=1)


def _matched(codec: DeCodec, source: Tensor, reference: Tensor) -> Tensor:
    """The first level of one, the others of the frame of the other whose first level is most alike, each by its own mean and
    deviation: [1, P, T], or [1, K', T] where levels are all alike."""
    reference = reference[:, : codec.parametric_levels or None]
    spoken, wanted = (_standard(codec.speech_quantizer.decode(x[:, :1])[0].T) for x in (source, reference))
    index = torch.cat([(frames @ wanted.T).argmax(1) for frames in spoken.split(BLOCK)])
    return torch.cat([source[:, :1], reference[:, 1:, index]], dim=1)


def _standard(x: Tensor) -> Tensor:
    """[T, D] with mean 0 and variance 1 over time, then of norm 1 over coordinates."""
    spread = x.std(0, correction=0)
    scale = torch.where(spread > 1e-6, 1 / spread.clamp(min=1e-6), torch.zeros_like(spread))
    return torch.nn.functional.normalize((x - x.mean(0)) * scale, dim=1)
