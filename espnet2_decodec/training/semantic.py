"""Semantic guidance: the first speech level must follow a teacher that hears the clean speech."""

import torch
from torch import Tensor, nn


class SemanticHead(nn.Module):
    """Linear map from what the first speech level codes to the teacher's features, and the paper's loss between them.

    The loss is the mean of -log sigmoid(cos(W z, H)), the cosine being taken along time for each feature
    dimension (the paper's SG; as in SpeechTokenizer, Zhang et al., 2023, arXiv 2308.16692, section 3.2).
    Both sides are standardized by running statistics first, or their offsets would be all that the cosine sees.

    Args:
        dim: coordinates that the first level codes, D_s or fewer.
        teacher_dim: C of the teacher.
    """

    def __init__(self, dim: int, teacher_dim: int):
        super().__init__()
        self.map = nn.Sequential(nn.BatchNorm1d(dim, affine=False), nn.Conv1d(dim, teacher_dim, 1))
        self.standardize = nn.BatchNorm1d(teacher_dim, affine=False)

    def forward(self, first: Tensor, features: Tensor, speaks: Tensor) -> Tensor:
        """First [B, dim, T], features [B, C, T], speaks [B] bool (items with speech) -> scalar."""
        wanted = self.standardize(features.float())
        guess = self.map(first).float()
        cosine = torch.cosine_similarity(guess, wanted, dim=2, eps=1e-6)
        loss = -torch.nn.functional.logsigmoid(cosine).mean(1)
        return (loss * speaks).sum() / speaks.sum().clamp(min=1)
