"""Linear splits of a latent sequence into a speech part and a background part.

Both classes map the latent Y [B, D, T] to s [B, D_s, T] and b [B, D_b, T], and back.
"""

import torch
from torch import Tensor, nn


class OrthogonalSplit(nn.Module):
    """Exact split by an orthogonal matrix Q = [U_s | U_b]: s = U_s' Y, b = U_b' Y, Y = U_s s + U_b b.

    The projections P_s = U_s U_s' and P_b = U_b U_b' satisfy P_s P_b = 0 and P_s + P_b = I for any weights, because Q
    is the Cayley transform (I - A)(I + A)^-1 of a skew-symmetric matrix A, and A is what is trained. So the property
    holds after optimizer steps, averaging of checkpoints and storage in half precision. Q is computed in float32, also
    under autocast.

    Args:
        speech_dim: D_s.
        background_dim: D_b.
        learned: False fixes Q to the identity: the first D_s coordinates are the speech, the others the background.
    """

    weight_scale = 0.01
    """A per unit of the trained weight: Q starts as the identity and changes slowly relative to other layers."""

    def __init__(self, speech_dim: int, background_dim: int, learned: bool = True):
        super().__init__()
        self.dim = speech_dim + background_dim
        self.dims = (speech_dim, background_dim)
        self.weight = nn.Parameter(torch.zeros(self.dim, self.dim), requires_grad=learned)
        self._cached: tuple[Tensor, Tensor] | None = None  # a copy of the weight, and its Q

    def matrix(self) -> Tensor:
        """Q [D, D] in float32; max |Q'Q - I| is below 1e-5."""
        if self.training or torch.is_grad_enabled():
            return self._cayley()
        if self._cached is None or not _identical(self._cached[0], self.weight):
            self._cached = (self.weight.detach().clone(), self._cayley())
        return self._cached[1]

    def _cayley(self) -> Tensor:
        with torch.autocast(self.weight.device.type, enabled=False):
            skew = self.weight.float().triu(1) * self.weight_scale
            skew = skew - skew.T
            eye = torch.eye(len(skew), dtype=torch.float32, device=skew.device)
            return torch.linalg.solve(eye + skew, eye - skew)

    def split(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> (s [B, D_s, T], b [B, D_b, T])."""
        with torch.autocast(latent.device.type, enabled=False):
            speech, background = (self.matrix().T @ latent.float()).split(self.dims, dim=1)
            return speech, background

    def merge(self, speech: Tensor, background: Tensor) -> Tensor:
        """(s [B, D_s, T], b [B, D_b, T]) -> Y = U_s s + U_b b [B, D, T]."""
        with torch.autocast(speech.device.type, enabled=False):
            return self.matrix() @ torch.cat([speech.float(), background.float()], dim=1)

    def penalty(self, speech: Tensor, background: Tensor) -> Tensor:
        """Zero: the subspaces are orthogonal by construction."""
        return speech.new_zeros(())


def _identical(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have the same device, type and values."""
    return a.device == b.device and a.dtype == b.dtype and torch.equal(a, b)


class SoftSplit(nn.Module):
    """Split of the DeCodec paper: two unconstrained linear maps S = P_s Y and N = P_n Y with an orthogonality penalty.

    P_s and P_n are not constrained to be projections, nor their sum to be the identity. The decoder gets the sum of
    both parts, which have the full dimension D each.

    Args:
        dim: D.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.dim, self.dims = dim, (dim, dim)
        self.speech = nn.Linear(dim, dim, bias=False)
        self.background = nn.Linear(dim, dim, bias=False)

    def split(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> (P_s Y [B, D, T], P_n Y [B, D, T])."""
        frames = latent.transpose(1, 2)
        return self.speech(frames).transpose(1, 2).float(), self.background(frames).transpose(1, 2).float()

    def merge(self, speech: Tensor, background: Tensor) -> Tensor:
        """The sum of both parts, [B, D, T]."""
        return speech + background

    def penalty(self, speech: Tensor, background: Tensor) -> Tensor:
        """Mean squared cosine between the two parts of each frame, a scalar within 0..1."""
        return torch.cosine_similarity(speech, background, dim=1, eps=1e-6).square().mean()


Split = OrthogonalSplit | SoftSplit
