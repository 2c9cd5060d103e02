"""Cache in memory for the features of recordings that recur in every epoch."""

from collections.abc import Callable
from hashlib import blake2b

import torch
from torch import Tensor


class FeatureCache:
    """Features of a frozen encoder, computed once per recording.

    Recordings are identified by their samples. Once `limit` is reached, cached features stay and no others are added.

    Args:
        limit: bytes, of the features alone.

    Attributes:
        size: bytes in use.
    """

    def __init__(self, limit: int):
        self.limit, self.size = limit, 0
        self._features: dict[bytes, Tensor] = {}

    def __len__(self) -> int:
        return len(self._features)

    def __call__(
        self, compute: Callable[[Tensor, Tensor], Tensor], wav: Tensor, lengths: Tensor, frames: Tensor
    ) -> Tensor:
        """Features of a batch; only recordings that are not in the cache are passed to `compute`.

        Args:
            compute: function of wav [B, L] and lengths [B] -> [K, B, D, T].
            wav: [B, L].
            lengths: [B] in samples.
            frames: [B], the number of valid frames of each recording.

        Returns:
            [K, B, D, T], zero beyond the frames of each recording.
        """
        keys = [_key(row[:length]) for row, length in zip(wav, lengths.tolist())]
        cached = {key: self._features[key] for key in keys if key in self._features}
        missing = [row for row, key in enumerate(keys) if key not in cached]
        if missing:
            index = torch.tensor(missing, device=wav.device)
            computed = compute(wav[index, : int(lengths[index].max())], lengths[index])
            for at, row in enumerate(missing):
                cached[keys[row]] = computed[:, at, :, : int(frames[row])].detach().cpu().clone()
                self._add(keys[row], cached[keys[row]])
        rows = [cached[key] for key in keys]
        batch = rows[0].new_zeros(rows[0].shape[0], len(rows), rows[0].shape[1], int(frames.max()))
        for at, features in enumerate(rows):
            batch[:, at, :, : features.shape[2]] = features
        return batch.to(wav.device)

    def _add(self, key: bytes, features: Tensor) -> None:
        if key not in self._features and self.size + features.nbytes <= self.limit:
            self._features[key] = features
            self.size += features.nbytes


def _key(samples: Tensor) -> bytes:
    return blake2b(samples.detach().cpu().contiguous().numpy().tobytes(), digest_size=16).digest()
