"""Encoder and decoder of the acoustic levels: STFT frames in and out, ConvNeXt blocks between."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.dsp.mel import mel_filterbank, mel_to_mdct, stft_to_mel
from research.tokens.mdct_bands import MDCTBands
from research.tokens.pitch import PitchCoordinates
from research.tokens.spectra import SubframeSTFT


class AcousticEncoder(nn.Module):
    """Speech and its embedded content -> latent that the acoustic levels quantize.

    The latent is the sum of a network's output and of fixed coordinates: log-mel bands, pitch, and MDCT bands. The
    network sees compressed complex spectra of every sub-frame and their log-mel bands.

    Args:
        dim: D, of the latent.
        content_dim: C, of the embedded content.
        stft: S sub-frames per frame.
        mdct_bands: added to the last coordinates.
        pitch: added to the two coordinates after those of the mel bands.
        mel_bands: number of log-mel bands, added to the first coordinates.
        channels, blocks, kernel: of the network.
    """

    input_mels = 40

    mel_input: Tensor
    mel_coordinates: Tensor

    def __init__(
        self,
        dim: int,
        content_dim: int,
        stft: SubframeSTFT,
        mdct_bands: MDCTBands,
        pitch: PitchCoordinates,
        mel_bands: int = 24,
        channels: int = 256,
        blocks: int = 6,
        kernel: int = 7,
    ):
        super().__init__()
        self.dim, self.stft, self.mdct_bands, self.mel_bands, self.pitch = dim, stft, mdct_bands, mel_bands, pitch
        size = stft.subframes * (2 * stft.bins + self.input_mels) + content_dim
        self.network = ConvNeXtStack(size, channels, blocks, dim, kernel, causal=False)
        self.register_buffer("mel_input", stft_to_mel(16000, stft.n_fft, self.input_mels), persistent=False)
        self.register_buffer("mel_coordinates", stft_to_mel(16000, stft.n_fft, mel_bands), persistent=False)
        self.network.out_proj.weight.data[-mdct_bands.bands :] *= 0.1
        self.network.out_proj.weight.data[: mel_bands + 2] *= 0.1

    def forward(self, wav: Tensor, content: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop], content [B, T, C], mask [B, T] of valid frames -> [B, T, D] float32."""
        with torch.autocast(wav.device.type, enabled=False):
            spectrum = self.stft.spectrum(wav)
            mels = 0.3 * torch.log1p(spectrum.abs() @ self.mel_input * 3000.0)
            mels = mels.unflatten(1, (-1, self.stft.subframes)).flatten(2)
            inputs = torch.cat([2 * self.stft.features(spectrum), mels, content], dim=-1)
            fixed = self._fixed(wav, spectrum)
        return self.network(inputs, mask).float() + fixed

    def _fixed(self, wav: Tensor, spectrum: Tensor) -> Tensor:
        """The fixed coordinates [B, T, D]."""
        log_mel = torch.log1p(spectrum.abs() @ self.mel_coordinates * 3000.0)
        mel_part = 0.4 * log_mel.unflatten(1, (-1, self.stft.subframes)).mean(2) - 1
        pitch_part, mdct_part = self.pitch.coordinates(wav), self.mdct_bands.analyze(wav)
        free = self.dim - self.mel_bands - 2 - self.mdct_bands.bands
        return torch.cat([mel_part, pitch_part, F.pad(mdct_part, (free, 0))], dim=-1)


class AcousticDecoder(nn.Module):
    """Embedded content and the decoded latent -> waveform.

    It is the sum of the MDCT bands of the latent, each with a gain, a complex spectrum from the network, pulses at the
    decoded f0, and noise, both with a gain for each mel band. The noise is fixed and repeats after `period` frames.

    Args:
        dim: D, of the latent.
        content_dim: C, of the embedded content and of the log scales.
        stft: of the output.
        mdct_bands: inverts the last coordinates.
        pitch: decodes the coordinates from `pitch_index` on.
        pitch_index: index of the first of the two pitch coordinates.
        channels, blocks, kernel: of the network.
        noise_bands: of the gains of noise and pulses.
        period: of the noise, in frames.
    """

    noise: Tensor
    noise_interpolation: Tensor
    pulse_interpolation: Tensor

    def __init__(
        self,
        dim: int,
        content_dim: int,
        stft: SubframeSTFT,
        mdct_bands: MDCTBands,
        pitch: PitchCoordinates,
        pitch_index: int,
        channels: int = 448,
        blocks: int = 8,
        kernel: int = 7,
        noise_bands: int = 32,
        period: int = 251,
    ):
        super().__init__()
        self.stft, self.mdct_bands, self.pitch, self.pitch_index = stft, mdct_bands, pitch, pitch_index
        self.noise_bands, self.period = noise_bands, period
        spectra, noise_gains = stft.subframes * 2 * stft.bins, stft.subframes * noise_bands
        self.sizes = (spectra, noise_gains, mdct_bands.bands, noise_bands)
        self.network = ConvNeXtStack(dim + content_dim, channels, blocks, sum(self.sizes), kernel, causal=False)
        self.network.out_proj.weight.data[:spectra] *= 0.03
        self.network.out_proj.bias.data[spectra : spectra + noise_gains] = -5.0
        self.network.out_proj.bias.data[-noise_bands:] = -4.0
        self.register_buffer("pulse_interpolation", mel_to_mdct(16000, stft.hop, noise_bands), persistent=False)
        peaks = mel_filterbank(16000, stft.n_fft, noise_bands)
        peaks = (peaks / peaks.amax(0).clamp(min=1e-9)).T + 1e-6
        peaks[-1, int(peaks.argmax(1)[-1]) :] = 1.0
        self.register_buffer("noise_interpolation", peaks / peaks.sum(0), persistent=False)
        noise = torch.randn(1, period * stft.hop, generator=torch.Generator().manual_seed(0)).repeat(1, 3)
        spectrum = stft.spectrum(noise)[0, period * stft.subframes : 2 * period * stft.subframes]
        self.register_buffer("noise", torch.view_as_real(spectrum).contiguous(), persistent=False)

    def forward(
        self, latent: Tensor, content: Tensor, mask: Tensor | None = None, start: Tensor | int = 0
    ) -> tuple[Tensor, Tensor]:
        """Decode.

        Args:
            latent: [B, T, D].
            content: [B, T, C].
            mask: [B, T] of valid frames; None for all.
            start: number of the first frame, of the noise: [B], or one for all.

        Returns:
            Two waveforms [B, T * hop]: `waveform_part`, whose phase follows the input, and `noise_part`, noise and
            pulses. The speech is their sum.
        """
        out = self.network(torch.cat([latent, content], dim=-1), mask).float()
        spectra, noise_gains, band_gains, pulse_gains = out.split(self.sizes, dim=-1)
        bands = latent[..., -self.mdct_bands.bands :].float()
        waveform_part = self.stft.waveform(self.stft.expand(spectra), mask)
        waveform_part = waveform_part + self.mdct_bands.synthesize(bands, 2 * torch.sigmoid(band_gains), mask)
        noise_gains = torch.exp(noise_gains.clamp(max=3.0)).unflatten(2, (self.stft.subframes, -1)).flatten(1, 2)
        noise_spectra = self._noise(out.shape[1], start) * (noise_gains @ self.noise_interpolation)
        coordinates = latent[..., self.pitch_index : self.pitch_index + 2]
        pulse_gains = torch.exp(pulse_gains.clamp(max=3.0)) @ self.pulse_interpolation
        noise_part = self.stft.waveform(noise_spectra, mask) + self.pitch.pulses(coordinates, pulse_gains, mask)
        return waveform_part, noise_part

    def _noise(self, frames: int, start: Tensor | int) -> Tensor:
        """Spectra of the fixed noise from frame `start` on, [B or 1, T * S, F]."""
        start = torch.as_tensor(start, device=self.noise.device).view(-1, 1)
        subframes = self.stft.subframes
        index = start * subframes + torch.arange(frames * subframes, device=self.noise.device)
        return torch.view_as_complex(self.noise)[index % (self.period * subframes)]
