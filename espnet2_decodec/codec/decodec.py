"""DeCodec: one waveform, two orthogonal token streams, and back.

After "DeCodec: Rethinking Audio Codecs as Universal Disentangled Representation Learners" (Luo et al., 2025,
arXiv 2509.09201), with an exact orthogonal split in place of the paper's penalty.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import Backbone
from espnet2_decodec.codec.checks import check_levels, check_wav
from espnet2_decodec.codec.config import build_parts, complete, resolved_config
from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.codec.quantizer import Quantized
from espnet2_decodec.codec.serialization import load_weights, model_folder, read_config, save_model
from espnet2_decodec.types import Codes, Stems


@dataclass(frozen=True)
class Latents:
    """What `DeCodec.forward` makes of a batch: coordinates [B, D_s, T] and [B, D_b, T], and their codes."""

    speech: Tensor
    background: Tensor
    quantized_speech: Quantized
    quantized_background: Quantized


class DeCodec(nn.Module):
    """encode: backbone, split, two residual quantizers. decode: merge what is wanted, backbone back.

    Args:
        config: a difference from `build.DEFAULTS`, see there.
    """

    def __init__(self, config: dict | None = None):
        super().__init__()
        self.config = complete(config or {})
        self.sample_rate: int = self.config["sample_rate"]
        parts = build_parts(self.config)
        self.backbone, self.subspace, self.speech_quantizer, self.background_quantizer, self.content_encoder = parts

    @classmethod
    def from_config(cls, config: dict) -> "DeCodec":
        """A codec with random weights; `config` is a difference from the defaults."""
        return cls(config)

    @classmethod
    def from_pretrained(cls, path: str | Path | None = None) -> "DeCodec":
        """The codec in a folder written by `save_pretrained`, in float32, on the CPU, in eval mode.

        Args:
            path: the folder; None for the model that comes with the package.

        Raises:
            FileNotFoundError: if the folder, its config.json or its weights are missing.
            ValueError: if a file is damaged, the config is not one of this package, or the weights do not match it.
        """
        folder = model_folder(path)
        config = read_config(folder)
        try:
            codec = cls(config)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f"The config in {folder} does not describe a codec that this version can build: {error}."
            ) from error
        load_weights(codec, folder)
        return codec.eval()

    def save_pretrained(self, folder: str | Path, half: bool = False, shard_megabytes: float | None = None) -> None:
        """Write config.json and the weights to `folder`; see `serialization.save_model`.

        Args:
            folder: created if missing.
            half: store the weights in float16.
            shard_megabytes: maximum size of one file of weights; None for one file.

        Raises:
            ValueError: if a weight is not finite.
        """
        save_model(folder, self.resolved_config(), self.state_dict(), half, shard_megabytes)

    def resolved_config(self) -> dict:
        """The config with all defaults written out; it builds the same codec."""
        return resolved_config(self.config)

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return self.backbone.hop

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    @property
    def latency(self) -> int | None:
        """Algorithmic latency of encode + decode in samples; None for a codec that is not causal."""
        return self.backbone.latency

    @property
    def receptive_field(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Frames (left, right) that an encoder output, and a decoder output, depends on; None = unlimited."""
        return self.backbone.reach

    @property
    def has_stems(self) -> bool:
        """Whether there are stems before the decoder, see `Backbone.stems`."""
        return type(self.backbone).stems is not Backbone.stems

    @property
    def speech_levels(self) -> int:
        """K of the speech stream."""
        return self.speech_quantizer.levels

    @property
    def background_levels(self) -> int:
        """K of the background stream."""
        return self.background_quantizer.levels

    @property
    def parametric_levels(self) -> int:
        """How many first levels tell a vocoder what it needs, and are heard by themselves; 0 where levels are all alike."""
        return self.speech_quantizer.parametric_levels

    @property
    def codebook_size(self) -> int:
        """N, the same in all levels."""
        return self.speech_quantizer.codebook_size

    def kbps(self, levels: int, codebook_size: int | None = None) -> float:
        """Bit rate of that many levels in kbit/s; `codebook_size` for others than those of both streams."""
        return levels * math.log2(codebook_size or self.codebook_size) * self.frame_rate / 1000

    def frames(self, lengths: Tensor) -> Tensor:
        """Lengths in samples -> lengths in frames."""
        return (lengths + self.hop - 1) // self.hop

    @property
    def can_skip_separation(self) -> bool:
        """Whether recordings can be encoded as they are, as speech; see `latent`."""
        return type(self.backbone).anchor is not Backbone.anchor and 2 * self.speech_quantizer.dim == self.backbone.dim

    def latent(self, wav: Tensor, lengths: Tensor | None = None, separate: bool = True) -> Tensor:
        """Wav [B, L], lengths [B] in samples -> Y [B, D, T].

        Args:
            wav, lengths: recordings.
            separate: False takes all that is heard for speech, and the background for silent: what a codec would do that does
                not separate, to compare with.

        Raises:
            ValueError: if it shall not separate, and the backbone does not know what it would make of a stem, or the split
                does not halve the latent.
        """
        wav, mask = self._pad(wav, lengths)
        if separate:
            return self.backbone.encode(wav, mask)
        if not self.can_skip_separation:
            raise ValueError("This codec can only separate: it does not know what it would make of a stem.")
        speech = self.backbone.anchor(wav)
        return self.subspace.merge(speech, torch.zeros_like(speech))

    def content(self, wav: Tensor, lengths: Tensor | None = None, separate: bool = True) -> Tensor:
        """What is said: wav [B, L], lengths [B] in samples -> [B, S, T]; see `ContentEncoder`.

        Raises:
            ValueError: if the codec has no content encoder, or as in `latent`.
        """
        if self.content_encoder is None:
            raise ValueError(
                "This codec has no content encoder: it was trained without (`content.dim` of its config is 0)."
            )
        speech, background = self.subspace.split(self.latent(wav, lengths, separate))
        return self.content_encoder(speech, background, self._mask(lengths, speech.shape[2]))

    @torch.no_grad()
    def content_tokens(self, wav: Tensor, lengths: Tensor | None = None, separate: bool = True) -> Tensor:
        """What is said as tokens: wav [B, L], lengths [B] in samples -> [B, K, T] int64, zeros beyond each length.

        Raises:
            ValueError: if its content has no codebooks, or as in `content` and in `encode`.
        """
        lengths = check_wav(wav, lengths)
        if self.content_encoder is not None and not self.content_encoder.levels:
            raise ValueError("The content of this codec has no codebooks (`content.levels` of its config is 0).")
        content = self.content(wav, lengths, separate)
        mask = self._mask(lengths, content.shape[2])
        codes = self.content_encoder.quantizer.encode(content)
        return codes if mask is None else codes * mask[:, None]

    def synthesize(self, latent: Tensor, lengths: Tensor | None = None, ticks: Tensor | None = None) -> Tensor:
        """Y [B, D, T], lengths [B] in samples -> wav [B, max length], zero beyond each length.

        `ticks` are needed for frames that do not begin a recording, see `Backbone.clock`.
        """
        if lengths is None:
            return self.backbone.decode(latent, ticks=ticks)
        longest = int(lengths.max())
        mask = self._mask(lengths, latent.shape[2])
        wav = self.backbone.decode(latent, mask, ticks)[:, :longest]
        return wav if mask is None else wav * _within(lengths, longest)

    @torch.no_grad()
    def encode(
        self,
        wav: Tensor,
        lengths: Tensor | None = None,
        speech_levels: int | None = None,
        background_levels: int | None = None,
        separate: bool = True,
    ) -> Codes:
        """Waveforms to tokens.

        Args:
            wav: [B, L] in -1..1 at `sample_rate`.
            lengths: [B] in samples; None when all are L long.
            speech_levels, background_levels: how many levels to keep, 0.5 kbit/s each by default; None for all.
            separate: as in `latent`.

        Raises:
            ValueError: if the shape, the lengths or the levels cannot be right, a sample is not finite, or it cannot be left
                unseparated.
        """
        lengths = check_wav(wav, lengths)
        levels = (
            check_levels(speech_levels, self.speech_levels, "speech"),
            check_levels(background_levels, self.background_levels, "background"),
        )
        speech, background = self.subspace.split(self.latent(wav, lengths, separate))
        codes = (
            self.speech_quantizer.encode(speech, levels[0]),
            self.background_quantizer.encode(background, levels[1]),
        )
        mask = self._mask(lengths, speech.shape[2])
        if mask is not None:
            codes = tuple(c * mask[:, None] for c in codes)
        return Codes(*codes, lengths, self.sample_rate)

    @torch.no_grad()
    def decode(self, codes: Codes, speech: bool = True, background: bool = True) -> Tensor:
        """Tokens to waveforms [B, max length], of exactly the lengths that were encoded.

        Args:
            codes: from `encode`, or put together from several.
            speech, background: whether each stream is heard.

        Raises:
            ValueError: if the codes are of another sample rate, out of range, or too few for their lengths.
        """
        self._check_codes(codes)
        parts = [
            self._look_up(codes.speech, self.speech_quantizer, "speech", speech),
            self._look_up(codes.background, self.background_quantizer, "background", background),
        ]
        return self.synthesize(self.subspace.merge(*parts), codes.lengths)

    @torch.no_grad()
    def separate(
        self,
        wav: Tensor,
        lengths: Tensor | None = None,
        quantize: bool = True,
        speech_levels: int | None = None,
        background_levels: int | None = None,
    ) -> Stems:
        """Waveforms [B, L] to their speech and their background, each [B, L].

        Args:
            wav, lengths, speech_levels, background_levels: as in `encode`.
            quantize: False leaves the quantizers out, and the decoder too where the backbone has stems before it: for
                those who want the stems and no tokens.
        """
        if quantize:
            codes = self.encode(wav, lengths, speech_levels, background_levels)
            return Stems(self.decode(codes, background=False), self.decode(codes, speech=False))
        lengths = check_wav(wav, lengths)
        stems = self.backbone.stems(*self._pad(wav, lengths))
        if stems is not None:
            longest = int(lengths.max())
            return Stems(*(stems[:, :, :longest] * _within(lengths, longest)[:, None]).unbind(1))
        speech, background = self.subspace.split(self.latent(wav, lengths))
        return Stems(
            self.synthesize(self.subspace.merge(speech, torch.zeros_like(background)), lengths),
            self.synthesize(self.subspace.merge(torch.zeros_like(speech), background), lengths),
        )

    @torch.no_grad()
    def remix(self, speech: Codes, background: Codes) -> Tensor:
        """The speech of one recording with the background of another: [B, length of the speech].

        A shorter background is repeated, a longer one cut.

        Raises:
            ValueError: if the batches differ in size, or the codes are of another sample rate.
        """
        self._check_codes(speech)
        self._check_codes(background)
        if len(speech.lengths) != len(background.lengths):
            raise ValueError(
                f"{len(speech.lengths)} speech codes cannot be remixed with {len(background.lengths)} backgrounds."
            )
        looped = loop_to_length(background.background, speech.speech.shape[2], self.frames(background.lengths))
        return self.decode(Codes(speech.speech, looped, speech.lengths, speech.sample_rate))

    def forward(
        self, wav: Tensor, speech_levels: Tensor, background_levels: Tensor, lengths: Tensor | None = None
    ) -> Latents:
        """Coordinates and quantized coordinates of a training batch, with gradients.

        Args:
            wav: [B, L].
            speech_levels, background_levels: [B] levels of each item; more than K leaves it unquantized.
            lengths: [B] in samples.
        """
        latent = self.latent(wav, lengths)
        mask = self._mask(lengths, latent.shape[2])
        speech, background = self.subspace.split(latent)
        return Latents(
            speech,
            background,
            self.speech_quantizer(speech, speech_levels, mask),
            self.background_quantizer(background, background_levels, mask),
        )

    def _check_codes(self, codes: Codes) -> None:
        """Refuse codes of another sample rate, or with lengths that their frames do not hold."""
        if codes.sample_rate != self.sample_rate:
            raise ValueError(
                f"The codes are of {codes.sample_rate} Hz audio, this codec works at {self.sample_rate} Hz."
            )
        most = codes.speech.shape[2] * self.hop
        if len(codes.lengths) == 0 or int(codes.lengths.min()) < 1 or int(codes.lengths.max()) > most:
            raise ValueError(f"Lengths of these codes must be within 1..{most} samples, not {codes.lengths.tolist()}.")

    def _look_up(self, codes: Tensor, quantizer: nn.Module, name: str, wanted: bool) -> Tensor:
        """Tokens [B, K, T] -> coordinates [B, D, T]; zeros for a stream that is not wanted."""
        if codes.shape[1] > quantizer.levels:
            raise ValueError(f"The codes have {codes.shape[1]} {name} levels, this codec has {quantizer.levels}.")
        if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < quantizer.codebook_size:
            raise ValueError(f"A {name} code is outside 0..{quantizer.codebook_size - 1}.")
        return quantizer.decode(codes if wanted else codes[:, :0])

    def _pad(self, wav: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Fill up to whole frames with zeros, and silence what lies beyond each length."""
        if lengths is not None and int(lengths.min()) < wav.shape[1]:
            wav = wav * _within(lengths, wav.shape[1])
        frames = -(-wav.shape[1] // self.hop)
        wav = nn.functional.pad(wav, (0, frames * self.hop - wav.shape[1]))
        return wav, self._mask(lengths, frames)

    def _mask(self, lengths: Tensor | None, longest: int) -> Tensor | None:
        """Lengths [B] in samples -> [B, T] bool of valid frames; None when all are."""
        frames = None if lengths is None else self.frames(lengths)
        return None if frames is None or int(frames.min()) >= longest else _within(frames, longest)


def _within(lengths: Tensor, longest: int) -> Tensor:
    """[B, longest] bool: True before each length."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]
