"""Which character is said when, learned from nothing but pairs of text and speech.

After "One TTS Alignment To Rule Them All" (Badlani et al., 2022, arXiv 2108.10447), as ESPnet's JETS does it.
"""

import torch
from torch import Tensor, nn


class Aligner(nn.Module):
    """Log probability of each character at each frame: distance of two learned maps, and a prior along the diagonal.

    Args:
        text_dim: of the characters' embeddings.
        frame_dim: C of the frames' coordinates.
        size: of the space in which they are compared.
    """

    def __init__(self, text_dim: int, frame_dim: int, size: int = 64):
        super().__init__()
        self.text = nn.Sequential(nn.Conv1d(text_dim, 2 * size, 3, padding=1), nn.GELU(), nn.Conv1d(2 * size, size, 1))
        self.frames = nn.Sequential(
            nn.Conv1d(frame_dim, 2 * size, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(2 * size, 2 * size, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(2 * size, size, 1),
        )

    def forward(self, text: Tensor, frames: Tensor, text_lengths: Tensor, frame_lengths: Tensor) -> Tensor:
        """Text [B, N, text_dim], frames [B, T, C], lengths [B] of both -> [B, T, N]; minus infinity beyond a text's end."""
        keys, queries = self.text(text.transpose(1, 2)), self.frames(frames.transpose(1, 2))
        products = queries.transpose(1, 2) @ keys
        squares = queries.square().sum(1)[:, :, None] + keys.square().sum(1)[:, None] - 2 * products
        scores = -squares.clamp(min=1e-6).sqrt()
        beyond = torch.arange(text.shape[1], device=text.device) >= text_lengths[:, None]
        scores = scores.masked_fill(beyond[:, None], -torch.inf).log_softmax(-1)
        return scores + diagonal_prior(text_lengths, frame_lengths, *scores.shape[1:])


def diagonal_prior(text_lengths: Tensor, frame_lengths: Tensor, frames: int, characters: int) -> Tensor:
    """Log probability [B, T, N] that a frame so far into an utterance belongs to a character so far into its text.

    Beta-binomial: frame t of T (from 1) draws from N - 1 trials with a = t and b = T - t + 1. Minus infinity beyond a text's end.
    """
    device = text_lengths.device
    n = (text_lengths - 1).float()[:, None, None]
    t_all = frame_lengths.float()[:, None, None]
    a = (torch.arange(frames, device=device).float()[None, :, None] + 1).minimum(t_all)
    b = t_all - a + 1
    k = torch.arange(characters, device=device).float()[None, None].minimum(n)
    log_choose = torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    log_drawn = torch.lgamma(k + a) + torch.lgamma(n - k + b) - torch.lgamma(n + a + b)
    log_prior = log_choose + log_drawn + torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)
    beyond = torch.arange(characters, device=device) >= text_lengths[:, None]
    return log_prior.masked_fill(beyond[:, None], -torch.inf)
