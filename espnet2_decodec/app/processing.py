"""Computations of the page on one recording: samples and tokens in, samples and numbers out."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.conversion import convert, convert_codes
from espnet2_decodec.io.gate import SILENT_POWER, gain_to_snr
from espnet2_decodec.io.stream_power import streams_present
from espnet2_decodec.tts import TTS, TTSOutput, VoiceTTS
from espnet2_decodec.types import Codes
from espnet2_decodec.voice import VoiceModel


@dataclass(frozen=True)
class Separation:
    """One recording, its tokens, and its stems, on the CPU.

    Attributes:
        mixture: [L], both streams decoded together; without quantization the sum of the stems.
        speech: [L].
        background: [L].
        codes: of batch 1, from which the stems were decoded unless they are unquantized.
        speech_present: whether the recording has speech, by the rule of the gate of .dcd files.
        background_present: the same for the background.
    """

    mixture: Tensor
    speech: Tensor
    background: Tensor
    codes: Codes
    speech_present: bool
    background_present: bool

    @property
    def snr(self) -> float | None:
        """SNR of the stems in dB; None where one of them is silent."""
        speech, background = self._powers()
        if min(speech, background) < SILENT_POWER:
            return None
        return 10 * math.log10(speech / background)

    def remix(self, snr: float) -> Tensor:
        """The sum of the stems at another SNR in dB, [L]; the level of the speech stays.

        Raises:
            ValueError: if the recording has no speech or no background.
        """
        for name, present in (("speech", self.speech_present), ("background", self.background_present)):
            if not present:
                raise ValueError(f"There is no {name} in this recording, so its SNR cannot be changed.")
        return self.speech + gain_to_snr(*self._powers(), snr) * self.background

    def _powers(self) -> tuple[float, float]:
        """Mean powers of speech and background."""
        speech, background = (float(wav.double().square().mean()) for wav in (self.speech, self.background))
        return speech, background


@torch.no_grad()
def separate(
    codec: DeCodec, wav: Tensor, speech_levels: int | None, background_levels: int | None, quantize: bool = True
) -> Separation:
    """Encode and separate one recording.

    Args:
        codec: the model.
        wav: [L] in -1..1 at the codec's sample rate.
        speech_levels: levels of the tokens; None for all.
        background_levels: the same for the background.
        quantize: whether the stems are decoded from the tokens.

    Raises:
        ValueError: if the codec cannot encode the samples, or does not have that many levels.
    """
    batch = wav[None].to(next(codec.parameters()).device)
    codes = codec.encode(batch, None, speech_levels, background_levels)
    if quantize:
        stems = codec.decode(codes, background=False), codec.decode(codes, speech=False)
        mixture = codec.decode(codes)
    else:
        unquantized = codec.separate(batch, quantize=False)
        stems = unquantized.speech, unquantized.background
        mixture = stems[0] + stems[1]
    present = _streams_present(codec, batch, codes)
    return Separation(mixture[0].cpu(), stems[0][0].cpu(), stems[1][0].cpu(), codes.to("cpu"), *present)


@torch.no_grad()
def convert_voice(
    codec: DeCodec,
    wav: Tensor,
    reference: Tensor,
    keep_background: bool = False,
    voice_model: VoiceModel | None = None,
) -> Tensor:
    """The speech of a recording in the voice of another, [L].

    It is not quantized. A codec without parametric levels exchanges tokens instead, see `convert_codes`.

    Args:
        codec: the model.
        wav: [L] content, prosody and timing.
        reference: [L'] the voice.
        keep_background: whether the background of `wav` is mixed in.
        voice_model: that was trained with the codec; None for none.

    Raises:
        ValueError: if there is no speech in one of the two recordings.
    """
    device = next(codec.parameters()).device
    batch, voice = wav[None].to(device), reference[None].to(device)
    for name, recording in (("first", batch), ("second", voice)):
        if not _streams_present(codec, recording, codec.encode(recording))[0]:
            raise ValueError(f"There is no speech in the {name} recording, so its voice cannot be converted.")
    if codec.parametric_levels:
        return convert(codec, batch, voice, batch if keep_background else None, voice_model=voice_model)[0].cpu()
    source = codec.encode(batch)
    converted = convert_codes(codec, source, codec.encode(voice), "knn_codes")
    return codec.decode(replace(source, speech=converted.speech), background=keep_background)[0].cpu()


def synthesize(tts: TTS | VoiceTTS, text: str, prompt: Tensor, keep_background: bool = False) -> TTSOutput:
    """A text in the voice of a recording, with or without the background of that recording.

    Args:
        tts: the model.
        text: to be synthesized.
        prompt: [L] at the sample rate of the model.
        keep_background: whether the output has the background of the prompt.

    Raises:
        ValueError: if the text or the prompt cannot be used, see `TTS`.
    """
    if not text.strip():
        raise ValueError("There is no text to synthesize; write some.")
    return tts(text, prompt, background="prompt" if keep_background else "none")


def _streams_present(codec: DeCodec, wav: Tensor, codes: Codes) -> tuple[bool, bool]:
    """Whether a recording [1, L] with these codes has speech and background; decoded silence may have some power."""
    if float(wav.double().square().mean()) < SILENT_POWER:
        return False, False
    return streams_present(codec, [codes])
