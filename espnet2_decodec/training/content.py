"""Semantic distillation of the content encoder, with the rest of the codec fixed."""

import torch
from torch import Tensor

from espnet2_decodec.codec.content import ContentEncoder
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training.codebook_init import CodebookInitializer
from espnet2_decodec.training.outputs import GeneratorOutput
from espnet2_decodec.training.semantic import SemanticDistillation


class ContentDistillation:
    """Loss of the content encoder.

    Args:
        codec: the model.
        content_encoder: of the codec.
        semantic: teacher and head.
        codebook_init: collects content for the codebooks, if it has some.
    """

    def __init__(
        self,
        codec: DeCodec,
        content_encoder: ContentEncoder,
        semantic: SemanticDistillation,
        codebook_init: CodebookInitializer,
    ):
        self.codec, self.content_encoder = codec, content_encoder
        self.semantic, self.codebook_init = semantic, codebook_init

    def loss(self, batch: Batch, speech: Tensor, background: Tensor, collect_step: int | None) -> Tensor:
        """Loss of the content of separated coordinates.

        Args:
            batch: stems.
            speech: [B, D_s, T].
            background: [B, D_b, T].
            collect_step: step whose content is collected for k-means; None to collect nothing.
        """
        content = self.content_encoder(speech, background)
        if collect_step is not None:
            self.codebook_init.collect(collect_step, content=content)
        return self.semantic(content, batch.speech)

    def __call__(self, batch: Batch, step: int | None) -> GeneratorOutput:
        """One generator step that trains the content encoder alone."""
        with torch.no_grad():
            latents = self.codec.subspace.split(self.codec.latent(batch.mixture))
        return GeneratorOutput.from_terms({"semantic": self.loss(batch, *latents, step)}, {"semantic": 1.0})
