"""The paper's backbone: strided convolutions on the waveform with a recurrent bottleneck, made of ESPnet's SEANet layers."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import Backbone


class Recurrence(nn.Module):
    """LSTM over time with a skip; it runs both ways unless causal.

    Args:
        dim: D.
        layers: of the LSTM; 0 passes everything through.
        causal: forward in time only.
    """

    def __init__(self, dim: int, layers: int, causal: bool):
        super().__init__()
        ways = 1 if causal else 2
        self.lstm = nn.LSTM(dim, dim // ways, layers, batch_first=True, bidirectional=not causal) if layers else None

    def forward(self, x: Tensor) -> Tensor:
        """[B, D, T] -> [B, D, T]."""
        return x if self.lstm is None else x + self.lstm(x.transpose(1, 2))[0].transpose(1, 2)


class SEANetBackbone(Backbone):
    """SEANet encoder, LSTM, latent; latent, LSTM, SEANet decoder (Tagliasacchi et al., 2020, arXiv 2009.02095).

    Recordings of different lengths in one batch are run length by length, so that each gives what it gives alone.

    Args:
        dim: D.
        hop: samples per frame, the product of `strides`.
        strides: of the encoder's stages from the waveform inwards; the decoder mirrors them.
        n_filters: channels next to the waveform, doubled in each stage.
        residual_layers: residual blocks per stage.
        residual_kernel: what each of them looks at, in steps of its dilation.
        dilation: of block i of a stage is this to the power of i. The paper's DAC has 64 filters, Snake, 3 blocks of
            kernel 7 and dilations 1, 3, 9.
        lstm: layers of the recurrence on each side of the latent; 0 for none, which bounds the reach.
        causal: frame t sees no sample after its own last one, so that a sample can be given out hop samples
            after it came in.
        activation: "ELU", "Snake" or another name of torch.nn that takes no arguments.

    Raises:
        ImportError: if ESPnet is not installed.
        ValueError: if hop and strides disagree, or dim is odd and the LSTM runs both ways.
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
            raise ValueError(f"An LSTM that runs both ways needs an even latent dimension, not {dim}.")
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
        self.reach = None if lstm else self._reach()

    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> Y [B, D, T]; see `Backbone.encode`."""
        frames = wav.float().view(len(wav), -1, self.hop)
        return _by_length(self._encode, frames, mask).transpose(1, 2)

    def decode(self, latent: Tensor, mask: Tensor | None = None, ticks: None = None) -> Tensor:
        """Y [B, D, T] -> wav [B, T * hop]; see `Backbone.decode`."""
        return _by_length(self._decode, latent.transpose(1, 2), mask).flatten(1)

    def _encode(self, frames: Tensor) -> Tensor:
        """[B, T, hop] -> [B, T, D]."""
        return self.encoder_recurrence(self.encoder(frames.flatten(1)[:, None])).transpose(1, 2).float()

    def _decode(self, frames: Tensor) -> Tensor:
        """[B, T, D] -> [B, T, hop]."""
        wav = self.decoder(self.decoder_recurrence(frames.transpose(1, 2)))
        return wav.reshape(*frames.shape[:2], self.hop).float()

    def _reach(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Frames (left, right) behind one encoder frame, and behind one decoder frame."""
        first, last = _inputs_of(self.encoder, 0, 0)
        oldest, newest = _inputs_of(self.decoder, 0, self.hop - 1)
        return (-(first // self.hop), last // self.hop), (-oldest, newest)


def _espnet_seanet() -> tuple[type[nn.Module], type[nn.Module]]:
    """ESPnet's encoder and decoder class."""
    try:
        from espnet2.gan_codec.shared.decoder.seanet import SEANetDecoder
        from espnet2.gan_codec.shared.encoder.seanet import SEANetEncoder
    except ImportError as error:
        raise ImportError(
            f"The seanet backbone is made of ESPnet's layers, and they cannot be imported ({error}). "
            "Run `pip install espnet`, or use the spectral backbone, which does not need it."
        ) from error
    return SEANetEncoder, SEANetDecoder


def _by_length(function: Callable[[Tensor], Tensor], frames: Tensor, mask: Tensor | None) -> Tensor:
    """function([B, T, C] -> [B, T, C']) on the valid frames of each item only; zeros elsewhere."""
    if mask is None:
        return function(frames)
    counts = mask.sum(1)
    results, items = [], []
    for count in counts.unique().tolist():
        chosen = (counts == count).nonzero()[:, 0]
        result = function(frames[chosen, :count])
        results.append(nn.functional.pad(result, (0, 0, 0, frames.shape[1] - count)))
        items.append(chosen)
    return torch.cat(results)[torch.cat(items).argsort()]


def _inputs_of(network: nn.Module, first: int, last: int) -> tuple[int, int]:
    """First and last input position that the outputs first..last of a SEANet encoder or decoder depend on."""
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
    """Whether ESPnet's layers in this network pad on the left only."""
    return any(getattr(layer, "causal", False) for layer in network.modules())
