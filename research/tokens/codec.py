"""The speech stream: one content level and acoustic levels after it; any number of leading levels decodes."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from research.tokens.acoustic import AcousticDecoder, AcousticEncoder
from research.tokens.content import ContentEncoder
from research.tokens.mdct_bands import MDCTBands
from research.tokens.pitch import PitchCoordinates
from research.tokens.quantizer import PredictedScaleRVQ, QuantizedFrames
from research.tokens.spectra import SubframeSTFT

HOP = 320


@dataclass
class TokenCodecConfig:
    """Sizes of a `TokenCodec`.

    Attributes:
        levels: K, of which the first is content.
        dim: D of the latent that the acoustic levels quantize.
        codebook_size: N.
        mdct_bands: E, number of MDCT bands in the latent.
        mel_bands: number of log-mel bands in the latent.
        content, encoder, decoder: arguments of `ContentEncoder`, `AcousticEncoder` and `AcousticDecoder`.
        input, output: arguments of the `SubframeSTFT` of encoder and decoder.
    """

    levels: int = 10
    dim: int = 128
    codebook_size: int = 1024
    mdct_bands: int = 96
    mel_bands: int = 24
    content: dict[str, Any] = field(default_factory=dict)
    encoder: dict[str, Any] = field(default_factory=dict)
    decoder: dict[str, Any] = field(default_factory=dict)
    input: dict[str, Any] = field(default_factory=dict)
    output: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decoded:
    """One pass of training.

    Attributes:
        waveform_part: [B, L], the part whose phase follows the input.
        noise_part: [B, L], noise and pulses.
        quantized: of the quantizer.
        latent: [B, D, T], before the quantizer.
    """

    waveform_part: Tensor
    noise_part: Tensor
    quantized: QuantizedFrames
    latent: Tensor

    @property
    def wav(self) -> Tensor:
        """[B, L], the decoded speech."""
        return self.waveform_part + self.noise_part


class TokenCodec(nn.Module):
    """Speech [B, L] -> codes [B, K, T] -> speech."""

    def __init__(self, config: TokenCodecConfig):
        super().__init__()
        self.config, self.levels = config, config.levels
        self.content = ContentEncoder(codebook_size=config.codebook_size, **config.content).requires_grad_(False)
        bands, pitch = MDCTBands(config.mdct_bands, HOP), PitchCoordinates(config.mdct_bands, HOP)
        pitch_index, content_dim = config.mel_bands, self.content.dim
        self.encoder = AcousticEncoder(
            config.dim, content_dim, SubframeSTFT(HOP, **config.input), bands, pitch, config.mel_bands, **config.encoder
        )
        self.decoder = AcousticDecoder(
            config.dim,
            content_dim + config.mdct_bands,
            SubframeSTFT(HOP, **config.output),
            bands,
            pitch,
            pitch_index,
            **config.decoder,
        )
        self.quantizer = PredictedScaleRVQ(
            config.dim, config.levels - 1, config.codebook_size, content_dim, config.mdct_bands, pitch, pitch_index
        )

    def train(self, mode: bool = True) -> "TokenCodec":
        """Set the mode; the content encoder, which is trained before, stays in evaluation mode."""
        super().train(mode)
        self.content.eval()
        return self

    def forward(self, wav: Tensor, levels: Tensor, start: Tensor | int = 0, quantize: bool = True) -> Decoded:
        """One pass of training.

        Args:
            wav: [B, T * hop], the input.
            levels: [B], levels of each item, 1 .. K; K + 1 leaves the acoustic part unquantized.
            start: [B], number of the first frame, of the noise.
            quantize: False before the codebooks are initialized.
        """
        with torch.no_grad():
            content = self.content.embed(self.content.encode(wav))
        latent = self.encoder(wav, content).transpose(1, 2)
        quantized = self.quantizer(latent, levels - 1, content, quantize)
        content = torch.cat([content, quantized.scales], dim=-1)
        waveform_part, noise_part = self.decoder(quantized.x.transpose(1, 2), content, start=start)
        return Decoded(waveform_part, noise_part, quantized, latent)

    @torch.no_grad()
    def encode(self, wav: Tensor, lengths: Tensor | None = None, levels: int | None = None) -> Tensor:
        """Wav [B, L], lengths [B] in samples -> codes [B, levels, ceil(L / hop)]."""
        wav, mask = pad(wav, lengths)
        levels = self.levels if levels is None else levels
        tokens = self.content.encode(wav, mask)
        content = self.content.embed(tokens)
        latent = self.encoder(wav, content, mask).transpose(1, 2)
        acoustic = self.quantizer.encode(latent, levels - 1, content, mask)
        codes = torch.cat([tokens[:, None], acoustic], dim=1)
        return codes if mask is None else codes * mask[:, None]

    @torch.no_grad()
    def decode(self, codes: Tensor, lengths: Tensor | None = None, start: int = 0) -> Tensor:
        """Codes [B, K', T], lengths [B] in samples -> wav [B, max length], or [B, T * hop] without lengths."""
        mask = None if lengths is None else frame_mask(lengths, codes.shape[2])
        content = self.content.embed(codes[:, 0])
        latent, scales = self.quantizer.decode(codes[:, 1:], content, mask)
        content = torch.cat([content, scales], dim=-1)
        waveform_part, noise_part = self.decoder(latent.transpose(1, 2), content, mask, start)
        wav = waveform_part + noise_part
        if lengths is None:
            return wav
        wav = wav[:, : int(lengths.max())]
        return wav * (torch.arange(wav.shape[1], device=wav.device) < lengths[:, None])


def frame_mask(lengths: Tensor, frames: int) -> Tensor | None:
    """Lengths [B] in samples -> [B, frames] bool of valid frames; None when all are."""
    counts = -(-lengths // HOP)
    return None if int(counts.min()) >= frames else torch.arange(frames, device=lengths.device) < counts[:, None]


def pad(wav: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Wav [B, L] with silence beyond each length, to whole frames, and the mask of valid frames."""
    if lengths is not None:
        wav = wav * (torch.arange(wav.shape[1], device=wav.device) < lengths[:, None])
    frames = -(-wav.shape[1] // HOP)
    wav = nn.functional.pad(wav, (0, frames * HOP - wav.shape[1]))
    return wav, None if lengths is None else frame_mask(lengths, frames)
