"""An ASR frontend for ESPnet: speech features of a codec that has left the background out."""

from copy import deepcopy

import humanfriendly
import torch
import torchaudio
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.pretrained import explicit, load

FEATURES = ("semantic", "speech", "speech_continuous", "all")


class DeCodecFrontend(AbsFrontend):
    """`frontend: decodec` in an ASR config, with `frontend_conf`:

    Args:
        fs: sample rate of the input in Hz, a number or a string as "16k"; other rates than the codec's are resampled.
        model: folder of a codec; None takes the one that comes with the package.
        feature: what the encoder gets of each frame: `semantic` = the first speech level, `speech` = all speech levels,
            `speech_continuous` = the speech before its quantizer, `all` = all levels of both streams.
        weighted: learn a weight for each level, which all start as 1.
        freeze: leave the codec as it is; False trains its encoder too (codebooks stay).
        stack: frames that are joined to one; 2 gives 25 frames a second.
        codec: the codec's config, written into the saved training config by `DeCodecASRTask` so that a checkpoint needs no
            folder beside it. With it the weights are expected from the checkpoint.

    Raises:
        ValueError: if an option is out of range, or the model cannot be loaded.
    """

    def __init__(
        self,
        fs: int | str = 16000,
        model: str | None = None,
        feature: str = "semantic",
        weighted: bool = True,
        freeze: bool = True,
        stack: int = 1,
        codec: dict | None = None,
    ):
        super().__init__()
        if feature not in FEATURES:
            raise ValueError(f"Unknown feature {feature!r}; there are {', '.join(FEATURES)}.")
        if stack < 1:
            raise ValueError(f"stack must be at least 1, not {stack}.")
        self.fs = humanfriendly.parse_size(fs) if isinstance(fs, str) else int(fs)
        self.feature, self.freeze, self.stack = feature, freeze, stack
        self.codec = load(model) if codec is None else DeCodec.from_config(codec)
        self._weights_given = codec is None
        self._pretrained = deepcopy(self.codec.state_dict()) if codec is None else None
        self.codec.requires_grad_(not freeze).eval()
        levels = {"speech": self.codec.speech_levels, "all": self.codec.speech_levels + self.codec.background_levels}
        count = levels.get(feature, 0)
        self.weights = nn.Parameter(torch.ones(count)) if weighted and count else None
        self.register_load_state_dict_post_hook(lambda module, _: setattr(module, "_weights_given", True))

    def output_size(self) -> int:
        """Features of a frame."""
        speech, background = self.codec.speech_quantizer, self.codec.background_quantizer
        sizes = {"semantic": speech.first_dim, "all": speech.dim + background.dim}
        return sizes.get(self.feature, speech.dim) * self.stack

    def config(self) -> dict:
        """The codec's config with nothing left to defaults, for the option `codec`."""
        return explicit(self.codec)

    def train(self, mode: bool = True) -> "DeCodecFrontend":
        """As for any module, but that the codec stays in eval mode: its codebooks do not move."""
        super().train(mode)
        self.codec.eval()
        return self

    def reload_pretrained_parameters(self) -> None:
        """Put the codec's weights back, after ESPnet has initialized everything (`init: xavier_uniform` and so on)."""
        if self._pretrained is not None:
            self.codec.load_state_dict(self._pretrained)
        if self.weights is not None:
            nn.init.ones_(self.weights)

    def forward(self, input: Tensor, input_lengths: Tensor) -> tuple[Tensor, Tensor]:
        """input [B, L], input_lengths [B] in samples -> features [B, T, F], zero beyond each length, lengths [B] in frames.

        Raises:
            RuntimeError: if the frontend was built from a config and its weights were never loaded.
        """
        if not self._weights_given:
            raise RuntimeError(
                "This frontend was built from a saved config and got no weights: load the checkpoint that belongs to it, "
                "or take frontend_conf.codec out of the config and give frontend_conf.model."
            )
        if self.fs != self.codec.sample_rate:
            input = torchaudio.functional.resample(input, self.fs, self.codec.sample_rate)
            input_lengths = -(-input_lengths * self.codec.sample_rate // self.fs)
        lengths = self.codec.frames(input_lengths)
        with torch.set_grad_enabled(not self.freeze and torch.is_grad_enabled()):
            parts = self._parts(input[:, : int(input_lengths.max())], input_lengths)  # [K, B, D, T]
        features = parts.sum(0) if self.weights is None else torch.einsum("kbdt,k->bdt", parts, self.weights)
        features = features.transpose(1, 2)
        valid = torch.arange(features.shape[1], device=lengths.device) < lengths[:, None]
        return self._stacked(features * valid[..., None], lengths)

    def _parts(self, wav: Tensor, lengths: Tensor) -> Tensor:
        """What the levels add up, [K, B, D, T]; one part where there are no levels to weigh."""
        streams = self.codec.subspace.split(self.codec.latent(wav, lengths))
        quantizers = (self.codec.speech_quantizer, self.codec.background_quantizer)
        if self.feature == "speech_continuous":
            return streams[0][None]
        if self.feature == "semantic":
            return _coded(streams[0], quantizers[0], 1, apart=False)[:, :, : quantizers[0].first_dim]
        parts = [_coded(x, q, q.levels, self.weights is not None) for x, q in zip(streams, quantizers)]
        if self.feature == "speech":
            return parts[0]
        speech, background = parts
        return torch.cat(
            [nn.functional.pad(speech, (0, 0, 0, background.shape[2])), nn.functional.pad(background, (0, 0, speech.shape[2], 0))]
        )

    def _stacked(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, F] -> [B, ceil(T / stack), stack * F]."""
        if self.stack == 1:
            return features, lengths
        features = nn.functional.pad(features, (0, 0, 0, -features.shape[1] % self.stack))
        return features.unflatten(1, (-1, self.stack)).flatten(2), -(-lengths // self.stack)


def _coded(x: Tensor, quantizer: nn.Module, levels: int, apart: bool) -> Tensor:
    """x [B, D, T] -> the values of its codes, level by level [K, B, D, T] or decoded [1, B, D, T].

    The gradient of their sum is that of x (straight through).
    """
    codes = quantizer.encode(x, levels)
    values = quantizer.embed(codes) if apart else quantizer.decode(codes)[None]
    return values if not x.requires_grad else values + (x - x.detach()) / len(values)
