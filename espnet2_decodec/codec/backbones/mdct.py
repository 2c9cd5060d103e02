"""The default backbone: a lapped transform that networks steer.

The encoder's network masks the spectrum, once for speech and once for background. Of each stem the latent
holds three things that are read off the masked spectrum: its envelope, coarse but over all frequencies, its pitch, and the
lowest bands of its modified discrete cosine transform (MDCT), an orthonormal map of the waveform. The decoder's network
corrects these bands, fills up to the envelope what they do not hold, with pulses at the pitch and with noise, and the MDCT is
inverted. So envelope and pitch alone are a vocoder's parameters, and the bands make a waveform coder of it.

So an untrained model already passes the lower frequencies of every waveform through, with both stems equal to half
the mixture, and training starts from there instead of from having to discover phases.
"""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import Backbone
from espnet2_decodec.codec.backbones.spectral import Stack
from espnet2_decodec.codec.dsp.excitation import Excitation
from espnet2_decodec.codec.dsp.pitch import Pitch
from espnet2_decodec.codec.dsp.transforms import (
    framed,
    mdct_matrix,
    mel_band_means,
    mel_interpolation,
    mel_means,
    weighted_overlap_add,
    window_sum,
)


class LappedBackbone(Backbone):
    """Masked spectrum -> envelopes, pitch and MDCT bands -> vocoder and corrected inverse MDCT, at one frame per hop.

    Frame t is centred on samples t * hop .. (t + 1) * hop. Each half of the latent, the first for speech and the second
    for background, is E = `semantic_dim` coordinates of the envelope, two of the pitch, and D / 2 - E - 2 bands. That is
    where training starts from; what it makes of them is free.

    Args:
        dim: D, even.
        hop: samples per frame, a multiple of 2.
        envelope: E.
        channels: C of the blocks.
        encoder_blocks, decoder_blocks: how many of them.
        kernel: frames that a block of the decoder looks at, odd.
        encoder_kernel: the same of the encoder, whose network has to tell speech from background by what is around.
        vocoded_gain: of what is made up above the bands in frames without bands, which are heard as a vocoder's. It undoes what a
            model's decoder was softened by after training, so that beside coded bands it is less of a nuisance.
        causal: the blocks look back only; what is left of look-ahead is that of the windows and of the way to the next
            frame's pitch, so that a sample can be given out 4 * hop samples after it came in.
        sample_rate: Hz, of the envelope's mel scale.

    Raises:
        ValueError: if dim or hop is odd, half of dim is not within E + 3 .. E + 2 + hop, or a kernel is even.
    """

    signed = True

    memory = 25
    """Frames on each side over which the encoder takes means; all of them behind when causal."""

    power = 0.5
    """Of a frame's norm that is left in the bands: quiet frames keep their share of the quantizers' attention."""

    floor, scale = 3e-4, 0.03
    """An envelope coordinate is scale * log(1 + magnitude / floor): zero is silence."""

    shaping, combing = 0.3, 0.5
    """How far the error of the speech quantizer follows the envelope within a frame, as a power of it, and the harmonics, in
    nepers above the mean: there some of it is masked."""

    def __init__(
        self,
        dim: int,
        hop: int = 320,
        envelope: int = 40,
        channels: int = 192,
        encoder_blocks: int = 6,
        decoder_blocks: int = 4,
        kernel: int = 7,
        encoder_kernel: int = 15,
        vocoded_gain: float = 1.0,
        causal: bool = False,
        sample_rate: int = 16000,
    ):
        super().__init__()
        self.semantic_dim, self.parametric_dim = envelope, envelope + 2
        self.bands = dim // 2 - self.parametric_dim
        if dim % 2 or hop % 2 or not 0 < self.bands <= hop:
            raise ValueError(
                f"The latent dimension must be even and within {2 * envelope + 6}..{2 * (envelope + 2 + hop)} with an "
                f"envelope of {envelope} and a hop of {hop} (even), not {dim}."
            )
        if kernel % 2 == 0 or encoder_kernel % 2 == 0:
            raise ValueError(f"kernel and encoder_kernel must be odd, not {kernel} and {encoder_kernel}.")
        self.dim, self.hop, self.n_fft, self.vocoded_gain = dim, hop, 3 * hop, vocoded_gain
        self.latency = self.n_fft + hop if causal else None
        before, after = ((k - 1, 0) if causal else (k // 2, k // 2) for k in (encoder_kernel, kernel))
        self.around = (2 * self.memory, 0) if causal else (self.memory, self.memory)
        self.reach = (
            tuple(encoder_blocks * kept + means + 1 for kept, means in zip(before, self.around)),
            tuple(max(decoder_blocks * kept + 1, 2) for kept in after),
        )
        bins = self.n_fft // 2 + 1
        self.encoder = Stack(
            2 * bins, channels, encoder_blocks, 2 * bins + 2 * envelope, encoder_kernel, causal, level=False
        )
        seen = dim + 2 * envelope
        self.decoder = Stack(seen, channels, decoder_blocks, 4 * (self.bands + envelope), kernel, causal)
        for layer in (self.encoder.leave, self.decoder.leave):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        window, lap = torch.hann_window(self.n_fft), mdct_matrix(hop)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("lap", lap, persistent=False)
        self.register_buffer("slope", lap.square().sum(1), persistent=False)
        # Spectra to bands: an inverse Fourier transform, the MDCT's window in place of the analysis window, the MDCT.
        parts = torch.view_as_complex(torch.eye(2 * bins).view(-1, bins, 2))
        inner = slice(hop // 2, -(hop // 2))
        relap = self._inverse(parts)[:, inner] @ (lap[:, : self.bands] / window[inner, None])
        self.register_buffer("relap", relap, persistent=False)
        self.register_buffer("means", mel_means(sample_rate, self.n_fft, envelope), persistent=False)
        self.register_buffer("spread", mel_interpolation(sample_rate, hop, envelope), persistent=False)
        self.register_buffer("held", mel_band_means(sample_rate, hop, envelope)[: self.bands], persistent=False)
        # Untrained, the bands that are not coded are noise.
        self.register_buffer("noisy", (self.spread.argmax(1) >= self.bands).float(), persistent=False)
        frequencies = (torch.arange(self.bands) + 0.5) * sample_rate / (2 * hop)
        self.register_buffer("turns", 2 * torch.pi * frequencies, persistent=False)
        # Up to 800 Hz harmonics are where the pitch tells; at 1600 Hz its error is too large.
        self.register_buffer("combed", self.combing * (2 - frequencies / 800).clamp(0, 1), persistent=False)
        self.pitch, self.excitation = Pitch(sample_rate, window), Excitation(sample_rate, hop)

    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> Y [B, D, T]; see `Backbone.encode`."""
        spectra, heard = self._separate(self._spectrum(wav.float()), mask)
        latent = self._coordinates(spectra)
        latent[..., : self.semantic_dim] += self.scale * heard
        return latent.flatten(2).transpose(1, 2)

    def anchor(self, wav: Tensor) -> Tensor:
        """What a stem [B, T * hop] would be encoded as if it were masked perfectly: [B, D / 2, T]."""
        return self._coordinates(self._spectrum(wav.float())).transpose(1, 2)

    def stems(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """The masked spectra as waveforms: wav [B, T * hop] -> speech and background [B, 2, T * hop]."""
        spectra, _ = self._separate(self._spectrum(wav.float()), mask)
        frames = self._inverse(spectra).transpose(1, 2)
        valid = None if mask is None else mask[:, None]
        return weighted_overlap_add(frames, self.window, self.hop, valid)

    def loudness(self, parametric: Tensor) -> Tensor:
        """Envelope and pitch [..., E + 2] -> how large the bands of a frame are [..., 1]; see `Backbone.loudness`."""
        return self._loudness(self._expected(parametric))

    def sizes(self, parametric: Tensor) -> Tensor:
        """Envelope and pitch [..., E + 2] -> how large each of the bands is taken to be [..., bands]; see `Backbone.sizes`."""
        amplitudes = self._expected(parametric)
        shape = torch.log(amplitudes + 0.05 * amplitudes.amax(-1, keepdim=True) + 1e-4)
        f0, voiced = (x[..., None] for x in self.pitch.frequency(parametric[..., self.semantic_dim :]))
        comb = self.combed * voiced * torch.cos(self.turns / f0)
        return self._loudness(amplitudes) * torch.exp(self.shaping * (shape - shape.mean(-1, keepdim=True)) + comb)

    def frame_power(self, half: Tensor) -> Tensor:
        """[B, D / 2, T] -> [B, T] by the envelope; see `Backbone.frame_power`."""
        return (self._amplitudes(half[:, : self.semantic_dim].transpose(1, 2)) @ self.spread).square().mean(-1)

    def clock(self, latent: Tensor, state: tuple[Tensor, ...] | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Y [B, D, T] -> ticks [B, 3, T]: pulses of the two stems, and frames; see `Backbone.clock`."""
        ticks, state = self.excitation.clock(*self._f0(latent), state)
        return ticks.transpose(1, 2), state

    def decode(self, latent: Tensor, mask: Tensor | None = None, ticks: Tensor | None = None) -> Tensor:
        """Y [B, D, T] -> wav [B, T * hop]; see `Backbone.decode`."""
        return self._overlap(self._frames(latent, mask, ticks), mask)

    def decode_apart(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> the decoded bands, and the filling above them, [B, T * hop] each; see `Backbone.decode_apart`."""
        coded, filling = self._frames(latent, None, None).tensor_split([self.bands], dim=-1)
        above = nn.functional.pad(filling, (self.bands, 0))
        return self._overlap(nn.functional.pad(coded, (0, self.hop - self.bands)), None), self._overlap(above, None)

    def _frames(self, latent: Tensor, mask: Tensor | None, ticks: Tensor | None) -> Tensor:
        """Y [B, D, T] -> MDCT bands [B, T, hop]."""
        pitch = self._f0(latent)
        ticks = self.excitation.clock(*pitch, None)[0] if ticks is None else ticks.transpose(1, 2)
        pulses, noise = self.excitation(*pitch, ticks, mask)
        latent = latent.transpose(1, 2).contiguous()  # many times faster further on
        envelope, _, bands = latent.float().unflatten(-1, (2, -1)).split((self.semantic_dim, 2, self.bands), dim=-1)
        bands = bands * _norm(bands) ** (1 / self.power - 1)
        amplitudes = self._amplitudes(envelope)
        held = bands.abs() @ self.held
        seen = torch.cat([latent, (self.scale * torch.log1p(held / self.floor)).flatten(-2).to(latent.dtype)], dim=-1)
        size = (self.bands, self.bands, self.semantic_dim, self.semantic_dim)
        gates, shifts, tonal, noisy = self.decoder(seen, mask).float().unflatten(-1, (2, -1)).split(size, dim=-1)
        # What the envelope tells and the bands do not hold is filled in.
        empty = (1 - (held / (amplitudes + 1e-6)).square()).clamp(0, 1).sqrt().detach()
        filling = amplitudes * empty * self._raised(held, amplitudes)
        frames = pulses * ((tonal * filling) @ self.spread) + noise * (((self.noisy + noisy) * filling) @ self.spread)
        bands = bands * (2 * torch.sigmoid(gates)) + shifts * (amplitudes @ self.spread[:, : self.bands])
        return frames.sum(-2) + nn.functional.pad(bands.sum(-2), (0, self.hop - self.bands))

    def _raised(self, held: Tensor, amplitudes: Tensor) -> Tensor:
        """What bands hold of the magnitudes, and the magnitudes [..., E] -> gain of what is made up [..., E]."""
        low = 1 - self.noisy
        vocoded = (held * low).sum(-1, keepdim=True) < 0.02 * (amplitudes * low).sum(-1, keepdim=True)
        return 1 + (self.vocoded_gain - 1) * self.noisy * vocoded

    def _overlap(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """MDCT bands [B, T, hop] -> wav [B, T * hop]."""
        return weighted_overlap_add(frames @ self.lap.T, self.slope, self.hop, mask)

    def _amplitudes(self, envelope: Tensor) -> Tensor:
        """Coordinates of the envelope [..., E] -> magnitudes."""
        return self.floor * torch.expm1((envelope / self.scale).clamp(0, 9))

    def _expected(self, parametric: Tensor) -> Tensor:
        """Envelope and pitch [..., E + 2] -> magnitudes of the bands that the envelope tells [..., bands]."""
        with torch.autocast(parametric.device.type, enabled=False):
            return self._amplitudes(parametric[..., : self.semantic_dim].float()) @ self.spread[:, : self.bands]

    def _loudness(self, amplitudes: Tensor) -> Tensor:
        """Magnitudes of the bands -> norm of their coordinates [..., 1]."""
        return (amplitudes.norm(dim=-1, keepdim=True) + 1e-3) ** self.power

    def _f0(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> f0 in Hz and whether there is one, [B, T, 2] of speech and background."""
        halves = latent.detach().unflatten(1, (2, -1))[:, :, self.semantic_dim : self.parametric_dim]
        return self.pitch.frequency(halves.permute(0, 3, 1, 2))

    def _spectrum(self, wav: Tensor) -> Tensor:
        """Wav [B, T * hop] -> [B, T, F], white noise of power 1 having about power 1 per bin."""
        return torch.fft.rfft(framed(wav, self.n_fft, self.hop) * self.window) * (2 / self.n_fft**0.5)

    def _inverse(self, spectra: Tensor) -> Tensor:
        """[..., F] -> [..., n_fft], still under the window."""
        return torch.fft.irfft(spectra, n=self.n_fft) * (self.n_fft**0.5 / 2)

    def _separate(self, spectrum: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """[B, T, F] -> of speech and background, the masked spectra [B, T, 2, F] and what is heard in them [B, T, 2, E]."""
        real, imaginary, heard = (
            self.encoder(self._seen(spectrum, mask), mask)
            .float()
            .split((spectrum.shape[-1], spectrum.shape[-1], 2 * self.semantic_dim), dim=-1)
        )
        speech = spectrum * torch.complex(torch.sigmoid(real), torch.tanh(imaginary))
        return torch.stack([speech, spectrum - speech], dim=2), heard.unflatten(-1, (2, -1))

    def _coordinates(self, spectra: Tensor) -> Tensor:
        """Spectra [..., F] -> envelope, pitch and bands [..., D / 2]."""
        with torch.autocast(spectra.device.type, enabled=False):
            bands = torch.view_as_real(spectra).flatten(-2) @ self.relap
            powers = spectra.real.square() + spectra.imag.square()
            envelope = self.scale * torch.log1p((powers + 1e-12).sqrt() @ self.means / self.floor)
            return torch.cat([envelope, self.pitch(powers), bands * _norm(bands) ** (self.power - 1)], dim=-1)

    def _seen(self, spectrum: Tensor, mask: Tensor | None) -> Tensor:
        """What the encoder's network sees: log spectra [B, T, 2 F], free of the recording's level.

        The first F are relative to the mean of the frames around, over all bins; the second to the mean of each bin
        by itself, so that what holds on, as noise does, stands out from what changes, as speech does.
        """
        logs = torch.log(spectrum.abs() + 1e-3)
        valid = torch.ones_like(logs[:1, :, :1]) if mask is None else mask[..., None].to(logs.dtype)
        sums = window_sum(logs if mask is None else logs * valid, self.around)
        means = sums / window_sum(valid, self.around).clamp(min=0.5)
        return torch.cat([0.5 * (logs - means.mean(-1, keepdim=True)), logs - means], dim=-1)


def _norm(x: Tensor) -> Tensor:
    """Euclidean norm over the last axis, kept, with a differentiable bottom 60 dB under full scale."""
    return (x.square().sum(-1, keepdim=True) + 1e-6).sqrt()
