"""The default backbone: an MDCT coder and a vocoder, corrected by ConvNeXt networks.

The encoder masks the STFT for speech and background. The latent of each stem is computed from its masked spectrum: the
mel envelope, the pitch, and the lowest coefficients of the modified discrete cosine transform (MDCT), an orthonormal
transform of the waveform. The decoder corrects the MDCT coefficients, adds pulses at f0 and noise where they have less
energy than the envelope, and inverts the MDCT. Envelope and pitch alone are decoded as by a vocoder; with the MDCT
coefficients it is a waveform coder.

The correction networks start at zero. So an untrained model passes the coded frequencies of every waveform, with both
stems equal to half the mixture, and does not have to learn phases.
"""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.deep_filter import BandSplitDeepFilter
from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.dsp.excitation import Excitation, PhaseState
from espnet2_decodec.codec.dsp.mdct import mdct_matrix
from espnet2_decodec.codec.dsp.mel import mdct_to_mel, mel_to_mdct, stft_to_mel
from espnet2_decodec.codec.dsp.overlap_add import frame_signal, moving_sum, weighted_overlap_add
from espnet2_decodec.codec.dsp.pitch import PitchEstimator


class MDCTBackbone(ParametricBackbone):
    """Masked STFT -> envelope, pitch and MDCT coefficients -> vocoder and corrected inverse MDCT, one frame per hop.

    Frame t is centered on samples t * hop .. (t + 1) * hop. Each half of the latent has E = `n_mels` coordinates of the
    envelope, log f0, voicing, and D / 2 - E - 2 MDCT coefficients.

    Args:
        dim: D, even.
        hop: samples per frame, even.
        n_mels: E, mel bands of the envelope.
        channels: C of the ConvNeXt blocks.
        encoder_blocks, decoder_blocks: numbers of blocks.
        kernel: of the decoder's convolutions, in frames, odd.
        encoder_kernel: of the encoder's convolutions, which need more context to separate.
        highband_gain: gain of the synthesized signal above the coded bands in frames without MDCT coefficients. It
            compensates a decoder that was trained to attenuate the high band next to coded bands.
        deep_filter_channels: of `BandSplitDeepFilter`, the second stage of the separation; 0 for none.
        deep_filter_blocks: of the same.
        causal: the blocks have no look-ahead. What remains is that of the windows and of the next frame's pitch, a
            latency of 4 * hop samples.
        sample_rate: Hz.

    Raises:
        ValueError: if dim or hop is odd, half of dim is not within E + 3 .. E + 2 + hop, or a kernel is even.
    """

    sign_symmetric = True

    context_frames = 25
    """Frames on each side over which the encoder's input is normalized; twice as many before the frame when causal."""

    compression = 0.5
    """Exponent of the power-law compression of a frame's MDCT coefficients, which gives quiet frames more weight."""

    mel_floor, mel_scale = 3e-4, 0.03
    """An envelope coordinate is mel_scale * log(1 + magnitude / mel_floor): zero is silence."""

    noise_shaping, max_comb_depth = 0.3, 0.5
    """Noise shaping of the speech quantizer, for masking.

    Exponent of the envelope within a frame, and depth in nepers of the comb at the harmonics.
    """

    window: Tensor
    mdct: Tensor
    ola_weight: Tensor
    stft_to_mdct: Tensor
    stft_to_mel: Tensor
    mel_to_mdct: Tensor
    mdct_to_mel: Tensor
    uncoded_mask: Tensor
    omega: Tensor
    comb_depth: Tensor

    def __init__(
        self,
        dim: int,
        hop: int = 320,
        n_mels: int = 40,
        channels: int = 192,
        encoder_blocks: int = 6,
        decoder_blocks: int = 4,
        kernel: int = 7,
        encoder_kernel: int = 15,
        highband_gain: float = 1.0,
        causal: bool = False,
        sample_rate: int = 16000,
        deep_filter_channels: int = 0,
        deep_filter_blocks: int = 4,
    ):
        super().__init__()
        self.semantic_dim, self.parametric_dim = n_mels, n_mels + 2
        self.bands = dim // 2 - self.parametric_dim
        if dim % 2 or hop % 2 or not 0 < self.bands <= hop:
            raise ValueError(
                f"The latent dimension must be even and within {2 * n_mels + 6}..{2 * (n_mels + 2 + hop)} with "
                f"{n_mels} mel bands and a hop of {hop} (even), not {dim}."
            )
        if kernel % 2 == 0 or encoder_kernel % 2 == 0:
            raise ValueError(f"kernel and encoder_kernel must be odd, not {kernel} and {encoder_kernel}.")
        self.dim, self.hop, self.n_fft, self.highband_gain = dim, hop, 3 * hop, highband_gain
        self.latency = self.n_fft + hop if causal else None
        self.norm_context = (2 * self.context_frames, 0) if causal else (self.context_frames, self.context_frames)
        encoder_context, decoder_context = (
            (k - 1, 0) if causal else (k // 2, k // 2) for k in (encoder_kernel, kernel)
        )
        self.receptive_field = (
            (
                encoder_blocks * encoder_context[0] + self.norm_context[0] + 1,
                encoder_blocks * encoder_context[1] + self.norm_context[1] + 1,
            ),
            (max(decoder_blocks * decoder_context[0] + 1, 2), max(decoder_blocks * decoder_context[1] + 1, 2)),
        )
        bins = self.n_fft // 2 + 1
        self.encoder = ConvNeXtStack(
            2 * bins, channels, encoder_blocks, 2 * bins + 2 * n_mels, encoder_kernel, causal, norm_in=True
        )
        self.decoder = ConvNeXtStack(
            dim + 2 * n_mels, channels, decoder_blocks, 4 * (self.bands + n_mels), kernel, causal
        )
        for layer in (self.encoder.out_proj, self.decoder.out_proj):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.deep_filter = None
        if deep_filter_channels:
            self.deep_filter = BandSplitDeepFilter(
                bins, channels, deep_filter_channels, deep_filter_blocks, causal=causal
            )
            (left, right), decoder_field = self.receptive_field
            extra_left, extra_right = self.deep_filter.receptive_field
            self.receptive_field = ((left + extra_left, right + extra_right), decoder_field)
        self._register_transforms(sample_rate, bins)
        self.pitch, self.excitation = PitchEstimator(sample_rate, self.window), Excitation(sample_rate, hop)

    def _register_transforms(self, sample_rate: int, bins: int) -> None:
        """The fixed matrices, which are no part of the state dict."""
        hop, n_mels = self.hop, self.semantic_dim

        def register(name: str, value: Tensor) -> None:
            self.register_buffer(name, value, persistent=False)

        register("window", torch.hann_window(self.n_fft))
        register("mdct", mdct_matrix(hop))
        register("ola_weight", self.mdct.square().sum(1))
        # Inverse Fourier transform, window of the MDCT instead of the analysis window, MDCT.
        basis = torch.view_as_complex(torch.eye(2 * bins).view(-1, bins, 2))
        inner = slice(hop // 2, -(hop // 2))
        register("stft_to_mdct", self._istft(basis)[:, inner] @ (self.mdct[:, : self.bands] / self.window[inner, None]))
        register("stft_to_mel", stft_to_mel(sample_rate, self.n_fft, n_mels))
        register("mel_to_mdct", mel_to_mdct(sample_rate, hop, n_mels))
        register("mdct_to_mel", mdct_to_mel(sample_rate, hop, n_mels)[: self.bands])
        register("uncoded_mask", (self.mel_to_mdct.argmax(1) >= self.bands).float())  # mel bands above the MDCT bands
        frequencies = (torch.arange(self.bands) + 0.5) * sample_rate / (2 * hop)
        register("omega", 2 * torch.pi * frequencies)
        # The estimated f0 is accurate enough for harmonics up to 800 Hz, and no longer at 1600 Hz.
        register("comb_depth", self.max_comb_depth * (2 - frequencies / 800).clamp(0, 1))

    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> Y [B, D, T]; see `Backbone.encode`."""
        spectra, envelope_correction = self._separate(self._stft(wav.float()), mask)
        latent = self._analyze(spectra)
        latent[..., : self.semantic_dim] += self.mel_scale * envelope_correction
        return latent.flatten(2).transpose(1, 2)

    def target_latent(self, wav: Tensor) -> Tensor:
        """Stem [B, T * hop] -> [B, D / 2, T]; see `ParametricBackbone.target_latent`."""
        return self._analyze(self._stft(wav.float())).transpose(1, 2)

    def stems(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Inverse STFT of the masked spectra: wav [B, T * hop] -> speech and background [B, 2, T * hop]."""
        return self._stem_waveforms(self._separate(self._stft(wav.float()), mask)[0], mask)

    def _stem_waveforms(self, spectra: Tensor, mask: Tensor | None) -> Tensor:
        """Spectra [B, T, 2, F] -> [B, 2, T * hop]."""
        frames = self._istft(spectra).transpose(1, 2)
        return weighted_overlap_add(frames, self.window, self.hop, None if mask is None else mask[:, None])

    def gain(self, parametric: Tensor) -> Tensor:
        """Envelope and pitch [..., E + 2] -> norm of the MDCT coefficients [..., 1]."""
        return self._gain(self._mdct_magnitudes(parametric))

    def scale_factors(self, parametric: Tensor) -> Tensor:
        """Envelope and pitch [..., E + 2] -> scale factors of the MDCT coefficients [..., bands]."""
        magnitudes = self._mdct_magnitudes(parametric)
        log_magnitudes = torch.log(magnitudes + 0.05 * magnitudes.amax(-1, keepdim=True) + 1e-4)
        shape = self.noise_shaping * (log_magnitudes - log_magnitudes.mean(-1, keepdim=True))
        f0, voiced = (x[..., None] for x in self.pitch.decode(parametric[..., self.semantic_dim :]))
        comb = self.comb_depth * voiced * torch.cos(self.omega / f0)
        return self._gain(magnitudes) * torch.exp(shape + comb)

    def frame_power(self, latent: Tensor) -> Tensor:
        """[B, D / 2, T] -> [B, T]; see `ParametricBackbone.frame_power`."""
        magnitudes = self._mel_magnitudes(latent[:, : self.semantic_dim].transpose(1, 2))
        return (magnitudes @ self.mel_to_mdct).square().mean(-1)

    def advance_phase(self, latent: Tensor, state: PhaseState | None = None) -> tuple[Tensor, PhaseState]:
        """Y [B, D, T] -> pulse phases of both stems and frame numbers [B, 3, T]; see `Backbone.advance_phase`."""
        phase, state = self.excitation.advance_phase(*self._f0(latent), state)
        return phase.transpose(1, 2), state

    def decode(self, latent: Tensor, mask: Tensor | None = None, phase: Tensor | None = None) -> Tensor:
        """Y [B, D, T] -> wav [B, T * hop]; see `Backbone.decode`."""
        return self._imdct(self._decode_mdct(latent, mask, phase), mask)

    def decode_components(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> coded bands, and the synthesized bands above them, [B, T * hop] each."""
        coded, synthesized = self._decode_mdct(latent, None, None).tensor_split([self.bands], dim=-1)
        highband = nn.functional.pad(synthesized, (self.bands, 0))
        return self._imdct(nn.functional.pad(coded, (0, self.hop - self.bands)), None), self._imdct(highband, None)

    def _decode_mdct(
        self, latent: Tensor, mask: Tensor | None, phase: Tensor | None, network: ConvNeXtStack | None = None
    ) -> Tensor:
        """Y [B, D, T] -> MDCT coefficients [B, T, hop], by another network than `decoder` if given."""
        pitch = self._f0(latent)
        phase = self.excitation.advance_phase(*pitch, None)[0] if phase is None else phase.transpose(1, 2)
        pulses, noise = self.excitation(*pitch, phase, mask)
        latent = latent.transpose(1, 2).contiguous()  # many times faster in what follows
        coded = self._coded_bands(latent)
        outputs = (network or self.decoder)(self._decoder_input(latent, coded), mask).float()
        return self._mdct_frames(latent, coded, outputs, pulses, noise)

    def _coded_bands(self, latent: Tensor) -> Tensor:
        """Y [B, T, D] -> MDCT coefficients that the latent codes [B, T, 2, bands]."""
        coded = latent.float().unflatten(-1, (2, -1))[..., self.parametric_dim :]
        return coded * _norm(coded) ** (1 / self.compression - 1)

    def _decoder_input(self, latent: Tensor, coded: Tensor) -> Tensor:
        """Y [B, T, D] and its `_coded_bands` -> input of the decoder's network [B, T, D + 2 E]."""
        log_coded_mel = self.mel_scale * torch.log1p(coded.abs() @ self.mdct_to_mel / self.mel_floor)
        return torch.cat([latent, log_coded_mel.flatten(-2).to(latent.dtype)], dim=-1)

    def _mdct_frames(self, latent: Tensor, coded: Tensor, outputs: Tensor, pulses: Tensor, noise: Tensor) -> Tensor:
        """MDCT coefficients [B, T, hop], see `_decode_mdct`.

        Args:
            latent: Y [B, T, D].
            coded: `_coded_bands` of it.
            outputs: of the decoder's network [B, T, 4 * (bands + E)].
            pulses: [B, T, 2, hop].
            noise: [B, T, 1, hop].
        """
        magnitudes = self._mel_magnitudes(latent.float().unflatten(-1, (2, -1))[..., : self.semantic_dim])
        coded_mel = coded.abs() @ self.mdct_to_mel
        sizes = (self.bands, self.bands, self.semantic_dim, self.semantic_dim)
        band_gain, band_offset, harmonic_gain, noise_gain = outputs.unflatten(-1, (2, -1)).split(sizes, dim=-1)
        # The vocoder synthesizes the energy that the envelope has and the coded bands lack.
        residual_ratio = (1 - (coded_mel / (magnitudes + 1e-6)).square()).clamp(0, 1).sqrt().detach()
        residual_envelope = magnitudes * residual_ratio * self._vocoder_gain(coded_mel, magnitudes)
        harmonics = pulses * ((harmonic_gain * residual_envelope) @ self.mel_to_mdct)
        frames = harmonics + noise * (((self.uncoded_mask + noise_gain) * residual_envelope) @ self.mel_to_mdct)
        offset = band_offset * (magnitudes @ self.mel_to_mdct[:, : self.bands])
        coded = coded * (2 * torch.sigmoid(band_gain)) + offset
        return frames.sum(-2) + nn.functional.pad(coded.sum(-2), (0, self.hop - self.bands))

    def _vocoder_gain(self, coded_mel: Tensor, magnitudes: Tensor) -> Tensor:
        """Gain [..., E] of the synthesized residual, given coded and target mel magnitudes [..., E]."""
        coded_mask = 1 - self.uncoded_mask
        coded_sum, target_sum = ((x * coded_mask).sum(-1, keepdim=True) for x in (coded_mel, magnitudes))
        return 1 + (self.highband_gain - 1) * self.uncoded_mask * (coded_sum < 0.02 * target_sum)

    def _imdct(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """MDCT coefficients [B, T, hop] -> wav [B, T * hop]."""
        return weighted_overlap_add(frames @ self.mdct.T, self.ola_weight, self.hop, mask)

    def _mel_magnitudes(self, envelope: Tensor) -> Tensor:
        """Envelope coordinates [..., E] -> mel magnitudes."""
        return self.mel_floor * torch.expm1((envelope / self.mel_scale).clamp(0, 9))

    def _mdct_magnitudes(self, parametric: Tensor) -> Tensor:
        """Envelope and pitch [..., E + 2] -> magnitudes of the MDCT bands according to the envelope [..., bands]."""
        with torch.autocast(parametric.device.type, enabled=False):
            magnitudes = self._mel_magnitudes(parametric[..., : self.semantic_dim].float())
            return magnitudes @ self.mel_to_mdct[:, : self.bands]

    def _gain(self, magnitudes: Tensor) -> Tensor:
        """Magnitudes of the MDCT bands [..., bands] -> norm of their compressed coefficients [..., 1]."""
        return (magnitudes.norm(dim=-1, keepdim=True) + 1e-3) ** self.compression

    def _f0(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> f0 in Hz and voicing of speech and background, [B, T, 2] each."""
        pitch = latent.detach().unflatten(1, (2, -1))[:, :, self.semantic_dim : self.parametric_dim]
        return self.pitch.decode(pitch.permute(0, 3, 1, 2))

    def _stft(self, wav: Tensor) -> Tensor:
        """Wav [B, T * hop] -> [B, T, F]; white noise of power 1 has about power 1 per bin."""
        return torch.fft.rfft(frame_signal(wav, self.n_fft, self.hop) * self.window) * (2 / self.n_fft**0.5)

    def _istft(self, spectra: Tensor) -> Tensor:
        """[..., F] -> windowed frames [..., n_fft]."""
        return torch.fft.irfft(spectra, n=self.n_fft) * (self.n_fft**0.5 / 2)

    def _separate(self, spectrum: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """[B, T, F] -> masked spectra [B, T, 2, F] and envelope corrections [B, T, 2, E] of speech and background."""
        bins = spectrum.shape[-1]
        inputs, level = self._encoder_features(spectrum, mask)
        features = self.encoder.features(inputs, mask)
        outputs = self.encoder.out_proj(features).float()
        real, imag, envelope_correction = outputs.split((bins, bins, 2 * self.semantic_dim), dim=-1)
        speech = spectrum * torch.complex(torch.sigmoid(real), torch.tanh(imag))
        if self.deep_filter is not None:
            speech = self.deep_filter(spectrum, speech, level, features, mask)
        return torch.stack([speech, spectrum - speech], dim=2), envelope_correction.unflatten(-1, (2, -1))

    def _analyze(self, spectra: Tensor) -> Tensor:
        """Spectra [..., F] -> envelope, pitch and MDCT coefficients [..., D / 2]."""
        with torch.autocast(spectra.device.type, enabled=False):
            coefficients = torch.view_as_real(spectra).flatten(-2) @ self.stft_to_mdct
            powers = spectra.real.square() + spectra.imag.square()
            envelope = self.mel_scale * torch.log1p((powers + 1e-12).sqrt() @ self.stft_to_mel / self.mel_floor)
            compressed = coefficients * _norm(coefficients) ** (self.compression - 1)
            return torch.cat([envelope, self.pitch(powers), compressed], dim=-1)

    def _encoder_features(self, spectrum: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """[B, T, F] -> log magnitudes normalized to the level of the recording [B, T, 2 F], and that level [B, T, 1].

        The first F are relative to the mean over the context and all bins, the second to the mean over the context of
        each bin, which emphasizes changes, such as speech, over stationary noise.
        """
        logs = torch.log(spectrum.abs() + 1e-3)
        valid = torch.ones_like(logs[:1, :, :1]) if mask is None else mask[..., None].to(logs.dtype)
        sums = moving_sum(logs if mask is None else logs * valid, self.norm_context)
        means = sums / moving_sum(valid, self.norm_context).clamp(min=0.5)
        level = means.mean(-1, keepdim=True)
        return torch.cat([0.5 * (logs - level), logs - means], dim=-1), level


def _norm(x: Tensor) -> Tensor:
    """Euclidean norm over the last axis, kept as an axis, with a differentiable floor 60 dB below full scale."""
    return (x.square().sum(-1, keepdim=True) + 1e-6).sqrt()
