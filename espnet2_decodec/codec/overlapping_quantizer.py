"""Residual vector quantization with codes of several frames, which overlap."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.kmeans import nearest
from espnet2_decodec.codec.quantizer import ResidualVQ


class OverlappingRVQ(nn.Module):
    """K codebooks of patches of M frames; a frame is the sum of the patches that reach it.

    A token stands for M frames, centered on its own: decoding is a transposed convolution of the tokens, as in
    convolutional sparse coding (Zeiler et al., 2010, CVPR). Neighboring frames that resemble each other therefore need
    fewer bits than frame by frame. As the patches overlap, the search goes over the frames several times, and over
    every M-th of them at once, given all other tokens (iterated conditional modes; Besag, 1986). Which ones come first
    follows from their numbers from the start of the recording on.

    Args:
        dim: D.
        levels: K.
        codebook_size: N.
        frames: M, odd.
        sweeps: number of times that the search goes over all frames.
        ema_decay, dead_code_threshold: see `ResidualVQ`.

    Raises:
        ValueError: if M is even.
    """

    def __init__(
        self,
        dim: int,
        levels: int,
        codebook_size: int,
        frames: int = 5,
        sweeps: int = 2,
        ema_decay: float = 0.998,
        dead_code_threshold: float = 0.05,
    ):
        super().__init__()
        if frames % 2 == 0:
            raise ValueError(f"A code must span an odd number of frames, not {frames}.")
        self.dim, self.frames, self.sweeps = dim, frames, sweeps
        self.patches = ResidualVQ(frames * dim, levels, codebook_size, False, ema_decay, dead_code_threshold)
        self.context = (frames // 2, frames // 2)
        self.encoding_context = self._encoding_context()

    @property
    def levels(self) -> int:
        """K."""
        return self.patches.levels

    def search(
        self, frames: Tensor, levels: int, mask: Tensor | None = None, start: int = 0, with_inputs: bool = False
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Tokens whose patches sum to nearly these frames, in float32.

        Args:
            frames: [B, T, D].
            levels: K', number of leading levels.
            mask: [B, T] of valid frames; None for all.
            start: number of the first frame, from the start of the recording on.
            with_inputs: whether `update` follows, which needs the inputs of the levels.

        Returns:
            Codes [B, K', T], the inputs, and the residual [B, T, D]. The input of a level is what its code stands for
            given all others [B, T, M * D]; there are none without `with_inputs`.
        """
        with torch.autocast(frames.device.type, enabled=False):
            count, side = self.frames, self.frames // 2
            valid = frames.new_ones(frames.shape[:2]) if mask is None else mask.to(frames.dtype)
            weights = F.pad(valid, (side, side))[..., None].expand(-1, -1, self.dim)
            residual = F.pad(frames.float(), (0, 0, side, side)) * weights
            codes = torch.zeros(len(frames), levels, frames.shape[1], dtype=torch.long, device=frames.device)
            for sweep in range(self.sweeps if levels else 0):
                for first in self._order(start, frames.shape[1]):
                    chosen = codes[:, :, first::count]
                    windows = slice(first, first + count * chosen.shape[2])
                    inside = weights[:, windows].reshape(*chosen.shape[::2], -1)
                    used = inside * valid[:, first::count, None]
                    target = residual[:, windows].reshape(inside.shape)
                    for level, codebook in enumerate(self.patches.codebooks[:levels]):
                        if sweep:
                            target = target + F.embedding(chosen[:, level], codebook) * used
                        indices = nearest(target.flatten(0, 1), codebook).view(target.shape[:2])
                        target = target - F.embedding(indices, codebook) * used
                        codes[:, level, first::count] = indices
                    residual[:, windows] = target.reshape(len(frames), -1, self.dim)
            inputs = self._inputs(codes, residual) if with_inputs else []
            return codes, inputs, residual[:, side : side + frames.shape[1]]

    def decode(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes [B, K', T] of the first K' levels, mask as for `embed` -> [B, D, T]; zeros for K' = 0."""
        if not codes.shape[1]:
            return self.patches.codebooks.new_zeros(len(codes), self.dim, codes.shape[2])
        return self.embed(codes, mask).sum(0)

    def embed(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes [B, K', T], K' >= 1, mask [B, T] or [B, K', T] -> contribution of each level, [K', B, D, T]."""
        if mask is not None and mask.ndim == 2:
            mask = mask[:, None].expand_as(codes)
        return torch.stack(
            [
                self._overlap_add(F.embedding(c, book), None if mask is None else mask[:, level])
                for level, (c, book) in enumerate(zip(codes.unbind(1), self.patches.codebooks))
            ]
        )

    def update(self, inputs: list[Tensor], codes: Tensor, valid: Tensor, replacements: Tensor) -> None:
        """One moving-average step of every codebook; see `ResidualVQ.update`."""
        self.patches.update(inputs, codes, valid, replacements)

    @torch.no_grad()
    def init_kmeans(self, frames: Tensor, iterations: int = 10) -> Tensor:
        """Initialize the codebooks from consecutive frames [M', D]; returns the residual [M', D].

        They start as k-means centers of single frames, weighted over the patch, and move half way to what they stand
        for on average, three times as often as `iterations`.

        Raises:
            ValueError: if there are fewer frames than codes.
        """
        patches, side = self.patches, self.frames // 2
        single = ResidualVQ(self.dim, self.levels, patches.codebook_size).to(frames.device)
        single.init_kmeans(frames, iterations)
        window = torch.hann_window(self.frames + 2, periodic=False, device=frames.device)[1:-1]
        window = window / window.sum()
        patches.codebooks.copy_((single.codebooks[:, :, None] * window[:, None]).flatten(2))
        for _ in range(3 * iterations):
            codes, inputs, _ = self.search(frames[None], self.levels, with_inputs=True)
            inner = slice(side, len(frames) - side)
            for level, values in enumerate(inputs):
                chosen = codes[0, level, inner]
                counts = torch.bincount(chosen, minlength=patches.codebook_size)
                sums = torch.zeros_like(patches.codebooks[level]).index_add_(0, chosen, values[0, inner])
                used = counts > 0
                means = sums[used] / counts[used, None]
                patches.codebooks[level, used] += 0.5 * (means - patches.codebooks[level, used])
                patches.counts[level] = counts / counts.sum() * len(counts)
        return self.search(frames[None], self.levels)[2][0]

    def level_codebooks(self) -> list[Tensor]:
        """The codebook of each level, [N, M * D]."""
        return self.patches.level_codebooks()

    def _order(self, start: int, length: int) -> Iterator[int]:
        """The first of every M-th frame, in the order of the search: backwards, which needs the least look-ahead."""
        for phase in reversed(range(self.frames)):
            first = (phase - start) % self.frames
            if first < length:
                yield first

    def _inputs(self, codes: Tensor, residual: Tensor) -> list[Tensor]:
        """Codes [B, K', T], residual with (M - 1) / 2 frames on each side -> input of each level [B, T, M * D]."""
        patches = residual.unfold(1, self.frames, 1).transpose(2, 3).flatten(2)
        return [patches + F.embedding(c, book) for c, book in zip(codes.unbind(1), self.patches.codebooks)]

    def _overlap_add(self, patches: Tensor, mask: Tensor | None) -> Tensor:
        """Patches [B, T, M * D] around each frame -> their sum [B, D, T]."""
        if mask is not None:
            patches = patches * mask[..., None]
        parts, frames = patches.unflatten(-1, (self.frames, self.dim)), patches.shape[1]
        total = parts.new_zeros(len(parts), frames + self.frames - 1, self.dim)
        for i in range(self.frames):
            total[:, i : i + frames] += parts[:, :, i]
        side = self.frames // 2
        return total[:, side : side + frames].transpose(1, 2)

    def _encoding_context(self) -> tuple[int, int]:
        """Frames before and after a frame on which its codes and its residual depend."""
        count, side = self.frames, self.frames // 2
        reaches = [(0, 0)] * count  # of the residuals, by the number of the frame modulo M: first and last frame
        for phase in [*reversed(range(count))] * self.sweeps:
            windows = [(i, reaches[(phase + i) % count]) for i in range(-side, side + 1)]
            first, last = min(i + low for i, (low, _) in windows), max(i + high for i, (_, high) in windows)
            for i, (low, high) in windows:
                reaches[(phase + i) % count] = min(low, first - i), max(high, last - i)
        return -min(low for low, _ in reaches), max(high for _, high in reaches)
