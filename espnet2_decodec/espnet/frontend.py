"""An ASR frontend for ESPnet: speech features of a codec that has left the background out."""

from copy import deepcopy
from functools import partial

import humanfriendly
import torch
import torchaudio
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.espnet.feature_cache import FeatureCache

FEATURES = (
    "content",
    "content_continuous",
    "semantic",
    "semantic_continuous",
    "parametric",
    "parametric_continuous",
    "speech",
    "speech_continuous",
    "all",
)
CONTINUOUS = "_continuous"


class DeCodecFrontend(AbsFrontend):
    """`frontend: decodec` in an ASR config, with `frontend_conf`:

    Args:
        fs: sample rate of the input in Hz, a number or a string as "16k"; other rates than the codec's are resampled.
        model: folder of a codec; None takes the one that comes with the package.
        feature: what the encoder gets of each frame: `semantic` = the first speech level (the default codec's: an envelope on
            the mel scale), `parametric` = the speech levels that describe what a vocoder needs (envelope and pitch),
            `speech` = all speech levels (those and the waveform), `all` = all levels of both streams. `content` = what is said,
            by the tokens of a codec whose content encoder has such (`ContentEncoder`). With `_continuous` behind any but `all`:
            the same coordinates as they are before the quantizer.
        levels: how many first levels are taken of a feature that is tokens, but for `all`; None for all that it has.
        separate: False takes the recording as it is for the speech: the same features from a codec that does not separate,
            to compare with.
        weighted: learn a weight for each level, which all start as 1.
        freeze: leave the codec as it is; False trains its encoder too (codebooks stay).
        stack: frames that are joined to one; 2 gives 25 frames a second.
        cache: memory for what a frozen codec makes of the training's recordings, in bytes or as "2GB": after the first epoch
            those need no codec any more. None for none, as where augmentation never gives the same samples twice.
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
        levels: int | None = None,
        separate: bool = True,
        weighted: bool = True,
        freeze: bool = True,
        stack: int = 1,
        cache: int | str | None = None,
        codec: dict | None = None,
    ):
        super().__init__()
        if feature not in FEATURES:
            raise ValueError(f"Unknown feature {feature!r}; there are {', '.join(FEATURES)}.")
        if stack < 1:
            raise ValueError(f"stack must be at least 1, not {stack}.")
        self.fs = humanfriendly.parse_size(fs) if isinstance(fs, str) else int(fs)
        self.feature, self.separate, self.freeze, self.stack = feature, separate, freeze, stack
        if cache is not None and not freeze:
            raise ValueError("cache is for a frozen codec: one that learns gives other features every time.")
        self.cache = (
            None
            if cache is None
            else FeatureCache(humanfriendly.parse_size(cache) if isinstance(cache, str) else cache)
        )
        self.codec = DeCodec.from_pretrained(model) if codec is None else DeCodec.from_config(codec)
        self._weights_given = codec is None
        self._pretrained = deepcopy(self.codec.state_dict()) if codec is None else None
        self.codec.requires_grad_(not freeze).eval()
        self._scope, self._kept_levels = feature.removesuffix(CONTINUOUS), None
        if self._scope == "parametric" and not self.codec.parametric_levels:
            raise ValueError(
                f"feature {feature} needs a codec with parametric levels, which this one has not: take semantic."
            )
        if self._scope == "content" and self.codec.content_encoder is None:
            raise ValueError(f"feature {feature} needs a codec with a content encoder, which this one has not.")
        if feature == "content" and not self._levels:
            raise ValueError(
                "feature content needs a content encoder with codebooks: take content_continuous with this one."
            )
        if levels is not None and (feature == "all" or feature.endswith(CONTINUOUS) or not 1 <= levels <= self._levels):
            raise ValueError(f"levels must be within those of a feature that is tokens, not {levels} of {feature}.")
        self._kept_levels = levels
        if not separate and not self.codec.can_skip_separation:
            raise ValueError(
                "separate: false needs a codec that knows what it would make of a stem, which this one does not."
            )
        count = 0 if feature.endswith(CONTINUOUS) else self._levels
        if feature == "all":
            count += self.codec.background_levels
        self.weights = nn.Parameter(torch.ones(count)) if weighted and count > 1 else None
        self.register_load_state_dict_post_hook(lambda module, _: setattr(module, "_weights_given", True))

    def output_size(self) -> int:
        """Features of a frame."""
        background = self.codec.background_quantizer.dim if self.feature == "all" else 0
        return (self._size + background) * self.stack

    @property
    def _size(self) -> int:
        """How many first coordinates of the speech are taken, or of the content."""
        if self._scope == "content":
            return self.codec.content_encoder.dim
        quantizer = self.codec.speech_quantizer
        return {"semantic": quantizer.first_dim, "parametric": quantizer.parametric_dim}.get(self._scope, quantizer.dim)

    @property
    def _levels(self) -> int:
        """How many first levels of the speech are taken, or of the content."""
        if self._kept_levels is not None:
            return self._kept_levels
        if self._scope == "content":
            return self.codec.content_encoder.levels
        return {"semantic": 1, "parametric": self.codec.parametric_levels}.get(self._scope, self.codec.speech_levels)

    def config(self) -> dict:
        """The codec's config with nothing left to defaults, for the option `codec`."""
        return self.codec.resolved_config()

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
        """Input [B, L], input_lengths [B] in samples -> features [B, T, F], zero beyond each length, lengths [B] in frames.

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
            input = input[:, : int(input_lengths.max())]
            keeps = self.cache is not None and self.training
            heard = partial(self.cache, self._parts, frames=lengths) if keeps else self._parts
            parts = heard(input, input_lengths)  # [K, B, D, T]
        features = parts.sum(0) if self.weights is None else torch.einsum("kbdt,k->bdt", parts, self.weights)
        features = features.transpose(1, 2)
        valid = torch.arange(features.shape[1], device=lengths.device) < lengths[:, None]
        return self._stacked(features * valid[..., None], lengths)

    def _parts(self, wav: Tensor, lengths: Tensor) -> Tensor:
        """What the levels add up, [K, B, D, T]; one part where there are no levels to weigh."""
        apart = self.weights is not None
        if self._scope == "content":
            content = self.codec.content(wav, lengths, self.separate)
            if self.feature.endswith(CONTINUOUS):
                return content[None]
            return _coded(content, self.codec.content_encoder.quantizer, self._levels, apart)
        speech, background = self.codec.subspace.split(self.codec.latent(wav, lengths, self.separate))
        if self.feature.endswith(CONTINUOUS):
            return speech[None, :, : self._size]
        speech = _coded(speech, self.codec.speech_quantizer, self._levels, apart)[:, :, : self._size]
        if self.feature != "all":
            return speech
        background = _coded(background, self.codec.background_quantizer, self.codec.background_levels, apart)
        return torch.cat(
            [
                nn.functional.pad(speech, (0, 0, 0, background.shape[2])),
                nn.functional.pad(background, (0, 0, speech.shape[2], 0)),
            ]
        )

    def _stacked(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, F] -> [B, ceil(T / stack), stack * F]."""
        if self.stack == 1:
            return features, lengths
        features = nn.functional.pad(features, (0, 0, 0, -features.shape[1] % self.stack))
        return features.unflatten(1, (-1, self.stack)).flatten(2), -(-lengths // self.stack)


def _coded(x: Tensor, quantizer: nn.Module, levels: int, apart: bool) -> Tensor:
    """X [B, D, T] -> the values of its codes, level by level [K, B, D, T] or decoded [1, B, D, T].

    The gradient of their sum is that of x (straight through).
    """
    codes = quantizer.encode(x, levels)
    values = quantizer.embed(codes) if apart else quantizer.decode(codes)[None]
    return values if not x.requires_grad else values + (x - x.detach()) / len(values)
