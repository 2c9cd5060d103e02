"""Unsupervised alignment of characters and frames.

After "One TTS Alignment To Rule Them All" (Badlani et al., 2022, arXiv 2108.10447), as in ESPnet's JETS.
"""

import torch
from torch import Tensor, nn


class AlignmentModule(nn.Module):
    """Log probability of each character at each frame: distance of two encodings, and a prior along the diagonal.

    Args:
        text_dim: size of the character embeddings.
        feature_dim: C, features of a frame.
        dim: size of both encodings.
    """

    def __init__(self, text_dim: int, feature_dim: int, dim: int = 64):
        super().__init__()
        self.text_encoder = nn.Sequential(
            nn.Conv1d(text_dim, 2 * dim, 3, padding=1), nn.GELU(), nn.Conv1d(2 * dim, dim, 1)
        )
        self.feature_encoder = nn.Sequential(
            nn.Conv1d(feature_dim, 2 * dim, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(2 * dim, 2 * dim, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(2 * dim, dim, 1),
        )

    def forward(self, text: Tensor, features: Tensor, text_lengths: Tensor, feature_lengths: Tensor) -> Tensor:
        """Align a batch.

        Args:
            text: [B, N, text_dim] character embeddings.
            features: [B, T, C].
            text_lengths: [B] in characters.
            feature_lengths: [B] in frames.

        Returns:
            Log probabilities [B, T, N], minus infinity beyond the end of a text.
        """
        keys, queries = self.text_encoder(text.transpose(1, 2)), self.feature_encoder(features.transpose(1, 2))
        products = queries.transpose(1, 2) @ keys
        squares = queries.square().sum(1)[:, :, None] + keys.square().sum(1)[:, None] - 2 * products
        scores = -squares.clamp(min=1e-6).sqrt()
        padding = torch.arange(text.shape[1], device=text.device) >= text_lengths[:, None]
        scores = scores.masked_fill(padding[:, None], -torch.inf).log_softmax(-1)
        return scores + beta_binomial_prior(text_lengths, feature_lengths, *scores.shape[1:])


def beta_binomial_prior(text_lengths: Tensor, feature_lengths: Tensor, frames: int, characters: int) -> Tensor:
    """Log probability [B, T, N] of a character given how far a frame is into the utterance.

    Frame t of T (from 1) draws from N - 1 trials with a = t and b = T - t + 1. Minus infinity beyond the end of a text.
    """
    device = text_lengths.device
    n = (text_lengths - 1).float()[:, None, None]
    total = feature_lengths.float()[:, None, None]
    a = (torch.arange(frames, device=device).float()[None, :, None] + 1).minimum(total)
    b = total - a + 1
    k = torch.arange(characters, device=device).float()[None, None].minimum(n)
    log_choose = torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    log_beta = torch.lgamma(k + a) + torch.lgamma(n - k + b) - torch.lgamma(n + a + b)
    log_prior = log_choose + log_beta + torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)
    padding = torch.arange(characters, device=device) >= text_lengths[:, None]
    return log_prior.masked_fill(padding[:, None], -torch.inf)
