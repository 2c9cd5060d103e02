"""The backbone of decodec-16k-semantic: the MDCT backbone with a semantic encoder and a neural post-filter.

The latent begins with semantic features of the separated speech, which the first level of the speech stream codes. They
guide the prediction of the parameters and the post-filter. The streams are decoded separately, and their
waveforms are added.
"""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.dsp.excitation import PhaseState
from espnet2_decodec.codec.dsp.overlap_add import weighted_overlap_add
from espnet2_decodec.codec.post_filter import PostFilter
from espnet2_decodec.codec.semantic_encoder import SemanticEncoder


class SemanticMDCTBackbone(MDCTBackbone):
    """Semantic features, then the latents of `MDCTBackbone` for speech and background, each half of the rest.

    The decoder of the speech ends with a post-filter, that of the background does not.

    Args:
        dim: D = S + an even number.
        content_dim: S, of the semantic features.
        semantic_channels, semantic_blocks, semantic_kernel: of the semantic encoder.
        semantic_mixture_input: whether the semantic encoder also sees the mixture, see `SemanticEncoder`.
        post_filter_channels, post_filter_blocks: of the post-filter.
        hop, n_mels, channels, encoder_blocks, decoder_blocks, kernel, encoder_kernel, highband_gain, sample_rate,
            deep_filter_channels, deep_filter_blocks: as for `MDCTBackbone`.

    Raises:
        ValueError: as for `MDCTBackbone`.
    """

    decodes_streams_separately = True

    coordinate_scale: Tensor

    def __init__(
        self,
        dim: int,
        content_dim: int = 64,
        hop: int = 320,
        n_mels: int = 40,
        channels: int = 192,
        encoder_blocks: int = 6,
        decoder_blocks: int = 4,
        kernel: int = 7,
        encoder_kernel: int = 15,
        highband_gain: float = 1.0,
        semantic_channels: int = 224,
        semantic_blocks: int = 8,
        semantic_kernel: int = 9,
        post_filter_channels: int = 256,
        post_filter_blocks: int = 6,
        sample_rate: int = 16000,
        deep_filter_channels: int = 0,
        deep_filter_blocks: int = 4,
        semantic_mixture_input: bool = False,
    ):
        super().__init__(
            dim - content_dim, hop, n_mels, channels, encoder_blocks, decoder_blocks, kernel, encoder_kernel,
            highband_gain, False, sample_rate, deep_filter_channels, deep_filter_blocks,
        )  # fmt: skip
        self.dim, self.content_dim, self.stem_dim = dim, content_dim, (dim - content_dim) // 2
        self.semantic_encoder = SemanticEncoder(
            content_dim, semantic_channels, semantic_blocks, semantic_kernel, hop, sample_rate, semantic_mixture_input
        )
        self.background_decoder = ConvNeXtStack(dim - content_dim + 2 * n_mels, channels, decoder_blocks,
                                                4 * (self.bands + n_mels), kernel, False)  # fmt: skip
        nn.init.zeros_(self.background_decoder.out_proj.weight)
        nn.init.zeros_(self.background_decoder.out_proj.bias)
        self.post_filter = PostFilter(self.stem_dim, content_dim, hop, post_filter_channels, post_filter_blocks)
        self.register_buffer("coordinate_scale", torch.ones(self.stem_dim))
        assert self.receptive_field is not None
        (encoder_left, encoder_right), (decoder_left, decoder_right) = self.receptive_field
        left, right = (1 + frames for frames in self.semantic_encoder.receptive_field)
        filter_left, filter_right = self.post_filter.receptive_field
        self.receptive_field = (
            (encoder_left + left, encoder_right + right),
            (decoder_left + filter_left, decoder_right + filter_right),
        )

    @property
    def stem_dims(self) -> tuple[int, int]:
        """Dimensions of the latent of the speech and of that of the background."""
        return self.content_dim + self.stem_dim, self.stem_dim

    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> Y [B, D, T]; see `Backbone.encode`."""
        wav = wav.float()
        spectra, correction = self._separate(self._stft(wav), mask)
        latent = self._analyze(spectra)
        latent[..., : self.semantic_dim] += self.mel_scale * correction
        frames = self._istft(spectra[:, :, 0])
        stem = weighted_overlap_add(frames, self.window, self.hop, mask)
        semantic = self.semantic_encoder(stem, mask, wav)
        return torch.cat([semantic, latent.flatten(2)], dim=-1).transpose(1, 2)

    def isolated_latent(self, wav: Tensor) -> Tensor:
        """Speech [B, T * hop] -> its latent [B, S + D', T]; see `ParametricBackbone.isolated_latent`."""
        return torch.cat([self.semantic_encoder(wav.float()).transpose(1, 2), self.target_latent(wav)], dim=1)

    def frame_power(self, latent: Tensor) -> Tensor:
        """Latent of a stem -> [B, T]; see `ParametricBackbone.frame_power`."""
        return super().frame_power(latent[:, -self.stem_dim :])

    def advance_phase(self, latent: Tensor, state: PhaseState | None = None) -> tuple[Tensor, PhaseState]:
        """Y [B, D, T] -> phases [B, 3, T]; see `MDCTBackbone.advance_phase`."""
        return super().advance_phase(latent[:, self.content_dim :], state)

    def decode(self, latent: Tensor, mask: Tensor | None = None, phase: Tensor | None = None) -> Tensor:
        """Y [B, D, T] of one stream -> wav [B, T * hop]; see `Backbone.decode`."""
        if not latent[:, : self.content_dim].any():
            return self.decode_background(latent, mask, phase)
        return self.decode_speech(latent, mask, phase)[0]

    def decode_background(self, latent: Tensor, mask: Tensor | None = None, phase: Tensor | None = None) -> Tensor:
        """Y [B, D, T] of the background -> wav [B, T * hop]; see `Backbone.decode`."""
        coordinates = latent.float()[:, self.content_dim :]
        return self._imdct(self._decode_mdct(coordinates, mask, phase, self.background_decoder), mask)

    def decode_speech(
        self, latent: Tensor, mask: Tensor | None = None, phase: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] of the speech -> wav [B, T * hop], and the same before the post-filter; see `Backbone.decode`."""
        semantic, coordinates = latent.float().tensor_split([self.content_dim], dim=1)
        wav = self._imdct(self._decode_mdct(coordinates, mask, phase), mask)
        speech = coordinates[:, : self.stem_dim].transpose(1, 2) / self.coordinate_scale
        return self.post_filter(wav, speech, semantic.transpose(1, 2), mask), wav

    def decode_components(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> wav [B, T * hop], zeros; see `Backbone.decode_components`."""
        wav = self.decode(latent)
        return wav, torch.zeros_like(wav)
