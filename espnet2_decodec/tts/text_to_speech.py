"""Text-to-speech in the voice of a prompt, with control of the background."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.codec.streaming import first_pieces
from espnet2_decodec.data.levels import fade_edges, scale_background
from espnet2_decodec.io.gate import SILENT_POWER, streams_present
from espnet2_decodec.io.stream_power import frame_powers
from espnet2_decodec.tts.synthesizer import Synthesizer
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.backgrounds import CROSSFADE_SECONDS
from espnet2_decodec.voice.prompt import MAX_PROMPT_SECONDS, MIN_SPEECH_DB, check_duration, open_recording

MAX_BACKGROUND_GAIN = 3.0
"""Largest factor by which the level of a decoded background is corrected."""


@dataclass(frozen=True)
class TTSOutput:
    """Synthesized speech with its background.

    Attributes:
        speech: [L].
        background: [L].
        mix: [L], their sum.
        sample_rate: Hz.
        tokens: [P, T] speech tokens.
        background_offset: sample of the background recording at which the background starts.
    """

    speech: Tensor
    background: Tensor
    mix: Tensor
    sample_rate: int
    tokens: Tensor
    background_offset: int = 0


class TTS:
    """`TTS.from_pretrained(folder)(text, prompt)`.

    Args:
        synthesizer: the model.
    """

    def __init__(self, synthesizer: Synthesizer):
        self.synthesizer = synthesizer.eval()

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str = "cpu") -> "TTS":
        """The model saved in `folder`; errors as in `Synthesizer.from_pretrained`."""
        return cls(Synthesizer.from_pretrained(folder).to(device))

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.synthesizer.codec.sample_rate

    @torch.no_grad()
    def __call__(
        self,
        text: str,
        prompt: str | Path | Tensor | Codes,
        background: str | Path | Tensor = "none",
        background_gain: float | None = None,
        background_snr: float | None = None,
        speed: float = 1.0,
        gv_weight: float = 1.0,
        seed: int = 0,
    ) -> TTSOutput:
        """Synthesize a text.

        Args:
            text: to be synthesized.
            prompt: recording of the voice, a file or samples [L] at `sample_rate`, whose background is removed; or the
                codes of one recording.
            background: "none", "prompt" (that of the prompt), or a recording of one, a file or samples [L], repeated or
                cut to the length of the speech.
            background_gain: dB by which the background is amplified.
            background_snr: speech-to-background ratio in dB, in place of the gain.
            speed: as in `Synthesizer`.
            gv_weight: as in `Synthesizer`.
            seed: selects the excerpt of a background that is longer than the speech.

        Raises:
            ValueError: if the text is empty or has unknown characters, the prompt is too short or has no speech, or the
                level of the background cannot be reached.
        """
        kind = background if isinstance(background, str) else "recording"
        if kind == "none" and (background_gain, background_snr) != (None, None):
            raise ValueError('There is no background to set the level of; give "prompt" or a recording as background.')
        wav, codes = self._encode_prompt(prompt)
        if kind == "prompt" and wav is None:
            raise ValueError("The background of the prompt needs the prompt as a recording, not as codes.")
        tokens = self.synthesizer(text, codes.speech[0].T, speed, gv_weight)[None]
        speech = self.decode(tokens)
        background_wav, offset = torch.zeros_like(speech), 0
        if kind == "prompt" and wav is not None:
            background_wav = self._decode_background(wav, background_snr is not None)
        elif kind != "none":
            background_wav = self._decode_background(self._read(background, "background"), background_snr is not None)
            max_offset = max(0, len(background_wav) - len(speech))
            offset = int(torch.randint(max_offset + 1, (), generator=torch.Generator().manual_seed(seed)))
        if kind != "none":
            crossfade = int(CROSSFADE_SECONDS * self.sample_rate)
            background_wav = fade_edges(loop_to_length(background_wav[offset:], len(speech), crossfade=crossfade))
            background_wav = scale_background(background_wav, speech, background_gain, background_snr)
        speech, background_wav, mix = (x.cpu() for x in (speech, background_wav, speech + background_wav))
        return TTSOutput(speech, background_wav, mix, self.sample_rate, tokens[0].cpu(), offset)

    @torch.no_grad()
    def decode(self, tokens: Tensor) -> Tensor:
        """Speech tokens [1, K, T] -> waveform [T * hop]."""
        codec = self.synthesizer.codec
        length = torch.tensor([tokens.shape[2] * codec.hop], device=tokens.device)
        return codec.decode(Codes(tokens, tokens[:, :0], length, self.sample_rate), background=False)[0]

    def _encode_prompt(self, prompt: str | Path | Tensor | Codes) -> tuple[Tensor | None, Codes]:
        """Samples [1, L] of a prompt, if it is a recording, and its codes, checked for length and level."""
        codec, wav = self.synthesizer.codec, None
        if isinstance(prompt, Codes):
            check_duration(int(prompt.lengths[0]) / self.sample_rate)
            codes = prompt
        else:
            wav = self._read(prompt, "prompt")
            check_duration(wav.shape[1] / self.sample_rate)
            codes = codec.encode(wav)
        half_second = codec.decode(codes, background=False)[0].unfold(0, self.sample_rate // 2, 160)
        if float(half_second.square().mean(1).max()) < 10 ** (MIN_SPEECH_DB / 10):
            raise ValueError("There is no speech in the prompt; give a recording of the voice.")
        return wav, codes

    def _decode_background(self, wav: Tensor, required: bool) -> Tensor:
        """Background of a recording [1, L], decoded from tokens, with its level before quantization: [L].

        Raises:
            ValueError: if it is `required`, and the recording has none but leakage of the separation.
        """
        codec = self.synthesizer.codec
        decoded = codec.decode(codec.encode(wav), speech=False)[0]
        stems = codec.separate(wav, quantize=False)
        speech, background = (frame_powers(stem, codec.hop)[0] for stem in (stems.speech, stems.background))
        if required and not streams_present(speech, background, round(codec.frame_rate))[1]:
            raise ValueError("An SNR cannot be reached: the recording of the background has no background.")
        power, target = (float(x.square().mean()) for x in (decoded, stems.background))
        gain = (target / power) ** 0.5 if min(target, power) > SILENT_POWER else 1.0
        return decoded * min(max(gain, 1 / MAX_BACKGROUND_GAIN), MAX_BACKGROUND_GAIN)

    def _read(self, recording: str | Path | Tensor, name: str) -> Tensor:
        """The first minute of a recording, [1, L]."""
        blocks = open_recording(self.synthesizer.codec, recording, name)
        wav = torch.cat(list(first_pieces(blocks, int(MAX_PROMPT_SECONDS * self.sample_rate))))
        return wav[None].to(self.synthesizer.features.mean.device)
