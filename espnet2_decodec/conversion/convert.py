"""Voice conversion of waveforms and of tokens.

The parametric levels of the speech stream code a mel envelope and f0, and both carry the voice. Swapping levels alone,
as in the DeCodec paper, therefore changes the voice little. Here envelope and f0 are predicted by the voice model, or
shifted to the reference (see `shift`), and decoded as they are; shifted ones can also be quantized again, which costs
similarity and intelligibility.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.streaming import pad_coordinates
from espnet2_decodec.codec.validation import check_wav
from espnet2_decodec.conversion.features import (
    VocoderFeatures,
    cycle_blocks,
    decode_features,
    encode_background,
    extract_features,
    parametric_backbone,
    synthesize,
)
from espnet2_decodec.conversion.shift import BLOCK_FRAMES, shift_voice
from espnet2_decodec.types import Codes
from espnet2_decodec.voice import speech
from espnet2_decodec.voice.backgrounds import CROSSFADE_SECONDS, RecordedBackground
from espnet2_decodec.voice.converter import convert_voice
from espnet2_decodec.voice.prompt import analyze_prompt
from espnet2_decodec.voice.voice_model import VoiceModel

METHODS = ("knn_shift", "knn_codes", "swap_codes")


@torch.no_grad()
def convert(
    codec: DeCodec,
    wav: Tensor,
    reference: Tensor,
    background: Tensor | None = None,
    *,
    lengths: Tensor | None = None,
    reference_lengths: Tensor | None = None,
    background_lengths: Tensor | None = None,
    convert_f0: bool = True,
    voice_model: VoiceModel | None = None,
    seed: int = 0,
) -> Tensor:
    """Convert the speech in waveforms to other voices, without quantization.

    Args:
        codec: with parametric levels; for a voice model the one that this was trained with.
        wav: [B, L] in -1..1 at the codec's sample rate: content, prosody and timing.
        reference: [B, L'] recordings of the voices.
        background: [B, L''] recordings whose background is mixed in, repeated or cut to length, such as `wav` itself;
            None for no background.
        lengths: [B] in samples; None when all recordings are L long.
        reference_lengths: [B], the same for `reference`.
        background_lengths: [B], the same for `background`.
        convert_f0: whether the median f0 becomes that of the reference.
        voice_model: predicts mel envelope and f0 from the semantic features of the source and the reference; None to
            shift those of the source, see `shift.shift_voice`.
        seed: of the voice model.

    Returns:
        [B, L], zero beyond each length.

    Raises:
        ValueError: if the codec has no parametric levels or does not fit the voice model, the batches differ in size, a
            shape or a length cannot be right, a sample is not finite, or there is no speech in a reference.
    """
    parametric_backbone(codec)
    if voice_model is not None:
        voice_model.check_codec(codec)
    wav, reference = codec.as_input(wav), codec.as_input(reference, "reference")
    background = None if background is None else codec.as_input(background, "background")
    sources, references = _split(wav, lengths), _split(reference, reference_lengths)
    backgrounds: list[Tensor | None] = [None] * len(sources)
    if background is not None:
        backgrounds = list(_split(background, background_lengths))
    if not len(sources) == len(references) == len(backgrounds):
        raise ValueError(
            f"Batches must have one size: {len(sources)} recordings, {len(references)} references, "
            f"{len(backgrounds)} backgrounds."
        )
    converted = wav.new_zeros(wav.shape)
    for row, (source, voice, background_wav) in enumerate(zip(sources, references, backgrounds)):
        if voice_model is not None:
            found = _predict(codec, voice_model, source, voice, background_wav, convert_f0, seed)
        else:
            found = _shift(codec, source, voice, background_wav, convert_f0)
        converted[row, : len(source)] = found
    return converted


def _shift(codec: DeCodec, source: Tensor, voice: Tensor, background: Tensor | None, convert_f0: bool) -> Tensor:
    """The source [L] with mel envelope and f0 shifted to those of the voice [L'], over the background of [L'']."""
    features = shift_voice(
        extract_features(codec, [source]), extract_features(codec, [voice]), codec.sample_rate, convert_f0
    )
    blocks: Iterable[Tensor] = (
        () if background is None else cycle_blocks(partial(encode_background, codec, [background]))
    )
    return torch.cat(list(synthesize(codec, features, blocks)))


def _predict(
    codec: DeCodec,
    model: VoiceModel,
    source: Tensor,
    voice: Tensor,
    background: Tensor | None,
    convert_f0: bool,
    seed: int,
) -> Tensor:
    """The source [L] in the voice [L'] by the voice model, over the background of [L'']."""
    prompt = analyze_prompt(codec, [voice])
    converted = convert_voice(model, codec, speech.analyze(codec, [source]), prompt, convert_f0=convert_f0, seed=seed)
    wav = torch.cat(list(speech.synthesize(codec, [converted], len(source))))
    if background is None:
        return wav
    crossfade = round(CROSSFADE_SECONDS * codec.sample_rate)
    return wav + loop_to_length(torch.cat(list(RecordedBackground(codec, [background]))), len(wav), crossfade=crossfade)


@torch.no_grad()
def convert_codes(
    codec: DeCodec,
    source: Codes,
    reference: Codes,
    method: str = "knn_shift",
    convert_f0: bool = True,
    features: tuple[VocoderFeatures, VocoderFeatures] | None = None,
) -> Codes:
    """Convert the speech tokens of one recording to the voice of another; the background tokens stay.

    Args:
        codec: that made both.
        source: codes of one recording.
        reference: codes of one recording of the voice, of any length.
        method: `knn_shift` shifts envelope and f0, see `shift.shift_voice`, and gives the parametric levels.
            `knn_codes` keeps the first level, and takes the other parametric levels (all others, if the codec has none)
            from the reference frame whose first level is nearest. `swap_codes` keeps the first level, and takes all
            others from the reference frame by frame, repeated or cut, as in the paper.
        convert_f0: whether the median f0 becomes that of the reference; for `knn_shift` only.
        features: those of source and reference from `extract_features`, for `knn_shift`. By default they are decoded
            from the tokens, with quantization errors that make the result less intelligible.

    Returns:
        Codes with speech [1, P, T], P = `codec.parametric_levels`, for `knn_shift`.

    Raises:
        ValueError: if the method is unknown, or not possible with this codec; if codes are not of this codec, of more
            than one recording, or without speech level; or if there is no speech in the reference.
        TypeError: if source or reference are not `Codes`.
    """
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r}; choose one of {', '.join(METHODS)}.")
    for name, codes in (("source", source), ("reference", reference)):
        codec.check_codes(codes)
        if len(codes.lengths) != 1 or not codes.speech.shape[1] or not codes.speech.shape[2]:
            raise ValueError(f"The {name} must be the codes of one recording with speech levels.")
    if method == "swap_codes":
        return replace(source, speech=_swap_codes(codec, source.speech, reference.speech))
    if method == "knn_codes":
        return replace(source, speech=_knn_codes(codec, source.speech, reference.speech))
    parametric_backbone(codec)
    own, target = features or (decode_features(codec, codes) for codes in (source, reference))
    if len(own.envelope) != source.speech.shape[2]:
        raise ValueError(
            f"The source has {source.speech.shape[2]} frames of tokens but {len(own.envelope)} of features; "
            "give the features of the same recording."
        )
    coordinates = pad_coordinates(codec, shift_voice(own, target, codec.sample_rate, convert_f0).coordinates)
    return replace(source, speech=codec.speech_quantizer.encode(coordinates, codec.parametric_levels))


def _split(wav: Tensor, lengths: Tensor | None) -> list[Tensor]:
    """A batch [B, L] -> its recordings without padding."""
    return [row[:length] for row, length in zip(wav, check_wav(wav, lengths).tolist())]


def _swap_codes(codec: DeCodec, source: Tensor, reference: Tensor) -> Tensor:
    """[1, K, T] and [1, K', T'] -> [1, K', T]: the first level of the source, the others of the reference."""
    index = torch.arange(source.shape[2], device=source.device) % reference.shape[2]
    return _join_codes(codec, source, reference, index)


def _knn_codes(codec: DeCodec, source: Tensor, reference: Tensor) -> Tensor:
    """The first level of the source, the others of the nearest reference frame: [1, P, T], or [1, K', T] without P."""
    quantizer = codec.speech_quantizer
    reference = reference[:, : codec.parametric_levels or None]
    queries, keys = (
        _standardize(quantizer.decode(x[:, :1])[0, : quantizer.semantic_dim].T) for x in (source, reference)
    )
    index = torch.cat([(block @ keys.T).argmax(1) for block in queries.split(BLOCK_FRAMES)])
    return _join_codes(codec, source, reference, index)


def _join_codes(codec: DeCodec, source: Tensor, reference: Tensor, index: Tensor) -> Tensor:
    """First level of the source [1, K, T], other levels of the reference frames `index` [T].

    Where the parameters are coded relative to their prediction from the first level, those of the reference are coded
    anew, relative to the first level of the source.
    """
    levels, quantizer = reference.shape[1], codec.speech_quantizer
    if not isinstance(quantizer, SemanticRVQ) or levels < 2:
        return torch.cat([source[:, :1], reference[:, 1:, index]], dim=1)
    latent = quantizer.decode(reference)[:, :, index]
    latent[:, : quantizer.semantic_dim] = quantizer.semantic.decode(source[:, :1])
    return quantizer.encode(latent, levels)


def _standardize(x: Tensor) -> Tensor:
    """[T, D] -> unit vectors [T, D] of coordinates with zero mean and unit variance over time."""
    std = x.std(0, correction=0)
    scale = torch.where(std > 1e-6, 1 / std.clamp(min=1e-6), torch.zeros_like(std))
    return F.normalize((x - x.mean(0)) * scale, dim=1)
