"""Residual vector quantization (RVQ) with k-means initialization and moving-average codebooks."""

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from espnet2_decodec.codec.beam_search import beam_search
from espnet2_decodec.codec.kmeans import kmeans, nearest, symmetrize


@dataclass(frozen=True)
class QuantizedResult:
    """Output of a quantizer for x [B, D, T] in training; the codebooks are not trained by gradients.

    Attributes:
        x: [B, D, T], the quantized input, with a straight-through gradient.
        semantic: [B, D, T], the first level alone, with a straight-through gradient.
        codes: [B, K, T] int64.
        commitment: scalar loss, mean over the levels of the squared error up to this level relative to the power of x,
            both over the coordinates that the level codes.
        metrics: detached values to report. `error`: power of the error of all levels relative to the power of x.
            `perplexity`: [K], exponential of the entropy of the codes in the batch, within 1..N.
    """

    x: Tensor
    semantic: Tensor
    codes: Tensor
    commitment: Tensor
    metrics: dict[str, Tensor]


class ResidualVQ(nn.Module):
    """K codebooks in sequence, each of which codes the residual of those before it.

    The codebooks are moving averages of the encoder outputs (van den Oord et al., 2017, arXiv 1711.00937, appendix
    A.1), are initialized by k-means, and codes that are no longer used are replaced by random frames of the batch. With
    several ranks the statistics are summed, so that all ranks have the same codebooks.

    Attributes:
        accumulates: whether `update` only adds to the statistics that the next update without it uses, for batches in
            several parts.

    Args:
        dim: D.
        levels: K.
        codebook_size: N.
        sign_symmetric: the second half of a codebook is the negative of the first, for inputs that change their sign
            with the waveform. It halves the search and the number of codes to learn.
        ema_decay: of the moving averages, per training step.
        dead_code_threshold: a code is replaced when its moving average count is below this fraction of the mean count.
        beam: number of partial sums that the search keeps, see `beam_search`; 1 for greedy search.

    Raises:
        ValueError: if a sign-symmetric codebook has an odd size.
    """

    codebooks: Tensor
    counts: Tensor

    semantic_levels, parametric_levels, parametric_dim, parameters_dim = 0, 0, 0, 0
    context, encoding_context = (0, 0), (0, 0)
    """Frames before and after a frame on which its decoded value, and its codes and their residual depend."""

    def __init__(
        self,
        dim: int,
        levels: int = 8,
        codebook_size: int = 1024,
        sign_symmetric: bool = False,
        ema_decay: float = 0.998,
        dead_code_threshold: float = 0.05,
        beam: int = 1,
    ):
        super().__init__()
        if sign_symmetric and codebook_size % 2:
            raise ValueError(f"A sign-symmetric codebook needs an even number of codes, not {codebook_size}.")
        self.beam = beam
        self.sign_symmetric, self.ema_decay, self.dead_code_threshold = sign_symmetric, ema_decay, dead_code_threshold
        self.register_buffer("codebooks", torch.randn(levels, codebook_size, dim) / dim**0.5)
        if sign_symmetric:
            self.codebooks[:, codebook_size // 2 :] = -self.codebooks[:, : codebook_size // 2]
        self.register_buffer("counts", torch.ones(levels, codebook_size))
        self.accumulates = False
        self._accumulated: tuple[Tensor, Tensor] | None = None

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
        """D."""
        return self.codebooks.shape[2]

    @property
    def semantic_dim(self) -> int:
        """Number of leading coordinates that the first level codes: all."""
        return self.dim

    @torch.no_grad()
    def encode(self, x: Tensor, levels: int | None = None, mask: Tensor | None = None) -> Tensor:
        """X [B, D, T] -> codes [B, levels, T] int64; all levels when None. The mask of valid frames is not needed."""
        return self.search(x.transpose(1, 2), self.levels if levels is None else levels)[0]

    def decode(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes [B, K', T] of the first K' levels -> [B, D, T]; zeros for K' = 0.

        Args:
            codes: [B, K', T].
            mask: [B, K', T] of the codes that count; a mask of valid frames [B, T] is not needed.
        """
        total = self.codebooks.new_zeros(codes.shape[0], codes.shape[2], self.dim)
        for level, (codebook, indices) in enumerate(zip(self.codebooks, codes.unbind(1))):
            values = nn.functional.embedding(indices, codebook)
            total += values if mask is None or mask.ndim == 2 else values * mask[:, level, :, None]
        return total.transpose(1, 2)

    def embed(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes [B, K', T], K' >= 1 -> contribution of each level, [K', B, D, T]. The mask is not needed."""
        embeddings = [nn.functional.embedding(c, codebook) for codebook, c in zip(self.codebooks, codes.unbind(1))]
        return torch.stack(embeddings).transpose(2, 3)

    def forward(self, x: Tensor, levels: Tensor, mask: Tensor | None = None) -> QuantizedResult:
        """Quantize for training, and update the codebooks in training mode.

        Args:
            x: [B, D, T].
            levels: [B] int64, levels of each item; an item with more than K stays unquantized.
            mask: [B, T] bool, valid frames; None for all.
        """
        with torch.no_grad():
            codes, inputs, _ = self.search(x.transpose(1, 2), self.levels, with_inputs=self.training)
            valid = torch.ones_like(codes[:, 0], dtype=torch.bool) if mask is None else mask
            embeddings = self.embed(codes)
            if self.training:
                self.update(inputs, codes, valid, draw_frames(valid, self.codebook_size))
        coded = torch.ones(self.levels, self.dim, dtype=torch.float32, device=x.device)
        return quantized_result(x, levels, valid, codes, embeddings, coded, self.codebook_size)

    def search(
        self, frames: Tensor, levels: int, mask: Tensor | None = None, start: int = 0, with_inputs: bool = False
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Greedy search or beam search in float32.

        Args:
            frames: [B, T, D].
            levels: K', number of leading levels.
            mask: not needed, see `OverlappingRVQ.search`.
            start: not needed either.
            with_inputs: whether `update` follows, which needs the inputs of the levels.

        Returns:
            Codes [B, K', T], the input of each level [B, T, D], none without `with_inputs`, and the residual of the
            last one [B, T, D].
        """
        with torch.autocast(frames.device.type, enabled=False):
            residual = frames.float()
            codes, inputs = [residual.new_zeros(len(residual), 0, residual.shape[1], dtype=torch.long)], []
            found = None
            if self.beam > 1 and levels > 1:
                found = beam_search(residual.flatten(0, 1), self.codebooks[:levels], self.beam, self.sign_symmetric)
            for level, codebook in enumerate(self.codebooks[:levels]):
                if with_inputs:
                    inputs.append(residual)
                if found is None:
                    indices = nearest(residual.flatten(0, 1), codebook, self.sign_symmetric).view(residual.shape[:2])
                else:
                    indices = found[:, level].view(residual.shape[:2])
                codes.append(indices[:, None])
                residual = residual - nn.functional.embedding(indices, codebook)
            return torch.cat(codes, dim=1), inputs, residual

    def update(self, inputs: list[Tensor], codes: Tensor, valid: Tensor, replacements: Tensor) -> None:
        """One moving-average step of every codebook, unless `accumulates`; unused codes are replaced.

        Args:
            inputs: of each level, [B, T, D].
            codes: [B, K, T].
            valid: [B, T] bool.
            replacements: [N] indices of the frames, of B * T, that take the place of unused codes.
        """
        if not inputs:
            return
        weights = valid.reshape(-1)
        sums = torch.zeros_like(self.codebooks)
        for level, x in enumerate(inputs):
            sums[level].index_add_(0, codes[:, level].reshape(-1), x.reshape(-1, self.dim) * weights[:, None])
        counts = code_counts(codes, valid, self.codebook_size)
        if self._accumulated is not None:
            sums, counts = sums + self._accumulated[0], counts + self._accumulated[1]
        self._accumulated = (sums, counts) if self.accumulates else None
        if self.accumulates:
            return
        spare = torch.stack([x.reshape(-1, self.dim)[replacements] for x in inputs])
        if self.sign_symmetric:
            half = self.codebook_size // 2
            counts = (counts + counts.roll(half, 1)) / 2
            for level in range(self.levels):
                sums[level] = symmetrize((sums[level, :half] - sums[level, half:]) / 2)
                spare[level] = symmetrize(spare[level, :half])
        if _several_ranks():
            for statistic in (sums, counts):
                dist.all_reduce(statistic)
            dist.broadcast(spare, 0)
        kept = self.counts * self.ema_decay
        total = kept + counts * (1 - self.ema_decay)
        moved = self.codebooks * kept[..., None] + sums * (1 - self.ema_decay)
        moved = moved / total.clamp(min=1e-8)[..., None]
        mean = total.mean(1, keepdim=True)
        dead = total < self.dead_code_threshold * mean
        self.codebooks.copy_(torch.where(dead[..., None], spare, moved))
        self.counts.copy_(torch.where(dead, mean, total))

    @torch.no_grad()
    def init_kmeans(self, frames: Tensor, iterations: int = 10) -> Tensor:
        """Initialize the codebooks by k-means of encoder outputs, level after level.

        Args:
            frames: [M, D], M at least a few times N. With several ranks the result of rank 0 is taken.
            iterations: of k-means per level.

        Returns:
            [M, D], the residual of the last level.

        Raises:
            ValueError: if there are fewer frames than codes.
        """
        if len(frames) < self.codebook_size:
            raise ValueError(
                f"k-means needs at least {self.codebook_size} frames, one for each code, not {len(frames)}."
            )
        residual = frames.float()
        for level in range(self.levels):
            codebook, indices, counts = kmeans(residual, self.codebook_size, iterations, self.sign_symmetric)
            self.codebooks[level] = codebook
            self.counts[level] = counts / counts.sum().clamp(min=1) * len(counts)
            residual = residual - codebook[indices]
        if _several_ranks():
            for buffer in self.buffers():
                dist.broadcast(buffer, 0)
        return residual

    def level_codebooks(self) -> list[Tensor]:
        """The codebook of each level, [N, D]."""
        return list(self.codebooks)


def quantized_result(
    x: Tensor, levels: Tensor, valid: Tensor, codes: Tensor, embeddings: Tensor, coded: Tensor, codebook_size: int
) -> QuantizedResult:
    """Straight-through output, losses and metrics of a quantizer.

    Args:
        x: [B, D, T], the input.
        levels: [B] levels of each item; more than K leaves it unquantized.
        valid: [B, T] bool.
        codes: [B, K, T].
        embeddings: [K, B, D, T], contribution of each level.
        coded: [K, D], 1 for the coordinates that a level codes, else 0.
        codebook_size: N.
    """
    frames, embeddings, count = x.float().transpose(1, 2), embeddings.transpose(2, 3), len(embeddings)
    used = torch.arange(1, count + 1, device=x.device)[:, None] <= levels  # [K, B]
    quantized = (embeddings * used[:, :, None, None]).sum(0)
    quantized = torch.where((levels > count)[:, None, None], frames, quantized)
    coded, power = coded.to(frames.dtype), frames.detach().square() * valid[..., None]
    errors = (frames - embeddings.cumsum(0)).square() * valid[..., None]  # [K, B, T, D]
    level_errors = (errors * coded[:, None, None]).sum((1, 2, 3)) / (coded @ power.sum((0, 1)) + 1e-8)
    counts = code_counts(codes, valid, codebook_size)
    shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
    return QuantizedResult(
        x=(frames + (quantized - frames).detach()).transpose(1, 2),
        semantic=((frames + (embeddings[0] - frames).detach()) * coded[0]).transpose(1, 2),
        codes=codes,
        commitment=level_errors.mean(),
        metrics={
            "error": (errors[-1].sum() / (power.sum() + 1e-8)).detach(),
            "perplexity": torch.exp(torch.special.entr(shares).sum(1)),
        },
    )


def split_levels(
    codes: Tensor, mask: Tensor | None, count: int
) -> tuple[tuple[Tensor, Tensor | None], tuple[Tensor, Tensor | None]]:
    """The first levels and the others, each with its mask.

    Args:
        codes: [B, K, T].
        mask: of frames [B, T], which holds for both, or of codes [B, K, T]; None for all.
        count: number of first levels.
    """
    if mask is None or mask.ndim == 2:
        return (codes[:, :count], mask), (codes[:, count:], mask)
    return (codes[:, :count], mask[:, :count]), (codes[:, count:], mask[:, count:])


def code_counts(codes: Tensor, valid: Tensor, codebook_size: int) -> Tensor:
    """Number of occurrences of each code in the valid frames [B, T] of codes [B, K, T]: [K, N] float32."""
    counts = torch.zeros(codes.shape[1], codebook_size, device=codes.device)
    weights = valid.reshape(-1).to(counts.dtype)
    for level, indices in enumerate(codes.unbind(1)):
        counts[level].index_add_(0, indices.reshape(-1), weights)
    return counts


def draw_frames(valid: Tensor, count: int) -> Tensor:
    """Random indices [count] of valid frames [B, T]."""
    return torch.multinomial(valid.reshape(-1).float() + 1e-9, count, replacement=True)


def _several_ranks() -> bool:
    """Whether this is one of several training processes."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
