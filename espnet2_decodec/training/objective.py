"""The training objective of DeCodec: generator and discriminator, their losses, and the schedule."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.latents import Latents
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.split_quantizer import Quantizer
from espnet2_decodec.codec.unseparated import analytic_backbone
from espnet2_decodec.data.config import check_arguments, check_keys
from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training import adversarial
from espnet2_decodec.training.adversarial import MultiScaleDiscriminator
from espnet2_decodec.training.codebook_init import CodebookInitializer
from espnet2_decodec.training.content import ContentDistillation
from espnet2_decodec.training.losses import ReconstructionLoss
from espnet2_decodec.training.outputs import GeneratorOutput
from espnet2_decodec.training.pretraining import LatentRegression
from espnet2_decodec.training.schedule import Schedule
from espnet2_decodec.training.semantic import SemanticDistillation
from espnet2_decodec.training.swap import Swap
from espnet2_decodec.training.teachers import build_teacher

WEIGHTS = {
    "snr": 5.0,
    "waveform": 5.0,
    "stft": 2.0,
    "mel": 2.0,
    "commitment": 0.25,
    "orthogonality": 0.0,
    "latent": 0.5,
    "envelope": 1.0,
    "semantic": 0.5,
    "adversarial": 0.1,
    "feature_matching": 0.5,
}


class Generator(nn.Module):
    """The parts that the generator's optimizer trains.

    Args:
        codec: the model.
        semantic: teacher and head; None without semantic distillation.
    """

    def __init__(self, codec: DeCodec, semantic: SemanticDistillation | None):
        super().__init__()
        self.codec, self.semantic = codec, semantic


class Objective(nn.Module):
    """`generator` (codec and semantic head) and `discriminator` with their losses.

    A training step calls `generator_loss`, and `discriminator_loss` with its output. Before training in full, the
    schedule may ask for steps of `LatentRegression`; `content_only` replaces all steps by `ContentDistillation`.

    Args:
        codec: config of DeCodec, a difference from its defaults.
        discriminator: options of MultiScaleDiscriminator.
        teacher: specification for `build_teacher`; None trains without semantic distillation.
        weights: of the loss terms, a difference from `WEIGHTS`. A term of weight 0 is still computed and reported.
        schedule: a difference from the defaults of `Schedule`.
        reconstruction: options of `ReconstructionLoss`.

    Raises:
        ValueError: if the name of a weight or of a part to freeze is unknown, the teacher does not have the codec's
            frames, or the codec does not support what the schedule asks for.
    """

    steps: Tensor

    def __init__(
        self,
        codec: dict | None = None,
        discriminator: dict | None = None,
        teacher: str | dict | None = "auto",
        weights: Mapping[str, float] | None = None,
        schedule: dict | None = None,
        reconstruction: dict | None = None,
    ):
        super().__init__()
        check_keys(weights or {}, WEIGHTS, "weights")
        for function, section, name in (
            (Schedule, schedule, "schedule"),
            (MultiScaleDiscriminator, discriminator, "discriminator"),
            (ReconstructionLoss, reconstruction, "reconstruction"),
        ):
            check_arguments(function, section or {}, name)
        self.weights = {**WEIGHTS, **(weights or {})}
        self.schedule = replace(Schedule(), **(schedule or {}))
        model = DeCodec(codec)
        if self.schedule.pretraining_steps and analytic_backbone(model) is None:
            raise ValueError("schedule.pretraining_steps must be 0 for this codec: its backbone has no target latents.")
        _freeze(model, self.schedule.freeze)
        guide, content = build_teacher(teacher, model.sample_rate, model.hop), model.content_encoder
        guided = model.speech_quantizer.semantic_dim if content is None else content.dim
        self.generator = Generator(model, None if guide is None else SemanticDistillation(guide, guided))
        self.discriminator = MultiScaleDiscriminator(**(discriminator or {}))
        self.reconstruction = ReconstructionLoss(model.sample_rate, **(reconstruction or {}))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.codebook_init = CodebookInitializer(self._trained_quantizers(), self.schedule.kmeans_frames)
        self.latent_regression = LatentRegression(model, self.weights)
        semantic, self.content_distillation = self.generator.semantic, None
        if content is not None and semantic is not None:
            self.content_distillation = ContentDistillation(model, content, semantic, self.codebook_init)
        if self.schedule.content_only and self.content_distillation is None:
            raise ValueError(
                "schedule.content_only needs a teacher, and a codec with content (`codec.content.dim` above 0)."
            )
        self._step: int | None = None
        self.register_load_state_dict_post_hook(_read_step_again)

    @property
    def step(self) -> int:
        """Generator steps taken so far; the buffer `steps` stores it in checkpoints."""
        if self._step is None:
            self._step = int(self.steps)
        return self._step

    @property
    def codec(self) -> DeCodec:
        """The model that is trained."""
        return self.generator.codec

    def settings(self) -> dict[str, Any]:
        """Weights and schedule as plain data, for logs."""
        return {"weights": self.weights, "schedule": asdict(self.schedule)}

    def generator_loss(self, batch: Batch, part: tuple[int, int] = (0, 1)) -> GeneratorOutput:
        """Loss of the generator and its terms; in training mode this advances the schedule.

        Args:
            batch: stems, of the whole batch or of a part of it.
            part: (k, n), the batch is part k of 0..n-1 of that of a step (gradient accumulation). The last part
                advances the schedule and updates the codebooks, with the statistics of all.
        """
        step, (number, count) = self.step, part
        if self.training:
            if step == self.schedule.unquantized_steps and step > 0 and number == 0:
                self.codebook_init.initialize()
            for module in self.codec.modules():
                if isinstance(module, ResidualVQ):
                    module.accumulates = number < count - 1
            if number == count - 1:
                self._step = step + 1
                self.steps.fill_(self._step)
            if step < self.schedule.pretraining_steps:
                return self.latent_regression(batch, step)
            if self.schedule.content_only and self.content_distillation is not None:
                return self.content_distillation(batch, self._collect_step(step, part))
        return self._codec_loss(batch, step, part)

    def discriminator_loss(self, output: GeneratorOutput) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of the discriminator on the waveforms of a generator step, and the same as a metric.

        While the discriminator does not take part, a zero with zero gradients for all its parameters.
        """
        if output.estimate is None or output.target is None:
            loss = sum((p.sum() * 0.0 for p in self.discriminator.parameters()), output.loss.new_zeros(()))
        else:
            size = len(output.target)
            logits = [x for x, _ in self.discriminator(torch.cat([output.target, output.estimate]))]
            loss = adversarial.discriminator_loss([x[:size] for x in logits], [x[size:] for x in logits])
        return loss, {"discriminator": loss.detach()}

    def _codec_loss(self, batch: Batch, step: int, part: tuple[int, int]) -> GeneratorOutput:
        """Encode, quantize, swap, decode, compare."""
        size, device, schedule = len(batch.speech), batch.speech.device, self.schedule
        quantized = step >= schedule.unquantized_steps or not self.training
        levels = [
            self._levels(size, quantizer, quantized, device)
            for quantizer in (self.codec.speech_quantizer, self.codec.background_quantizer)
        ]
        latents = self.codec(batch.mixture, *levels)
        collect_step = self._collect_step(step, part)
        if collect_step is not None:
            self.codebook_init.collect(collect_step, speech=latents.speech, background=latents.background)
        swapping = step >= schedule.reconstruction_steps or not self.training
        keep_background_prob = schedule.keep_background_prob if swapping else 1.0
        swap = Swap.draw(size, device, schedule.decode_stems and swapping, keep_background_prob)
        target, reference_rms = swap.target(batch), swap.reference_rms(batch)
        parts = swap.gather(latents.quantized_speech.x, latents.quantized_background.x)
        components = self.codec.backbone.decode_components(self.codec.subspace.merge(*parts))
        coded, synthesized = (wav[:, : target.shape[1]] for wav in components)
        estimate = coded + synthesized
        has_waveform = swap.has_waveform(*(count > self.codec.parametric_levels for count in levels))
        terms = self.reconstruction(estimate, target, reference_rms, has_waveform, synthesized)
        terms |= self._latent_terms(batch, latents, quantized, collect_step)
        # As many decodings as there are items are enough for the discriminator.
        chosen = torch.randperm(len(target), device=device)[:size]
        estimate, target = (x[chosen] / reference_rms[chosen] * 0.1 for x in (estimate, target))
        takes_part = self._discriminator_takes_part(step)
        terms |= self._adversarial_terms(estimate, target, takes_part)
        pair = (estimate.detach(), target.detach()) if takes_part else None
        return GeneratorOutput.from_terms(terms, self.weights, _quantizer_metrics(latents), pair)

    def _levels(self, batch: int, quantizer: Quantizer, quantized: bool, device: torch.device) -> Tensor:
        """[B]: levels of each item; K + 1 for no quantization. In eval mode all levels."""
        if quantized and self.training:
            return self.schedule.draw_levels(batch, quantizer, device)
        return torch.full((batch,), quantizer.levels + (not quantized), device=device)

    def _latent_terms(
        self, batch: Batch, latents: Latents, quantized: bool, collect_step: int | None
    ) -> dict[str, Tensor]:
        """Terms `commitment`, `orthogonality`, `latent`, `envelope` and `semantic`."""
        zero, speech, background = latents.speech.new_zeros(()), latents.speech, latents.background
        commitment = latents.quantized_speech.commitment + latents.quantized_background.commitment
        terms = {
            "commitment": commitment if quantized else zero,
            "orthogonality": self.codec.subspace.penalty(speech, background),
            **self.latent_regression.terms(batch, speech, background),
            "semantic": zero,
        }
        if self.content_distillation is not None:
            terms["semantic"] = self.content_distillation.loss(batch, speech, background, collect_step)
        elif self.generator.semantic is not None:
            values = latents.quantized_speech.semantic if quantized else speech
            values = values[:, : self.codec.speech_quantizer.semantic_dim]
            terms["semantic"] = self.generator.semantic(values, batch.speech)
        return terms

    def _discriminator_takes_part(self, step: int) -> bool:
        start = self.schedule.adversarial_start
        weighted = self.weights["adversarial"] or self.weights["feature_matching"]
        return bool(weighted) and start is not None and step >= start

    def _adversarial_terms(self, estimate: Tensor, target: Tensor, takes_part: bool) -> dict[str, Tensor]:
        """Terms `adversarial` and `feature_matching`; zeros before the discriminator takes part."""
        if not takes_part:
            return {"adversarial": estimate.new_zeros(()), "feature_matching": estimate.new_zeros(())}
        self.discriminator.requires_grad_(False)
        fake = self.discriminator(estimate)
        with torch.no_grad():
            real = self.discriminator(target)
        self.discriminator.requires_grad_(True)
        return {
            "adversarial": adversarial.generator_loss([logits for logits, _ in fake]),
            "feature_matching": adversarial.feature_matching_loss(real, fake),
        }

    def _trained_quantizers(self) -> dict[str, Quantizer]:
        """Stream -> quantizer whose codebooks are trained."""
        codec, quantizers = self.codec, {}
        if not self.schedule.content_only:
            quantizers = {"speech": codec.speech_quantizer, "background": codec.background_quantizer}
        content = codec.content_encoder
        if content is not None and content.quantizer is not None and self.generator.semantic is not None:
            quantizers["content"] = content.quantizer
        return quantizers

    def _collect_step(self, step: int, part: tuple[int, int]) -> int | None:
        """Number of the batch, or of the part of it, while encoder outputs are collected for k-means."""
        return step * part[1] + part[0] if self.training and step < self.schedule.unquantized_steps else None


def _freeze(codec: DeCodec, parts: tuple[str, ...]) -> None:
    """Exclude submodules from training."""
    for part in parts:
        try:
            codec.get_submodule(part).requires_grad_(False)
        except AttributeError as error:
            raise ValueError(f"schedule.freeze: the codec has no part {part!r}.") from error


def _quantizer_metrics(latents: Latents) -> dict[str, Tensor]:
    """Quantization error of each stream, and perplexity of every codebook, by stream and level from 1."""
    streams = {"speech": latents.quantized_speech, "background": latents.quantized_background}
    errors = {f"quantization_error_{name}": result.metrics["error"] for name, result in streams.items()}
    return errors | {
        f"perplexity_{name}_{level}": value
        for name, result in streams.items()
        for level, value in enumerate(result.metrics["perplexity"], 1)
    }


def _read_step_again(objective: Objective, _: object) -> None:
    """After weights were loaded, the step is that of the buffer `steps`."""
    objective._step = None
