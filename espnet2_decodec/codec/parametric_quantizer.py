"""What the quantizers with parametric and waveform levels share."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.overlapping_quantizer import OverlappingRVQ
from espnet2_decodec.codec.quantizer import ResidualVQ, draw_frames


class ParametricQuantizer(nn.Module, ABC):
    """Levels that code parameters, then levels that code waveform coefficients divided by scale factors.

    The factors follow from the decoded parameters, so that they cost no bits.

    Attributes:
        dim: D.
        levels: K.
        codebook_size: N.
        semantic_dim: number of leading coordinates that the first level codes.
        parametric_dim: number of coordinates before the waveform coefficients.
        parameters_dim: P, number of those of them that are parameters.
        semantic_levels, parametric_levels: number of levels for the first coordinates, and before the waveform levels.
        semantic, parametric, waveform: quantizers of the parts.
        context, encoding_context: frames before and after a frame on which its decoded value and its codes depend.
        scale_factors: maps decoded parameters [..., P] to factors above 0, [..., D - parametric_dim] or [..., 1].
    """

    dim: int
    levels: int
    codebook_size: int
    semantic_dim: int
    parametric_dim: int
    parameters_dim: int
    semantic_levels: int
    parametric_levels: int
    semantic: ResidualVQ | OverlappingRVQ
    parametric: ResidualVQ | OverlappingRVQ
    waveform: ResidualVQ
    context: tuple[int, int]
    encoding_context: tuple[int, int]
    scale_factors: Callable[[Tensor], Tensor]

    @abstractmethod
    def decode_parameters(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes of the first levels -> parameters [B, P, T].

        Args:
            codes: [B, K', T], of levels before the waveform levels.
            mask: [B, T] of valid frames, or [B, K', T] of the codes that count; None for all.
        """

    @abstractmethod
    def _search_parameters(
        self, x: Tensor, levels: int, mask: Tensor | None, start: int = 0, with_inputs: bool = False
    ) -> tuple[Tensor, list[list[Tensor]], Tensor]:
        """Codes of the levels before the waveform levels, the inputs of each part, decoded parameters [B, P, T]."""

    def _decode_features(self, codes: Tensor) -> list[Tensor]:
        """Coordinates before the parameters, from all codes [B, K', T]."""
        return []

    @torch.no_grad()
    def encode(self, x: Tensor, levels: int | None = None, mask: Tensor | None = None) -> Tensor:
        """X [B, D, T] -> codes [B, levels, T] int64.

        Args:
            x: [B, D, T], from the start of a recording on.
            levels: number of leading levels; None for all.
            mask: [B, T] of valid frames; None for all.
        """
        return self._search(x, self.levels if levels is None else levels, mask)[0]

    @torch.no_grad()
    def encode_parameters(
        self, x: Tensor, levels: int | None = None, mask: Tensor | None = None, start: int = 0
    ) -> tuple[Tensor, Tensor]:
        """The first part of `encode`: x [B, D, T] -> codes of the levels before the waveform levels, and parameters.

        Args:
            x: [B, D, T].
            levels: number of leading levels, of which those of the waveform are not searched; None for all.
            mask: [B, T] of valid frames; None for all.
            start: number of the first frame, from the start of the recording on.

        Returns:
            [B, K', T] int64, and the decoded parameters [B, P, T].
        """
        codes, _, parameters = self._search_parameters(x, self.levels if levels is None else levels, mask, start)
        return codes, parameters

    @torch.no_grad()
    def encode_waveform(self, x: Tensor, parameters: Tensor, levels: int | None = None) -> Tensor:
        """The rest of `encode`: codes of the waveform levels [B, K'', T] int64.

        Args:
            x: [B, D, T].
            parameters: decoded ones [B, P, T].
            levels: number of leading levels including those before; None for all.
        """
        return self._search_waveform(x, parameters, self.levels if levels is None else levels)[0]

    def decode(self, codes: Tensor, mask: Tensor | None = None, parameters: Tensor | None = None) -> Tensor:
        """Codes of the first levels -> [B, D, T]; zeros for no levels.

        Args:
            codes: [B, K', T].
            mask: [B, T] of valid frames; None for all.
            parameters: [B, P, T] from `decode_parameters`; None to decode them from these frames alone.
        """
        if not codes.shape[1]:
            return self.waveform.codebooks.new_zeros(codes.shape[0], self.dim, codes.shape[2])
        if parameters is None:
            parameters = self.decode_parameters(codes[:, : self.parametric_levels], mask)
        waveform = codes[:, self.parametric_levels :]
        coefficients = self.waveform.decode(waveform)
        if waveform.shape[1]:
            coefficients = coefficients * self._factors(parameters)
        return torch.cat([*self._decode_features(codes), parameters, coefficients], dim=1)

    def level_codebooks(self) -> list[Tensor]:
        """The codebook of each level, [N, number of values of a code]."""
        return [codebook for part in self._parts for codebook in part.level_codebooks()]

    @property
    def _parts(self) -> tuple[ResidualVQ | OverlappingRVQ, ResidualVQ | OverlappingRVQ, ResidualVQ]:
        return self.semantic, self.parametric, self.waveform

    def _split_levels(self, codes: Tensor) -> tuple[Tensor, ...]:
        """Codes [B, K', T] -> those of the semantic, parametric and waveform levels."""
        return codes.tensor_split([self.semantic_levels, self.parametric_levels], dim=1)

    def _update(self, inputs: list[list[Tensor]], codes: Tensor, valid: Tensor) -> None:
        """One moving-average step of every codebook; see `ResidualVQ.update`."""
        replacements = draw_frames(valid, self.codebook_size)
        for part, part_inputs, part_codes in zip(self._parts, inputs, self._split_levels(codes)):
            part.update(part_inputs, part_codes, valid, replacements)

    def _search(
        self, x: Tensor, levels: int, mask: Tensor | None, with_inputs: bool = False
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """Codes [B, levels, T], and the inputs of the levels of each part, see `ResidualVQ.search`. In float32."""
        codes, inputs, parameters = self._search_parameters(x, levels, mask, with_inputs=with_inputs)
        if levels > self.parametric_levels:
            found, level_inputs = self._search_waveform(x, parameters, levels, with_inputs)
            codes, inputs = torch.cat([codes, found], dim=1), [*inputs, level_inputs]
        return codes, inputs

    def _search_waveform(
        self, x: Tensor, parameters: Tensor, levels: int, with_inputs: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """Codes of the waveform levels [B, levels - K', T], and the input of each, see `ResidualVQ.search`."""
        with torch.autocast(x.device.type, enabled=False):
            coefficients = x.float()[:, self.parametric_dim :] / self._factors(parameters)
            count = max(levels - self.parametric_levels, 0)
            return self.waveform.search(coefficients.transpose(1, 2), count, with_inputs=with_inputs)[:2]

    def _factors(self, parameters: Tensor) -> Tensor:
        """Decoded parameters [B, P, T] -> scale factors [B, 1 or D - parametric_dim, T]."""
        return self.scale_factors(parameters.transpose(1, 2)).transpose(1, 2)
