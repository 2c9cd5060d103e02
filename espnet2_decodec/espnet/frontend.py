"""ASR frontend for ESPnet: features of the speech stream of a codec that has separated the background."""

from copy import deepcopy
from functools import partial

import humanfriendly
import torch
import torchaudio
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.padding import length_mask
from espnet2_decodec.codec.validation import check_wav
from espnet2_decodec.espnet.codec_features import CodecFeatures
from espnet2_decodec.espnet.feature_cache import FeatureCache
from espnet2_decodec.types import as_integers


class DeCodecFrontend(AbsFrontend):
    """`frontend: decodec` in an ASR config, with the arguments as `frontend_conf`.

    Args:
        fs: sample rate of the input in Hz, a number or a string such as "16k"; the input is resampled to the codec's
            rate.
        model: folder of a codec, or name of one in the package; None for the default.
        feature: quantized features, with the sum of the embeddings of all levels: `semantic` (first speech level; a mel
            envelope in `decodec-16k`), `parametric` (levels that code mel envelope, f0 and voicing), `speech` (all
            speech levels), `all` (all levels of both streams), `content` (content tokens: the first level of a codec
            with a semantic one, or those of a content encoder). With the suffix `_continuous`, except for `all`: the
            same features before quantization.
        levels: number of first levels of a quantized feature other than `all`; None for all.
        weighted: learn a scalar weight for each level, initialized to 1.
        freeze: keep the codec fixed; False trains its encoder, but not its codebooks.
        stack: number of consecutive frames that are concatenated; 2 gives 25 frames per second.
        cache: memory for the features of training recordings, in bytes or as "2GB", so that a frozen codec encodes each
            of them only once. None for no cache, as needed where augmentation changes the samples.
        codec: config of the codec, written into the training config by `DeCodecASRTask` so that a checkpoint can be
            loaded without the folder. With it, weights must come from the checkpoint.

    Raises:
        ValueError: if an option is out of range, or the model cannot be loaded.
    """

    def __init__(
        self,
        fs: int | str = 16000,
        model: str | None = None,
        feature: str = "semantic",
        levels: int | None = None,
        weighted: bool = True,
        freeze: bool = True,
        stack: int = 1,
        cache: int | str | None = None,
        codec: dict | None = None,
    ):
        super().__init__()
        if stack < 1:
            raise ValueError(f"stack must be at least 1, not {stack}.")
        if cache is not None and not freeze:
            raise ValueError("cache requires a frozen codec: the features of one that is trained change in every step.")
        self.fs, self.freeze, self.stack = parse_size(fs), freeze, stack
        self.cache = None if cache is None else FeatureCache(parse_size(cache))
        self.codec = DeCodec.from_pretrained(model) if codec is None else DeCodec.from_config(codec)
        self.features = CodecFeatures(self.codec, feature, levels)
        self.codec.requires_grad_(not freeze).eval()
        self._pretrained = deepcopy(self.codec.state_dict()) if codec is None else None
        self._weights_loaded = codec is None
        count = self.features.num_levels
        self.weights = nn.Parameter(torch.ones(count)) if weighted and count > 1 else None
        self.register_load_state_dict_post_hook(_mark_loaded)

    def output_size(self) -> int:
        """Number of features of an output frame."""
        return self.features.size * self.stack

    def config(self) -> dict:
        """The codec's config with all defaults written out, for the option `codec`."""
        return self.codec.resolved_config()

    def train(self, mode: bool = True) -> "DeCodecFrontend":
        """As for any module, except that the codec stays in eval mode so that its codebooks are not updated."""
        super().train(mode)
        self.codec.eval()
        return self

    def reload_pretrained_parameters(self) -> None:
        """Restore the codec's weights, after ESPnet has initialized all parameters (`init: xavier_uniform` etc.)."""
        if self._pretrained is not None:
            self.codec.load_state_dict(self._pretrained)
        if self.weights is not None:
            nn.init.ones_(self.weights)

    def forward(self, input: Tensor, input_lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the features of a batch.

        Args:
            input: [B, L] waveforms.
            input_lengths: [B] in samples.

        Returns:
            Features [B, T, F], zero beyond each length, and lengths [B] in frames.

        Raises:
            RuntimeError: if the frontend was built from a config and its weights were never loaded.
            ValueError, TypeError: if the waveforms or the lengths are not what `DeCodec.encode` takes.
        """
        if not self._weights_loaded:
            raise RuntimeError(
                "This frontend was built from a saved config, and its weights were not loaded: load its checkpoint, "
                "or replace frontend_conf.codec in the config by frontend_conf.model."
            )
        input = self.codec.as_input(input, "input")
        input_lengths = check_wav(input, as_integers(input_lengths, "input_lengths"))
        if self.fs != self.codec.sample_rate:
            input = torchaudio.functional.resample(input, self.fs, self.codec.sample_rate)
            input_lengths = -(-input_lengths * self.codec.sample_rate // self.fs)
        lengths = self.codec.num_frames(input_lengths)
        compute = partial(self.features, per_level=self.weights is not None)
        with torch.set_grad_enabled(not self.freeze and torch.is_grad_enabled()):
            input = input[:, : int(input_lengths.max())]
            if self.cache is not None and self.training:
                parts = self.cache(compute, input, input_lengths, lengths)
            else:
                parts = compute(input, input_lengths)  # [K, B, D, T]
        features = parts.sum(0) if self.weights is None else torch.einsum("kbdt,k->bdt", parts, self.weights)
        features = features.transpose(1, 2)
        valid = length_mask(lengths, features.shape[1])
        return self._stack_frames(features * valid[..., None], lengths)

    def _stack_frames(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, F] -> [B, ceil(T / stack), stack * F], with lengths."""
        if self.stack == 1:
            return features, lengths
        features = nn.functional.pad(features, (0, 0, 0, -features.shape[1] % self.stack))
        return features.unflatten(1, (-1, self.stack)).flatten(2), -(-lengths // self.stack)


def _mark_loaded(frontend: DeCodecFrontend, _: object) -> None:
    """Hook after weights were loaded; a function of the module, so that the frontend can be pickled."""
    frontend._weights_loaded = True


def parse_size(value: int | str) -> int:
    """A number, or a string with a unit such as "16k" or "2GB".

    Raises:
        ValueError: if it is neither.
    """
    try:
        size = humanfriendly.parse_size(value) if isinstance(value, str) else int(value)
    except humanfriendly.InvalidSize:
        size = 0
    if size < 1:
        raise ValueError(f"frontend_conf takes sizes such as fs: 16k and cache: 2GB, not {value!r}.")
    return size
