"""What text-to-speech deals with of a codec: the coordinates that the first speech levels code."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec


class Coordinates(nn.Module):
    """Between tokens of the first speech levels and normalized coordinates.

    With a codec whose first levels describe what a vocoder needs (`codec.parametric_levels`), these are the levels, and
    all their coordinates; with others the first level alone.

    Args:
        codec: is kept, and not trained.

    Attributes:
        levels: P, how many levels.
        dim: C, coordinates that they code.
        first: of these, how many the first level, the semantic one, codes.
        voicing: index of the coordinate that tells whether the one before it, the pitch, means anything; None without.
        mean, scale: [C], set by `normalize_by`.
    """

    def __init__(self, codec: DeCodec):
        super().__init__()
        self.codec = codec.requires_grad_(False).eval()
        quantizer = codec.speech_quantizer
        parametric = codec.parametric_levels
        self.levels: int = parametric or 1
        self.dim: int = quantizer.parametric_dim if parametric else quantizer.first_dim
        self.first: int = quantizer.first_dim
        self.voicing = self.dim - 1 if self.dim == self.first + 2 else None
        self.register_buffer("mean", torch.zeros(self.dim))
        self.register_buffer("scale", torch.ones(self.dim))

    def train(self, mode: bool = True) -> "Coordinates":
        """As for any module, but that the codec stays in eval mode: its codebooks do not move."""
        super().train(mode)
        self.codec.eval()
        return self

    def normalize_by(self, mean: Tensor, deviation: Tensor) -> None:
        """Take mean and standard deviation [C] of each coordinate; one that hardly changes is not blown up."""
        self.mean.copy_(mean)
        self.scale.copy_(deviation.clamp(min=1e-3 * float(deviation.max().clamp(min=1e-6))))

    @torch.no_grad()
    def look_up(self, codes: Tensor, levels: int | None = None) -> Tensor:
        """Codes [B, T, K] int, K >= P -> coordinates of the first `levels` (P when None) as they are, [B, T, C].

        Raises:
            ValueError: if there are fewer levels than P.
        """
        levels = self.levels if levels is None else levels
        if codes.shape[2] < levels:
            raise ValueError(
                f"Tokens with {codes.shape[2]} speech levels are too few; this codec's speech takes {levels}."
            )
        values = self.codec.speech_quantizer.decode(codes[..., :levels].long().transpose(1, 2))
        return values[:, : self.dim].transpose(1, 2)

    def normalized(self, values: Tensor) -> Tensor:
        """[B, T, C] to zero mean and unit deviation."""
        return (values - self.mean) / self.scale

    def restored(self, values: Tensor) -> Tensor:
        """The way back from `normalized`."""
        return values * self.scale + self.mean

    def unvoiced(self, values: Tensor) -> Tensor:
        """Coordinates [B, T, C] as they are, with pitch and voicing at zero, as the codec has them, where there is no voice."""
        if self.voicing is None:
            return values
        voiced = values[..., self.voicing, None] > 0.5 * self.mean[self.voicing]
        return torch.cat([values[..., : self.voicing - 1], values[..., self.voicing - 1 :] * voiced], dim=-1)

    @torch.no_grad()
    def tokens(self, values: Tensor, levels: int | None = None) -> Tensor:
        """Coordinates [B, T, C] as they are -> the nearest tokens of the first `levels` (P when None), [B, T, levels]."""
        quantizer = self.codec.speech_quantizer
        full = values.new_zeros(*values.shape[:2], quantizer.dim)
        full[..., : values.shape[2]] = values
        return quantizer.encode(full.transpose(1, 2), self.levels if levels is None else levels).transpose(1, 2)

    def semantic(self, values: Tensor) -> Tensor:
        """Normalized first coordinates [B, T, E] -> the same after the first level's codebook."""
        raw = values.detach() * self.scale[: self.first] + self.mean[: self.first]
        coded = self.look_up(self.tokens(raw, 1), 1)[..., : self.first]
        return (coded - self.mean[: self.first]) / self.scale[: self.first]
