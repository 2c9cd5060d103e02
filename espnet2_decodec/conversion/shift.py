"""Mel envelope and f0 of a recording, shifted to those of another voice.

kNN regression as in kNN-VC (Baas et al., 2023, arXiv 2305.18975). Instead of replacing a frame by the mean of its
nearest neighbors in the reference, the frame is shifted by the difference between that mean and the mean of its nearest
neighbors in the source, which preserves the content. Vocal tract length is normalized by a piecewise linear warp of the
frequency axis (VTLN; Lee and Rose, 1998).
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.mel import hz_to_mel, mel_to_hz
from espnet2_decodec.conversion.features import VocoderFeatures

NUM_NEIGHBORS = 32
"""k: fewer neighbors give more similarity to the voice, more neighbors more intelligibility."""
SMOOTHING_FRAMES = 2
"""Frames on each side over which the shift of the envelope is smoothed."""
MAX_KEYS = 3000
"""Frames of a recording that serve as keys, evenly spaced: 1 minute."""
BLOCK_FRAMES = 1024
"""Queries at a time, which bounds memory."""
WARP_FACTORS = tuple(1.04**step for step in range(-6, 7))
"""Candidates for the VTLN warp factor."""
WARP_BREAKPOINT_HZ = 5500.0
"""Frequencies are scaled up to here; above, the warp is linear to half the sample rate."""


def shift_voice(
    source: VocoderFeatures, reference: VocoderFeatures, sample_rate: int, convert_f0: bool = True
) -> VocoderFeatures:
    """The content, level and timing of `source` in the voice of `reference`.

    Args:
        source: features of the content.
        reference: features of the voice, of any length.
        sample_rate: Hz, of both.
        convert_f0: whether the median f0 becomes that of the reference.

    Raises:
        ValueError: if there is no speech in the reference.
    """
    if not reference.is_speech.any():
        raise ValueError("There is no speech in the reference; give a recording of the voice.")
    envelope = shift_envelope(source, reference, sample_rate)
    return replace(source, envelope=envelope, pitch=shift_f0(source, reference) if convert_f0 else source.pitch)


def shift_envelope(source: VocoderFeatures, reference: VocoderFeatures, sample_rate: int) -> Tensor:
    """Envelopes [T, F] of the source with the voice of the reference and the level of the source."""
    if not source.is_speech.any():
        return source.envelope
    target = speech_frames(reference)
    warp = estimate_vtln_warp(speech_frames(source), target, sample_rate)
    warped, own = (warp_envelope(x, warp, sample_rate) for x in (source.envelope, speech_frames(source)))
    (mean, std), (target_mean, target_std) = (
        (x.mean(0), x.std(0, correction=0).clamp(min=1e-4)) for x in (own, target)
    )
    matched, own_values = ((x - mean) * (target_std / std) + target_mean for x in (warped, own))
    queries, own_keys = (_normalize((x - mean) / std) for x in (warped, own))
    target_keys = _normalize((target - target_mean) / target_std)
    shifted = torch.cat(
        [
            frames + knn_regression(q, target_keys, target) - knn_regression(q, own_keys, own_values)
            for frames, q in zip(matched.split(BLOCK_FRAMES), queries.split(BLOCK_FRAMES))
        ]
    )
    delta = (shifted - source.envelope) * source.is_speech[:, None]
    delta = _smooth(delta - delta.mean(1, keepdim=True))
    return torch.where(source.is_speech[:, None], (source.envelope + delta).clamp(min=0), source.envelope)


def shift_f0(source: VocoderFeatures, reference: VocoderFeatures) -> Tensor:
    """Pitch [T, 2] of the source, with the median of its log f0 shifted to that of the reference."""
    pitch = source.pitch.clone()
    if source.is_voiced.any() and reference.is_voiced.any():
        delta = reference.pitch[reference.is_voiced, 0].median() - source.pitch[source.is_voiced, 0].median()
        pitch[source.is_voiced, 0] += delta
    return pitch


def speech_frames(features: VocoderFeatures) -> Tensor:
    """Envelopes [N, F] of at most `MAX_KEYS` frames with speech."""
    frames = features.envelope[features.is_speech]
    return frames[torch.linspace(0, len(frames) - 1, min(MAX_KEYS, len(frames))).round().long()]


def knn_regression(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Mean value of the k nearest keys by cosine similarity, without its level: [n, F], [M, F], [M, F] -> [n, F]."""
    index = (queries @ keys.T).topk(min(NUM_NEIGHBORS, len(keys)), dim=1).indices
    mean = values[index].mean(1)
    return mean - mean.mean(1, keepdim=True)


def estimate_vtln_warp(source: Tensor, target: Tensor, sample_rate: int) -> float:
    """The warp factor that brings envelopes [N, F] nearest to those of the target [M, F], by mean cosine similarity."""
    keys = _normalize(target)

    def similarity(warp: float) -> float:
        cosines = _normalize(warp_envelope(source, warp, sample_rate)) @ keys.T
        return cosines.topk(min(4, len(keys)), dim=1).values.mean().item()

    return max(WARP_FACTORS, key=similarity)


def warp_envelope(envelope: Tensor, warp: float, sample_rate: int) -> Tensor:
    """Move what mel envelopes [..., F] have at f Hz to f * warp, up to the breakpoint."""
    n_mels, nyquist = envelope.shape[-1], sample_rate / 2
    max_mel = hz_to_mel(torch.tensor(nyquist, dtype=torch.float64))
    hz = mel_to_hz(torch.linspace(0, 1, n_mels + 2, dtype=torch.float64)[1:-1] * max_mel)
    break_hz = min(WARP_BREAKPOINT_HZ, WARP_BREAKPOINT_HZ / warp)
    above = break_hz + (hz - break_hz * warp) * (nyquist - break_hz) / (nyquist - break_hz * warp)
    position = hz_to_mel(torch.where(hz < break_hz * warp, hz / warp, above)) / max_mel * (n_mels + 1) - 1
    position = position.clamp(0, n_mels - 1)
    left = position.floor().long().clamp(max=n_mels - 2)
    fraction = (position - left).to(envelope)
    left = left.to(envelope.device)
    return envelope[..., left] * (1 - fraction) + envelope[..., left + 1] * fraction


def _normalize(x: Tensor) -> Tensor:
    """[N, F] -> unit vectors [N, F] of the envelope without its level."""
    return F.normalize(x - x.mean(1, keepdim=True), dim=1)


def _smooth(x: Tensor) -> Tensor:
    """Smooth [T, F] over time with a Hann window."""
    window = torch.hann_window(2 * SMOOTHING_FRAMES + 3, periodic=False, dtype=x.dtype, device=x.device)[1:-1]
    padded = F.pad(x.T[:, None], (SMOOTHING_FRAMES, SMOOTHING_FRAMES), mode="replicate")
    return F.conv1d(padded, (window / window.sum())[None, None])[:, 0].T
