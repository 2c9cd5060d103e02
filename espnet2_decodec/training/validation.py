"""Separation and reconstruction scores of one batch, in torch alone, light enough to be computed while training."""

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.training.energy_ratios import relative_level, sdr, si_sdr


def reconstruct_unquantized(codec: DeCodec, wav: Tensor) -> Tensor:
    """Reconstruction [B, L] of wav [B, L] without quantization."""
    latent = codec.subspace.merge(*codec.subspace.split(codec.latent(wav)))
    return codec.synthesize(latent)[:, : wav.shape[1]]


@torch.no_grad()
def validation_scores(codec: DeCodec, speech: Tensor, background: Tensor) -> dict[str, float]:
    """Separation, reconstruction and leakage of a codec on a batch of speech and background.

    All scores are means over the batch in dB that leave out items whose reference is silent: NaN when all are.
    "_unquantized" marks the same score without quantization.

    - input_si_sdr, input_background_si_sdr: noisy input as the estimate of the speech, of the background
    - speech_si_sdr, background_si_sdr: separated stems; *_si_sdr_improvement: less the score of the noisy input
    - mixture_si_sdr, mixture_sdr: full reconstruction against the mixture
    - ceiling_si_sdr, background_ceiling_si_sdr: clean speech (background alone) coded and decoded
    - speech_in_background: level of the background stem when clean speech is coded, relative to that speech
    - background_in_speech: level of the speech stem when background alone is coded, relative to that background

    Args:
        codec: on the device of the batch; its mode and its weights are not changed.
        speech: [B, L] at the codec's sample rate.
        background: [B, L]; the sum with the speech is within -1..1.

    Raises:
        ValueError: if the shapes differ.
    """
    if speech.shape != background.shape or speech.ndim != 2:
        raise ValueError(
            f"Speech and background must both be [B, L], not {tuple(speech.shape)}, {tuple(background.shape)}."
        )
    mixture = speech + background
    scores = {
        "input_si_sdr": si_sdr(speech, mixture),
        "input_background_si_sdr": si_sdr(background, mixture),
    }
    codes = codec.encode(torch.cat([mixture, speech, background]))
    decoded = codec.decode(codes).chunk(3)
    speech_stems = codec.decode(codes, background=False).chunk(3)
    background_stems = codec.decode(codes, speech=False).chunk(3)
    unquantized = codec.separate(mixture, quantize=False)
    for suffix, reconstruction, speech_stem, background_stem in (
        ("", decoded[0], speech_stems[0], background_stems[0]),
        ("_unquantized", reconstruct_unquantized(codec, mixture), unquantized.speech, unquantized.background),
    ):
        scores[f"speech_si_sdr{suffix}"] = si_sdr(speech, speech_stem)
        scores[f"background_si_sdr{suffix}"] = si_sdr(background, background_stem)
        scores[f"mixture_si_sdr{suffix}"] = si_sdr(mixture, reconstruction)
        scores[f"mixture_sdr{suffix}"] = sdr(mixture, reconstruction)
        for stem, noisy_input in (("speech", "input_si_sdr"), ("background", "input_background_si_sdr")):
            scores[f"{stem}_si_sdr_improvement{suffix}"] = scores[f"{stem}_si_sdr{suffix}"] - scores[noisy_input]
    scores["ceiling_si_sdr"] = si_sdr(speech, decoded[1])
    scores["background_ceiling_si_sdr"] = si_sdr(background, decoded[2])
    scores["speech_in_background"] = relative_level(background_stems[1], speech)
    scores["background_in_speech"] = relative_level(speech_stems[2], background)
    return {name: values.nanmean().item() for name, values in scores.items()}
