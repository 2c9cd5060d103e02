"""Semantic distillation: a linear head predicts the features of a teacher for the clean speech."""

import torch
from torch import Tensor, nn

from espnet2_decodec.training.teachers import Teacher

ACTIVE_PEAK = 1e-4
"""Items whose speech has a lower peak are treated as silent."""


class SemanticHead(nn.Module):
    """Linear map to the teacher's features, and the loss between both.

    The loss is the mean of -log sigmoid(cos(W z, H)) with the cosine along time for each feature dimension (semantic
    guidance of the paper; as in SpeechTokenizer, Zhang et al., 2023, arXiv 2308.16692, section 3.2). Both sides are
    standardized by running statistics first, because the cosine would depend on their means alone.

    Args:
        dim: S, coordinates of the input.
        teacher_dim: C of the teacher.
    """

    def __init__(self, dim: int, teacher_dim: int):
        super().__init__()
        self.map = nn.Sequential(nn.BatchNorm1d(dim, affine=False), nn.Conv1d(dim, teacher_dim, 1))
        self.standardize = nn.BatchNorm1d(teacher_dim, affine=False)

    def forward(self, values: Tensor, features: Tensor, active: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            values: [B, S, T].
            features: [B, C, T] of the teacher.
            active: [B] bool, items with speech.

        Returns:
            Scalar, the mean over the items with speech.
        """
        target = self.standardize(features.float())
        prediction = self.map(values).float()
        cosine = torch.cosine_similarity(prediction, target, dim=2, eps=1e-6)
        loss = -torch.nn.functional.logsigmoid(cosine).mean(1)
        return (loss * active).sum() / active.sum().clamp(min=1)


class SemanticDistillation(nn.Module):
    """Teacher and head. The weights of the teacher are neither parameters nor part of the state, see `Teacher`.

    Args:
        teacher: frozen model.
        dim: S, coordinates that predict its features.
    """

    def __init__(self, teacher: Teacher, dim: int):
        super().__init__()
        self.teacher, self.head = teacher, SemanticHead(dim, teacher.dim)

    def forward(self, values: Tensor, speech: Tensor) -> Tensor:
        """Loss of values [B, S, T] against the teacher's features of clean speech [B, L]."""
        return self.head(values, self.teacher(speech, values.shape[2]), speech.abs().amax(1) > ACTIVE_PEAK)
