"""The backbone of the DeCodec paper, made of ESPnet's SEANet layers: strided convolutions and a recurrence."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import Backbone, ReceptiveField


class Recurrence(nn.Module):
    """LSTM over time with a residual connection.

    Args:
        dim: D.
        layers: of the LSTM; 0 for the identity.
        causal: unidirectional instead of bidirectional.
    """

    def __init__(self, dim: int, layers: int, causal: bool):
        super().__init__()
        hidden = dim if causal else dim // 2
        self.lstm = nn.LSTM(dim, hidden, layers, batch_first=True, bidirectional=not causal) if layers else None

    def forward(self, x: Tensor) -> Tensor:
        """[B, D, T] -> [B, D, T]; on a CPU in float32, as not all processors have an LSTM in bfloat16."""
        if self.lstm is None:
            return x
        frames = x.transpose(1, 2).to(next(self.lstm.parameters()).dtype)
        with torch.autocast("cpu", enabled=False):
            return x + self.lstm(frames)[0].transpose(1, 2)


class SEANetBackbone(Backbone):
    """SEANet encoder, LSTM, latent; latent, LSTM, SEANet decoder (Tagliasacchi et al., 2020, arXiv 2009.02095).

    Recordings of different lengths in one batch are processed in groups of equal length, so that each gives the same as
    alone.

    Args:
        dim: D.
        hop: samples per frame, the product of `strides`.
        strides: of the encoder's stages, starting at the waveform; the decoder has them in reverse order.
        n_filters: channels of the first stage, doubled in each stage.
        residual_layers: residual blocks per stage.
        residual_kernel: their kernel size.
        dilation: base of the dilations, block i of a stage has dilation ** i. DAC as in the paper has 64 filters,
            Snake, 3 blocks of kernel 7 and dilations 1, 3, 9.
        lstm: LSTM layers on each side of the latent; without them the receptive field is limited.
        causal: no look-ahead beyond the frame itself; the latency is hop samples.
        activation: "ELU", "Snake" or the name of another torch.nn module without arguments.

    Raises:
        ImportError: if ESPnet is not installed.
        ValueError: if hop is not the product of the strides, or dim is odd and the LSTM is bidirectional.
    """

    def __init__(
        self,
        dim: int,
        hop: int = 320,
        strides: Sequence[int] = (2, 4, 5, 8),
        n_filters: int = 32,
        residual_layers: int = 1,
        residual_kernel: int = 3,
        dilation: int = 2,
        lstm: int = 2,
        causal: bool = False,
        activation: str = "ELU",
    ):
        super().__init__()
        if math.prod(strides) != hop:
            raise ValueError(f"The product of the strides {tuple(strides)} is {math.prod(strides)}, but hop is {hop}.")
        if lstm and not causal and dim % 2:
            raise ValueError(f"A bidirectional LSTM needs an even latent dimension, not {dim}.")
        self.dim, self.hop = dim, hop
        options = dict(
            dimension=dim,
            n_filters=n_filters,
            n_residual_layers=residual_layers,
            residual_kernel_size=residual_kernel,
            dilation_base=dilation,
            ratios=list(reversed(strides)),
            causal=causal,
            activation=activation,
            activation_params={},
            pad_mode="constant",
            lstm=0,
        )
        encoder, decoder = _espnet_seanet()
        self.encoder, self.decoder = encoder(**options), decoder(**options)
        self.encoder_recurrence = Recurrence(dim, lstm, causal)
        self.decoder_recurrence = Recurrence(dim, lstm, causal)
        self.latency = hop if causal else None
        self.receptive_field = None if lstm else self._receptive_field()

    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> Y [B, D, T]; see `Backbone.encode`."""
        frames = wav.float().view(len(wav), -1, self.hop)
        return _by_length(self._encode, frames, mask).transpose(1, 2)

    def decode(self, latent: Tensor, mask: Tensor | None = None, phase: Tensor | None = None) -> Tensor:
        """Y [B, D, T] -> wav [B, T * hop]; see `Backbone.decode`."""
        return _by_length(self._decode, latent.transpose(1, 2), mask).flatten(1)

    def _encode(self, frames: Tensor) -> Tensor:
        """[B, T, hop] -> [B, T, D]."""
        return self.encoder_recurrence(self.encoder(frames.flatten(1)[:, None])).transpose(1, 2).float()

    def _decode(self, frames: Tensor) -> Tensor:
        """[B, T, D] -> [B, T, hop]."""
        wav = self.decoder(self.decoder_recurrence(frames.transpose(1, 2)))
        return wav.reshape(*frames.shape[:2], self.hop).float()

    def _receptive_field(self) -> ReceptiveField:
        """Computed from the layers; see `ReceptiveField`."""
        first_sample, last_sample = _input_range(self.encoder, 0, 0)
        first_frame, last_frame = _input_range(self.decoder, 0, self.hop - 1)
        return (-(first_sample // self.hop), last_sample // self.hop), (-first_frame, last_frame)


def _espnet_seanet() -> tuple[type[nn.Module], type[nn.Module]]:
    """Encoder and decoder class of ESPnet."""
    try:
        from espnet2.gan_codec.shared.decoder.seanet import SEANetDecoder
        from espnet2.gan_codec.shared.encoder.seanet import SEANetEncoder
    except ImportError as error:
        raise ImportError(
            f"The seanet backbone needs ESPnet's layers, which cannot be imported ({error}). "
            "Run `pip install espnet`, or use the mdct or the spectral backbone."
        ) from error
    return SEANetEncoder, SEANetDecoder


def _by_length(function: Callable[[Tensor], Tensor], frames: Tensor, mask: Tensor | None) -> Tensor:
    """Apply `function` from [B, T, C] to [B, T, C'] to the valid frames of each item; zeros elsewhere."""
    if mask is None:
        return function(frames)
    counts = mask.sum(1)
    results, items = [], []
    for count in counts.unique().tolist():
        index = (counts == count).nonzero()[:, 0]
        result = function(frames[index, :count])
        results.append(nn.functional.pad(result, (0, 0, 0, frames.shape[1] - count)))
        items.append(index)
    return torch.cat(results)[torch.cat(items).argsort()]


def _input_range(network: nn.Module, first: int, last: int) -> tuple[int, int]:
    """First and last input position on which the outputs first..last of a SEANet encoder or decoder depend."""
    for layer in reversed(list(network.modules())):
        if isinstance(layer, nn.Conv1d):
            (kernel,), (stride,), (dilation,) = layer.kernel_size, layer.stride, layer.dilation
            width = (kernel - 1) * dilation
            total = width + 1 - stride
            left = total if _causal(network) else total - total // 2
            first, last = first * stride - left, last * stride - left + width
        elif isinstance(layer, nn.ConvTranspose1d):
            (kernel,), (stride,) = layer.kernel_size, layer.stride
            total = kernel - stride
            left = 0 if _causal(network) else total - total // 2
            first, last = -((kernel - 1 - first - left) // stride), (last + left) // stride
    return first, last


def _causal(network: nn.Module) -> bool:
    """Whether the layers pad on the left only."""
    return any(getattr(layer, "causal", False) for layer in network.modules())
