"""Text-to-speech in the voice of a prompt, with the background under control."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.data.levels import SILENCE_RMS, fade_edges, scale_background
from espnet2_decodec.io.audio import AudioReader
from espnet2_decodec.tts.saving import load
from espnet2_decodec.tts.synthesizer import Synthesizer
from espnet2_decodec.types import Codes

SHORTEST, LONGEST = 0.5, 60.0
"""Seconds of a prompt: less is refused, more is not listened to."""

QUIETEST = 1e-3
"""RMS, of full scale, that the loudest half second of the speech in a prompt must have: -60 dB."""

MOST = 3.0
"""Factor by which the level of a decoded background is corrected at most."""

CROSSFADE = 0.25
"""Seconds, where a background is repeated."""


@dataclass(frozen=True)
class Said:
    """What was said.

    Attributes:
        speech, background, mix: [L] each; the mix is their sum.
        sample_rate: Hz.
        tokens: [P, T] speech tokens.
        start: sample of the background's recording that is heard first.
    """

    speech: Tensor
    background: Tensor
    mix: Tensor
    sample_rate: int
    tokens: Tensor
    start: int = 0


class TTS:
    """`TTS.from_pretrained(folder)(text, prompt)`.

    Args:
        synthesizer: the model.
    """

    def __init__(self, synthesizer: Synthesizer):
        self.synthesizer = synthesizer.eval()

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str = "cpu") -> "TTS":
        """The model saved in `folder`; see `saving.load` for the errors."""
        return cls(load(folder).to(device))

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.synthesizer.codec.sample_rate

    @torch.no_grad()
    def __call__(
        self,
        text: str,
        prompt: str | Path | Tensor,
        background: str | Path | Tensor = "none",
        background_gain: float | None = None,
        background_snr: float | None = None,
        speed: float = 1.0,
        liveliness: float = 1.0,
        seed: int = 0,
        separate: bool = True,
    ) -> Said:
        """Say a text.

        Args:
            text: what to say.
            prompt: recording of the voice, a file or samples [L] at `sample_rate`; what else
                is heard in it stays out of the voice.
            background: "none", "prompt" (that of the prompt), or a recording of one, a file or samples [L]; it is repeated or
                cut to the length of the speech.
            background_gain: dB by which it is amplified.
            background_snr: dB of speech over background; in place of the gain.
            speed, liveliness: as in `Synthesizer`.
            seed: decides which piece of a longer recording is taken as the background.
            separate: False takes the voice from all that is heard in the prompt, as a codec does that does not separate, to
                compare with.

        Raises:
            ValueError: if there is nothing to say, characters are not known, the prompt is too short or holds no speech, or
                the level of the background cannot be reached.
        """
        silent = isinstance(background, str) and background == "none"
        if silent and (background_gain, background_snr) != (None, None):
            raise ValueError(
                "There is no background whose level could be set: choose that of the prompt, or a recording."
            )
        codec = self.synthesizer.codec
        heard = self._read(prompt, "prompt")
        if heard.shape[1] < SHORTEST * self.sample_rate:
            lasts = heard.shape[1] / self.sample_rate
            raise ValueError(f"The prompt lasts {lasts:.2f} s; a voice needs {SHORTEST} s or more.")
        codes = codec.encode(heard, separate=separate)
        loudness = (
            codec.decode(codes, background=False)[0].unfold(0, self.sample_rate // 2, 160).square().mean(1).max().sqrt()
        )
        if float(loudness) < QUIETEST:
            raise ValueError("There is no speech in the prompt.")
        tokens = self.synthesizer(text, codes.speech[0].T, speed, liveliness)[None]
        speech = self.decoded(tokens)
        under, start = torch.zeros_like(speech), 0
        if not silent:
            same = isinstance(background, str) and background == "prompt"
            under = self._background(heard if same else self._read(background, "background"))
            room = 0 if same else max(0, len(under) - len(speech))
            start = int(torch.randint(room + 1, (), generator=torch.Generator().manual_seed(seed)))
            crossfade = int(CROSSFADE * self.sample_rate)
            under = fade_edges(loop_to_length(under[start:], len(speech), crossfade=crossfade))
            under = scale_background(under, speech, background_gain, background_snr)
        return Said(*(x.cpu() for x in (speech, under, speech + under)), self.sample_rate, tokens[0].cpu(), start)

    @torch.no_grad()
    def decoded(self, tokens: Tensor) -> Tensor:
        """Speech tokens [1, K, T] -> [T * hop]."""
        codec = self.synthesizer.codec
        length = torch.tensor([tokens.shape[2] * codec.hop], device=tokens.device)
        return codec.decode(Codes(tokens, tokens[:, :0], length, self.sample_rate), background=False)[0]

    def _background(self, wav: Tensor) -> Tensor:
        """The background of a recording [1, L] by way of its tokens, as loud as it is without them: [L]."""
        codec = self.synthesizer.codec
        decoded = codec.decode(codec.encode(wav), speech=False)[0]
        power, wanted = (float(x.square().mean()) for x in (decoded, codec.separate(wav, quantize=False).background))
        gain = (wanted / power) ** 0.5 if min(wanted, power) > SILENCE_RMS**2 else 1.0
        return decoded * min(max(gain, 1 / MOST), MOST)

    def _read(self, recording: str | Path | Tensor, name: str) -> Tensor:
        """The first minute of a recording, [1, L]."""
        most = int(LONGEST * self.sample_rate)
        if isinstance(recording, Tensor):
            if recording.ndim != 1 or not len(recording):
                raise ValueError(f"Samples of a {name} are [L] with L >= 1, not {tuple(recording.shape)}.")
            wav = recording
        else:
            blocks, count = [], 0
            for block in AudioReader(recording, self.sample_rate):
                blocks.append(block)
                count += len(block)
                if count >= most:
                    break
            wav = torch.cat(blocks)
        return wav[None, :most].to(self.synthesizer.coordinates.mean.device)
