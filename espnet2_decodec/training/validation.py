"""Scores of one batch in torch alone, light enough to be taken while training."""

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.answers import unquantized
from espnet2_decodec.training.ratios import level, mean, sdr, si_sdr


@torch.no_grad()
def quick_scores(codec: DeCodec, speech: Tensor, background: Tensor) -> dict[str, float]:
    """Separation, reconstruction and leakage of a codec on a batch of speech and background.

    Everything is a mean over the batch in dB, and leaves out items whose reference is silent: NaN when all are.
    "_unquantized" is the same with the quantizers left out.

    - input_si_sdr, input_background_si_sdr: of the untouched mixture, taken for the speech, for the background
    - speech_si_sdr, background_si_sdr: of the stems; *_si_sdr_improvement: that less the untouched mixture's
    - mixture_si_sdr, mixture_sdr: of the full reconstruction, against the mixture
    - ceiling_si_sdr, background_ceiling_si_sdr: clean speech alone (background alone) reconstructed by the codec
    - speech_in_background: level of the background stem when clean speech goes in, relative to that speech
    - background_in_speech: level of the speech stem when background alone goes in, relative to that background

    Args:
        codec: on the device of the batch; its mode and its weights are left as they are.
        speech, background: [B, L] at the codec's sample rate, in -1..1 when added.

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
    whole = codec.decode(codes).chunk(3)
    speech_stems = codec.decode(codes, background=False).chunk(3)
    background_stems = codec.decode(codes, speech=False).chunk(3)
    free = codec.separate(mixture, quantize=False)
    for suffix, heard, stem, rest in (
        ("", whole[0], speech_stems[0], background_stems[0]),
        ("_unquantized", unquantized(codec, mixture), free.speech, free.background),
    ):
        scores[f"speech_si_sdr{suffix}"] = si_sdr(speech, stem)
        scores[f"background_si_sdr{suffix}"] = si_sdr(background, rest)
        scores[f"mixture_si_sdr{suffix}"] = si_sdr(mixture, heard)
        scores[f"mixture_sdr{suffix}"] = sdr(mixture, heard)
        for name, untouched in (("speech", "input_si_sdr"), ("background", "input_background_si_sdr")):
            scores[f"{name}_si_sdr_improvement{suffix}"] = scores[f"{name}_si_sdr{suffix}"] - scores[untouched]
    scores["ceiling_si_sdr"] = si_sdr(speech, whole[1])
    scores["background_ceiling_si_sdr"] = si_sdr(background, whole[2])
    scores["speech_in_background"] = level(background_stems[1], speech)
    scores["background_in_speech"] = level(speech_stems[2], background)
    names = list(scores)
    return dict(zip(names, torch.stack([mean(scores[name]) for name in names]).tolist()))
