"""Residual vector quantization with k-means start, moving-average codebooks and a free number of levels."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from espnet2_decodec.codec.kmeans import kmeans, mirror, nearest


@dataclass(frozen=True)
class Quantized:
    """What a quantizer makes of x [B, D, T] in training.

    Attributes:
        values: [B, D, T] the sum of the chosen codes, with the gradient of x (straight through).
        first: [B, D, T] the first level alone, straight through as well.
        codes: [B, K, T] int64.
        commitment: scalar, mean squared distance from x to its partial sums, relative to the power of x; at each level
            over the coordinates that it codes.
        error: scalar, power that all levels together leave over, relative to the power of x.
        perplexity: [K] of the codes of this batch (1 = collapsed, N = all used alike).
    """

    values: Tensor
    first: Tensor
    codes: Tensor
    commitment: Tensor
    error: Tensor
    perplexity: Tensor


class ResidualVQ(nn.Module):
    """K codebooks in a row, each coding what the ones before it left over.

    Codebooks follow the encoder as moving averages (van den Oord et al., 2017, appendix A.1), are filled by
    `start` with k-means of real encoder outputs, and codes that fall out of use are put back on frames of
    the current batch. With several ranks the statistics are summed, so all ranks hold the same codebooks.

    With `parametric_dim`, the first `parametric_levels` levels code only so many first coordinates, and of those the very first
    level only the first `semantic_dim`; the levels after them code the other coordinates, side by side with them (as the
    semantic quantizer of Mimi does, Defossez et al., 2024, arXiv 2410.00037). What the decoded parametric coordinates do tell
    about those others is how large each of them will be: by these sizes they are divided, as scale factors of transform codecs
    are used, but without a bit of their own.

    Args:
        dim: D of this stream.
        levels: K.
        codebook_size: N.
        semantic_dim: coordinates of the first level, at most `parametric_dim`.
        parametric_dim: 0 when all levels code all coordinates.
        parametric_levels: how many; without `parametric_dim` of no effect.
        mirrored: the second half of a codebook is the negative of the first, for coordinates that change their sign with
            the waveform: half the search, and half of what has to be learned. Not on parametric levels.
        sizes: decoded parametric coordinates [..., parametric_dim] -> sizes above 0, [..., D - parametric_dim] or [..., 1]; None
            for ones.
        decay: of the moving averages, per training step.
        revive_below: a code is revived when its moving average count is under this share of an even one.
    """

    def __init__(
        self,
        dim: int,
        levels: int = 8,
        codebook_size: int = 1024,
        semantic_dim: int = 0,
        parametric_dim: int = 0,
        parametric_levels: int = 3,
        mirrored: bool = False,
        sizes: Callable[[Tensor], Tensor] | None = None,
        decay: float = 0.998,
        revive_below: float = 0.05,
    ):
        super().__init__()
        if (
            not 0 <= parametric_dim < dim
            or not 0 <= semantic_dim <= parametric_dim
            or bool(semantic_dim) != bool(parametric_dim)
        ):
            raise ValueError(
                f"Of {dim} coordinates, parametric_dim must be within 0..{dim - 1} and semantic_dim within 1..parametric_dim "
                f"(both 0 for none), not {parametric_dim} and {semantic_dim}."
            )
        if parametric_levels < 1:
            raise ValueError(f"parametric_levels must be at least 1, not {parametric_levels}.")
        if mirrored and codebook_size % 2:
            raise ValueError(f"A mirrored codebook has an even number of codes, not {codebook_size}.")
        self.semantic_dim, self.parametric_dim, self.mirrored = semantic_dim, parametric_dim, mirrored
        self.parametric_levels = min(parametric_levels, levels) if parametric_dim else 0
        self.decay, self.revive_below, self.sizes = decay, revive_below, sizes
        self.register_buffer("codebooks", torch.randn(levels, codebook_size, dim) / dim**0.5)
        coded = torch.zeros(levels, dim, dtype=torch.bool)
        for level in range(levels):
            coded[level, self._part(level)] = True
        self.register_buffer("coded", coded, persistent=False)  # [K, D]: which coordinates a level codes
        for level, book in enumerate(self.codebooks.mul_(coded[:, None])):
            if self._halved(level):
                book.copy_(mirror(book[: codebook_size // 2]))
        self.register_buffer("counts", torch.ones(levels, codebook_size))

    @property
    def levels(self) -> int:
        """K."""
        return self.codebooks.shape[0]

    @property
    def codebook_size(self) -> int:
        """N."""
        return self.codebooks.shape[1]

    @property
    def dim(self) -> int:
        """D of this stream."""
        return self.codebooks.shape[2]

    @property
    def first_dim(self) -> int:
        """How many coordinates the first level codes; they come first."""
        return self.semantic_dim or self.dim

    @torch.no_grad()
    def encode(self, x: Tensor, levels: int | None = None) -> Tensor:
        """X [B, D, T] -> codes [B, levels, T] int64 (all levels when None)."""
        return self._search(x, self.levels if levels is None else levels)[0]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, K', T] of the first K' levels -> [B, D, T]; K' = 0 gives zeros."""
        batch, levels, frames = codes.shape
        if not levels:
            return self.codebooks.new_zeros(batch, self.dim, frames)
        sums = [self.codebooks.new_zeros(batch, frames, self.dim) for _ in range(2)]
        for level, (book, indices) in enumerate(zip(self.codebooks, codes.unbind(1))):
            sums[level >= self.parametric_levels] += nn.functional.embedding(indices, book)
        if levels > self.parametric_levels:
            sums[1] *= self._sizes(sums[0])
        return (sums[0] + sums[1]).transpose(1, 2)

    def embed(self, codes: Tensor) -> Tensor:
        """Codes [B, K', T] of the first K' >= 1 levels -> what each of them adds to `decode`, [K', B, D, T]."""
        parts = torch.stack([nn.functional.embedding(c, book) for book, c in zip(self.codebooks, codes.unbind(1))])
        if len(parts) > self.parametric_levels:
            parts[self.parametric_levels :] *= self._sizes(parts[: self.parametric_levels].sum(0))
        return parts.transpose(2, 3)

    def forward(self, x: Tensor, levels: Tensor, mask: Tensor | None = None) -> Quantized:
        """Quantize for training; updates the codebooks while in training mode.

        Args:
            x: [B, D, T].
            levels: [B] int64, how many levels each item uses; more than K leaves the item unquantized.
            mask: [B, T] bool, the frames that count; None for all.
        """
        frames = x.float().transpose(1, 2)
        with torch.no_grad():
            codes, residuals = self._search(x, self.levels)
            parts = self.embed(codes).transpose(2, 3)  # [K, B, T, D]
            valid = torch.ones_like(codes[:, 0], dtype=torch.bool) if mask is None else mask
            one_hot_counts = self._count(codes, valid)
            if self.training:
                self._update(residuals, codes, valid, one_hot_counts)
        sums = parts.cumsum(0)
        use = torch.arange(1, self.levels + 1, device=x.device)[:, None] <= levels  # [K, B]
        chosen = (parts * use[:, :, None, None]).sum(0)
        chosen = torch.where((levels > self.levels)[:, None, None], frames, chosen)
        coded, energies = self.coded.to(frames.dtype), frames.detach().square() * valid[..., None]
        errors = (frames - sums).square() * valid[..., None]  # [K, B, T, D]
        misses = (errors * coded[:, None, None]).sum((1, 2, 3)) / (coded @ energies.sum((0, 1)) + 1e-8)
        shares = one_hot_counts / one_hot_counts.sum(1, keepdim=True).clamp(min=1)
        return Quantized(
            values=(frames + (chosen - frames).detach()).transpose(1, 2),
            first=((frames + (parts[0] - frames).detach()) * coded[0]).transpose(1, 2),
            codes=codes,
            commitment=misses.mean(),
            error=(errors[-1].sum() / (energies.sum() + 1e-8)).detach(),
            perplexity=torch.exp(torch.special.entr(shares).sum(1)),
        )

    def _search(self, x: Tensor, levels: int) -> tuple[Tensor, list[Tensor]]:
        """Codes [B, levels, T], and what each level had to code, [B, T, D] each, divided by the sizes. In float32."""
        with torch.autocast(x.device.type, enabled=False):
            frames = residual = x.float().transpose(1, 2)
            codes, residuals = [], []
            for level, book in enumerate(self.codebooks[:levels]):
                residuals.append(residual)
                part = self._part(level)
                indices = nearest(residual[..., part].flatten(0, 1), book[:, part], self._halved(level))
                indices = indices.view(residual.shape[:2])
                codes.append(indices)
                residual = residual - nn.functional.embedding(indices, book)
                if level + 1 == self.parametric_levels < levels:
                    residual = residual / self._sizes(frames - residual)
            if not codes:
                return torch.zeros(x.shape[0], 0, x.shape[2], dtype=torch.long, device=x.device), []
            return torch.stack(codes, dim=1), residuals

    def _sizes(self, parametric: Tensor) -> Tensor:
        """Sums of the parametric levels [..., D] -> what the levels after them are divided by, broadcastable to [..., D]."""
        if self.sizes is None or not self.parametric_levels:
            return self.codebooks.new_ones(())
        sizes = self.sizes(parametric[..., : self.parametric_dim])
        sizes = sizes.expand(*sizes.shape[:-1], self.dim - self.parametric_dim)
        return nn.functional.pad(sizes, (self.parametric_dim, 0), value=1.0)

    def _part(self, level: int) -> slice:
        """The coordinates that a level codes."""
        if level >= self.parametric_levels:
            return slice(self.parametric_dim, None)
        return slice(self.parametric_dim if level else self.semantic_dim)

    def _halved(self, level: int) -> bool:
        """Whether the second half of a level's codes mirrors the first."""
        return self.mirrored and level >= self.parametric_levels

    def _count(self, codes: Tensor, valid: Tensor) -> Tensor:
        """How often each code was used: [K, N]."""
        counts = torch.zeros_like(self.counts)
        weights = valid.reshape(-1).to(counts.dtype)
        for level, indices in enumerate(codes.unbind(1)):
            counts[level].index_add_(0, indices.reshape(-1), weights)
        return counts

    def _update(self, residuals: list[Tensor], codes: Tensor, valid: Tensor, counts: Tensor) -> None:
        """One moving-average step of every codebook, and revival of unused codes."""
        flat = valid.reshape(-1)
        sums = torch.zeros_like(self.codebooks)
        for level, residual in enumerate(residuals):
            rows = residual.reshape(-1, self.dim) * flat[:, None]
            sums[level].index_add_(0, codes[:, level].reshape(-1), rows)
        picks = torch.multinomial(flat.float() + 1e-9, self.codebook_size, replacement=True)
        sums *= self.coded[:, None]
        spare = torch.stack([r.reshape(-1, self.dim)[picks] for r in residuals]) * self.coded[:, None]
        counts = counts.clone()
        for level in filter(self._halved, range(self.levels)):
            half = self.codebook_size // 2
            counts[level] = (counts[level] + counts[level].roll(half)) / 2
            sums[level] = mirror((sums[level, :half] - sums[level, half:]) / 2)
            spare[level] = mirror(spare[level, :half])
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            for statistic in (sums, counts):
                dist.all_reduce(statistic)
            dist.broadcast(spare, 0)
        kept = self.counts * self.decay
        total = kept + counts * (1 - self.decay)
        moved = self.codebooks * kept[..., None] + sums * (1 - self.decay)
        moved = moved / total.clamp(min=1e-8)[..., None]
        even = total.mean(1, keepdim=True)
        dead = total < self.revive_below * even
        self.codebooks.copy_(torch.where(dead[..., None], spare, moved))
        self.counts.copy_(torch.where(dead, even, total))

    @torch.no_grad()
    def start(self, frames: Tensor, rounds: int = 10) -> None:
        """Fill all codebooks with k-means of encoder outputs, level after level.

        Args:
            frames: [M, D] collected encoder outputs, M at least a few times N; the same on all ranks, or rank 0's
                result is taken.
            rounds: of k-means per level.

        Raises:
            ValueError: if there are fewer frames than codes.
        """
        if len(frames) < self.codebook_size:
            raise ValueError(
                f"k-means needs at least {self.codebook_size} frames to fill as many codes, not {len(frames)}."
            )
        frames = residual = frames.float()
        for level in range(self.levels):
            book, indices, counts = kmeans(
                residual * self.coded[level], self.codebook_size, rounds, self._halved(level)
            )
            self.codebooks[level] = book
            self.counts[level] = counts / counts.sum().clamp(min=1) * len(counts)
            residual = residual - book[indices]
            if level + 1 == self.parametric_levels:
                residual = residual / self._sizes(frames - residual)
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            for buffer in self.buffers():
                dist.broadcast(buffer, 0)
