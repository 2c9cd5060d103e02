"""Splitting one latent sequence into a speech part and a background part.

Both classes map Y [B, D, T] to coordinates s [B, D_s, T] and b [B, D_b, T], and back to a latent sequence.
"""

import torch
from torch import Tensor, nn


class OrthogonalSplit(nn.Module):
    """Exact split by one orthogonal matrix Q = [U_s | U_b]: s = U_s' Y, b = U_b' Y, Y = U_s s + U_b b.

    The projections P_s = U_s U_s' and P_b = U_b U_b' satisfy P_s P_b = 0 and P_s + P_b = I whatever the
    weights are, because Q is the Cayley transform (I - A)(I + A)^-1 of a skew-symmetric matrix A, and A is
    what is trained. So the property survives optimizer steps, averaging of checkpoints and half precision
    storage: any A gives an orthogonal Q. It is computed in float32, also under autocast.

    Args:
        speech_dim: D_s.
        background_dim: D_b.
        learned: False leaves Q the identity: the first D_s coordinates are the speech, the others the background.
    """

    pace = 0.01
    """Of A beside the trained weight: Q starts as the identity and turns slowly beside the layers around it."""

    def __init__(self, speech_dim: int, background_dim: int, learned: bool = True):
        super().__init__()
        dim = speech_dim + background_dim
        self.dims = (speech_dim, background_dim)
        self.weight = nn.Parameter(torch.zeros(dim, dim), requires_grad=learned)
        self._cached: tuple[Tensor, Tensor] | None = None  # the weight as it was, and its Q

    def matrix(self) -> Tensor:
        """Q [D, D] in float32; max |Q'Q - I| stays below 1e-5."""
        if self.training or torch.is_grad_enabled():
            return self._cayley()
        if self._cached is None or not _same(self._cached[0], self.weight):
            self._cached = (self.weight.detach().clone(), self._cayley())
        return self._cached[1]

    def _cayley(self) -> Tensor:
        with torch.autocast(self.weight.device.type, enabled=False):
            weight = self.weight.float()
            skew = weight.triu(1) * self.pace
            skew = skew - skew.T
            eye = torch.eye(len(skew), device=skew.device)
            return torch.linalg.solve(eye + skew, eye - skew)

    def split(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> (s [B, D_s, T], b [B, D_b, T])."""
        with torch.autocast(latent.device.type, enabled=False):
            return (self.matrix().T @ latent.float()).split(self.dims, dim=1)

    def merge(self, speech: Tensor, background: Tensor) -> Tensor:
        """(s [B, D_s, T], b [B, D_b, T]) -> U_s s + U_b b [B, D, T]."""
        with torch.autocast(speech.device.type, enabled=False):
            return self.matrix() @ torch.cat([speech.float(), background.float()], dim=1)

    def penalty(self, speech: Tensor, background: Tensor) -> Tensor:
        """Nothing to penalise: the subspaces are orthogonal by construction. A zero scalar."""
        return speech.new_zeros(())


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors agree in place, type and every value."""
    return one.device == other.device and one.dtype == other.dtype and torch.equal(one, other)


class SoftSplit(nn.Module):
    """The paper's split (DeCodec, SOP): two free linear maps S = P_s Y, N = P_n Y, kept apart by a penalty.

    Nothing makes P_s and P_n projections, nor their sum the identity: they add to the decoder's input as
    they are. Both parts have the full dimension D.

    Args:
        dim: D.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.dims = (dim, dim)
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
        """Mean squared cosine between the two parts of each frame, a scalar in 0..1."""
        return torch.cosine_similarity(speech, background, dim=1, eps=1e-6).square().mean()
