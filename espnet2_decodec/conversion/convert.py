"""Voice conversion: what one recording says, in the voice of another, as tokens or as sound.

The first levels of a stream tell a vocoder what it needs (`DeCodec.parametric_levels`): a mel envelope and the pitch. The voice
is in all of them, in the first as well, so exchanging levels alone (as the paper does) does not change much. What is done here
instead moves envelope and pitch, see `voices`. They can then be quantized again, which costs some of the voice and many words,
or decoded as they are.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.latent_stream import LatentDecoder, LatentEncoder
from espnet2_decodec.codec.streaming import BLOCK as FRAMES
from espnet2_decodec.codec.windows import rechunk
from espnet2_decodec.conversion.voices import BLOCK, Voice, moved
from espnet2_decodec.types import Codes

METHODS = ("shift", "matched", "levels")
DEPTH = 30.0
"""dB below its loudest frame down to which a frame of a recording counts as speech."""


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
        method: `shift` moves envelopes, see `voices.moved`, and gives the parametric levels. `matched` keeps the first level and
            takes the others (the other parametric ones, where there are such) from the frame of the reference that is most
            alike. `levels` keeps the first level and takes all others from the reference frame by frame, whatever is said there,
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
    if method == "matched":
        return replace(source, speech=_matched(codec, source.speech, reference.speech))
    if not codec.parametric_levels:
        raise ValueError(
            "This model has no parametric levels, so that only the methods matched and levels are possible."
        )
    spoken, wanted = voices or (voice(codec, codes) for codes in (source, reference))
    if len(spoken.envelope) != source.speech.shape[2]:
        raise ValueError(
            f"The source has {source.speech.shape[2]} frames, but {len(spoken.envelope)} of them were listened to."
        )
    coordinates = _filled(codec, moved(spoken, wanted, codec.sample_rate, move_pitch).coordinates)
    return replace(source, speech=codec.speech_quantizer.encode(coordinates, codec.parametric_levels))


@torch.no_grad()
def convert_wav(
    codec: DeCodec, source: Tensor, reference: Tensor, background: Tensor | None = None, move_pitch: bool = True
) -> Tensor:
    """What one recording says in the voice of another, without tokens on the way: the voice comes nearer, and more is understood.

    Args:
        codec: with parametric levels.
        source: samples [L] in -1..1 at the codec's rate: what is said, how, and how long.
        reference: samples [L']: the voice.
        background: samples [L''], such as those of the source, whose background is heard under it, repeated or cut; None for
            no background.
        move_pitch: whether the median of log f0 becomes the reference's.

    Returns:
        Samples [L].

    Raises:
        ValueError: if the codec has no parametric levels, a recording has no samples, or there is no speech in the reference.
    """
    spoken, wanted = (listen(codec, [wav]) for wav in (source, reference))
    under = () if background is None else repeated(lambda: listen_to_background(codec, [background]))
    return torch.cat(list(synthesize(codec, moved(spoken, wanted, codec.sample_rate, move_pitch), under)))


def voice(codec: DeCodec, codes: Codes) -> Voice:
    """The parametric coordinates of one recording, as its first levels tell them.

    Raises:
        ValueError: if the codec has no parametric levels, or the codes lack one of them.
    """
    levels = _parametric(codec)
    if codes.speech.shape[1] < levels:
        raise ValueError(
            f"A voice takes the first {levels} speech levels of a recording, and here are {codes.speech.shape[1]}."
        )
    parts = codec.speech_quantizer.decode(codes.speech[:, :levels])
    return _voice(codec, parts[0, : codec.backbone.parametric_dim].T, int(codes.lengths[0]))


@torch.no_grad()
def listen(codec: DeCodec, blocks: Iterable[Tensor]) -> Voice:
    """The parametric coordinates of one recording, as they are before they are quantized.

    Args:
        codec: with parametric levels.
        blocks: samples [l] in -1..1 at the codec's rate, in order.

    Raises:
        ValueError: if the codec has no parametric levels, or there are no samples.
    """
    _parametric(codec)
    count, encoder = codec.backbone.parametric_dim, LatentEncoder(codec)
    parts = [codec.subspace.split(latent.T[None])[0][0, :count].T for latent in _latents(encoder, blocks)]
    if not parts:
        raise ValueError("There are no samples to listen to.")
    coordinates = torch.cat(parts)
    return _voice(codec, coordinates, len(coordinates) * codec.hop - encoder.missing)


@torch.no_grad()
def listen_to_background(codec: DeCodec, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
    """The background coordinates of one recording before they are quantized, as blocks [t, D_b]; see `listen`."""
    for latent in _latents(LatentEncoder(codec), blocks):
        yield codec.subspace.split(latent.T[None])[1][0].T


@torch.no_grad()
def synthesize(codec: DeCodec, spoken: Voice, background: Iterable[Tensor] = ()) -> Iterator[Tensor]:
    """The sound of parametric coordinates that were never quantized.

    Args:
        codec: that the coordinates are of.
        spoken: the speech.
        background: blocks [t, D_b] of coordinates that are heard under it; after their end there is none.

    Returns:
        Blocks of samples [l], as many as the recording has.
    """
    decoder, blocks = LatentDecoder(codec), rechunk(background, FRAMES)
    decoder.expect(spoken.length)
    for part in spoken.coordinates.split(FRAMES):
        under = part.new_zeros(len(part), codec.background_quantizer.dim)
        found = next(blocks, under)[: len(part)]
        under[: len(found)] = found
        yield decoder.push(codec.subspace.merge(_filled(codec, part), under.T[None])[0].T)
    yield decoder.flush()


def repeated(again: Callable[[], Iterable[Tensor]]) -> Iterator[Tensor]:
    """Blocks over and over, without an end.

    Args:
        again: function that begins anew: () -> blocks [t, ...].

    Raises:
        ValueError: if it gives no frames.
    """
    while True:
        count = 0
        for block in again():
            count += len(block)
            yield block
        if not count:
            raise ValueError("A background without frames cannot be repeated.")


def _parametric(codec: DeCodec) -> int:
    """How many parametric levels the codec has, or a clear refusal."""
    if not codec.parametric_levels:
        raise ValueError(
            "This model has no parametric levels, and without them no envelope and no pitch that could be moved."
        )
    return codec.parametric_levels


def _latents(encoder: LatentEncoder, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
    """Samples -> latent frames [t, D] in blocks."""
    for wav in rechunk(blocks, FRAMES * encoder.codec.hop):
        latent = encoder.push(wav)
        if latent is not None:
            yield latent
    latent = encoder.flush()
    if latent is not None:
        yield latent


def _filled(codec: DeCodec, coordinates: Tensor) -> Tensor:
    """[T, C] first coordinates of the speech -> all of them, [1, D_s, T], the others zero."""
    filled = coordinates.new_zeros(1, codec.speech_quantizer.dim, len(coordinates))
    filled[0, : coordinates.shape[1]] = coordinates.T
    return filled


def _voice(codec: DeCodec, coordinates: Tensor, length: int) -> Voice:
    """Coordinates [T, parametric_dim] of a recording of `length` samples, with what they tell."""
    backbone = codec.backbone
    envelope, pitch = coordinates[:, : backbone.semantic_dim], coordinates[:, backbone.semantic_dim :]
    loudness = envelope.mean(1)
    sounding = loudness > loudness.max() - backbone.scale * math.log(10) * DEPTH / 20
    active = sounding & (loudness > 0.1 * backbone.scale)
    return Voice(envelope, pitch, active, active & backbone.pitch.frequency(pitch)[1], length)


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
