"""Results of the codec, and the letters of shapes in this package.

B batch, L samples, T frames (T = ceil(L / hop)), D latent dimension (D_s of speech, D_b of background),
K levels of a residual quantizer (a level is one codebook), N codes in a codebook, C channels, F frequency bins,
E mel bands, S dimension of the content features.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor


def as_integers(values: Any, name: str) -> Tensor:
    """Tokens or lengths of any integer type, as int64.

    Args:
        values: tensor, NumPy array, or lists of integers.
        name: of the argument, for the message.

    Raises:
        TypeError: if they are not integers.
    """
    if not isinstance(values, Tensor):
        try:
            array = np.asarray(values)
            values = torch.from_numpy(array.astype(np.int64)) if np.issubdtype(array.dtype, np.integer) else array
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name} must be a tensor or an array of integers: {error}.") from None
    if (
        not isinstance(values, Tensor)
        or values.is_floating_point()
        or values.is_complex()
        or values.dtype == torch.bool
    ):
        raise TypeError(f"{name} must be a tensor or an array of integers, not of {values.dtype}.")
    return values.long()


@dataclass(frozen=True)
class Codes:
    """Tokens of a batch of recordings.

    Attributes:
        speech: [B, K, T] int64 tokens of the speech stream; level 1 is the semantic one.
        background: [B, K, T] int64 tokens of the background stream.
        lengths: [B] int64 lengths in samples. Frames beyond ceil(length / hop) are padding.
        sample_rate: Hz.

    Either stream may have K = 0; it is decoded as silence.

    Raises:
        ValueError: if the shapes do not match.
        TypeError: if tokens or lengths are not integers; arrays and tensors of any integer type become int64.
    """

    speech: Tensor
    background: Tensor
    lengths: Tensor
    sample_rate: int

    def __post_init__(self):
        for name in ("speech", "background", "lengths"):
            object.__setattr__(self, name, as_integers(getattr(self, name), f"Codes.{name}"))
        s, b = self.speech.shape, self.background.shape
        if len(s) != 3 or len(b) != 3 or s[0] != b[0] or s[2] != b[2] or self.lengths.shape != s[:1]:
            raise ValueError(
                f"Codes need speech [B, K, T], background [B, K, T] and lengths [B] with the same B and T, "
                f"not {tuple(s)}, {tuple(b)} and {tuple(self.lengths.shape)}."
            )

    @property
    def semantic(self) -> Tensor:
        """The first speech level, [B, 1, T]."""
        return self.speech[:, :1]

    @property
    def paralinguistic(self) -> Tensor:
        """The other speech levels, [B, K - 1, T]."""
        return self.speech[:, 1:]

    def to(self, device) -> "Codes":
        """The same codes on another device."""
        return replace(
            self,
            speech=self.speech.to(device),
            background=self.background.to(device),
            lengths=self.lengths.to(device),
        )

    def select(self, index: int, hop: int) -> "Codes":
        """One recording of the batch, without padding frames.

        Args:
            index: of the recording; negative ones count from the last.
            hop: samples per frame.

        Raises:
            IndexError: if there is no such recording.
        """
        frames = -(-int(self.lengths[index]) // hop)
        return replace(
            self,
            speech=self.speech[index, None, :, :frames],
            background=self.background[index, None, :, :frames],
            lengths=self.lengths[index, None],
        )


@dataclass(frozen=True)
class Stems:
    """Speech and background of a batch of recordings, waveforms [B, L] each."""

    speech: Tensor
    background: Tensor

    def limit_attenuation(self, decibels: float) -> "Stems":
        """Stems with the same sum, in which the background is attenuated by `decibels` at most in the speech."""
        residual = 10 ** (-decibels / 20) * self.background
        return Stems(self.speech + residual, self.background - residual)
