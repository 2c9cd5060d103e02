"""Features of recordings that come again and again, kept in memory."""

from collections.abc import Callable
from hashlib import blake2b

import torch
from torch import Tensor


class FeatureCache:
    """What a frozen codec makes of a recording is made once: training hears the same recordings in every epoch.

    Recordings are told apart by their samples. Once `limit` is reached, what is kept stays, and other recordings are not kept.

    Args:
        limit: bytes, of the features alone.
    """

    def __init__(self, limit: int):
        self.limit, self.size = limit, 0
        self._kept: dict[bytes, Tensor] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __call__(
        self, compute: Callable[[Tensor, Tensor], Tensor], wav: Tensor, lengths: Tensor, frames: Tensor
    ) -> Tensor:
        """`compute(wav, lengths)`, asked for the recordings alone that are not kept.

        Args:
            compute: [B, L], [B] in samples -> [K, B, D, T].
            wav, lengths: a batch.
            frames: [B], how many of T belong to each.

        Returns:
            [K, B, D, T], zero beyond the frames of each.
        """
        keys = [_key(row[:length]) for row, length in zip(wav, lengths.tolist())]
        found = {key: self._kept[key] for key in keys if key in self._kept}
        new = [row for row, key in enumerate(keys) if key not in found]
        if new:
            index = torch.tensor(new, device=wav.device)
            parts = compute(wav[index, : int(lengths[index].max())], lengths[index])
            for at, row in enumerate(new):
                found[keys[row]] = parts[:, at, :, : int(frames[row])].detach().cpu().clone()
                self._keep(keys[row], found[keys[row]])
        rows = [found[key] for key in keys]
        batch = rows[0].new_zeros(rows[0].shape[0], len(rows), rows[0].shape[1], int(frames.max()))
        for at, row in enumerate(rows):
            batch[:, at, :, : row.shape[2]] = row
        return batch.to(wav.device)

    def _keep(self, key: bytes, parts: Tensor) -> None:
        size = parts.numel() * parts.element_size()
        if key not in self._kept and self.size + size <= self.limit:
            self._kept[key] = parts
            self.size += size


def _key(samples: Tensor) -> bytes:
    return blake2b(samples.detach().cpu().contiguous().numpy().tobytes(), digest_size=16).digest()
