"""One training step of DeCodec: everything that is trained, every loss term, by the schedule."""

from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.decodec import DeCodec, Latents
from espnet2_decodec.codec.split_quantizer import Quantizer
from espnet2_decodec.codec.unseparated import supports_unseparated, unseparated_latent
from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training import adversarial
from espnet2_decodec.training.collected import Collected
from espnet2_decodec.training.discriminator import MultiScaleDiscriminator
from espnet2_decodec.training.losses import Reconstruction
from espnet2_decodec.training.schedule import Schedule
from espnet2_decodec.training.semantic import SemanticHead
from espnet2_decodec.training.swap import Swap
from espnet2_decodec.training.teachers import build_teacher

WEIGHTS = {
    "snr": 5.0,
    "waveform": 5.0,
    "stft": 2.0,
    "mel": 2.0,
    "commitment": 0.25,
    "split": 0.0,
    "anchor": 0.5,
    "envelope": 1.0,
    "semantic": 0.5,
    "adversarial": 0.1,
    "feature": 0.5,
}


@dataclass
class _Kept:
    """What the generator's step leaves for the discriminator's."""

    estimate: Tensor | None = None
    target: Tensor | None = None


class Objective(nn.Module):
    """The codec with its semantic head (`generator`), the `discriminator`, and their losses.

    Args:
        codec: config of DeCodec, a difference from its defaults.
        discriminator: options of MultiScaleDiscriminator.
        teacher: spec for `build_teacher`; None trains without guidance.
        weights: of the terms, a difference from `WEIGHTS`. A term of weight 0 is still computed and reported.
        schedule: a difference from the defaults of `Schedule`.
        reconstruction: options of `Reconstruction`.

    Raises:
        ValueError: if a weight's name or a part to freeze is unknown, or steps of the encoder alone are wanted from a codec
            without anchors.
    """

    def __init__(
        self,
        codec: dict | None = None,
        discriminator: dict | None = None,
        teacher: str | dict | None = "auto",
        weights: dict[str, float] | None = None,
        schedule: dict | None = None,
        reconstruction: dict | None = None,
    ):
        super().__init__()
        unknown = set(weights or {}) - set(WEIGHTS)
        if unknown:
            raise ValueError(f"Unknown loss terms {sorted(unknown)}; there are {', '.join(WEIGHTS)}.")
        self.weights = {**WEIGHTS, **(weights or {})}
        self.schedule = replace(Schedule(), **(schedule or {}))
        self.generator = nn.Module()
        self.generator.codec = DeCodec(codec)
        if self.schedule.anchor and not supports_unseparated(self.codec):
            raise ValueError(
                "schedule.anchor must be 0 for this codec, which does not know what it would make of a stem."
            )
        for part in self.schedule.freeze:
            try:
                self.codec.get_submodule(part).requires_grad_(False)
            except AttributeError as error:
                raise ValueError(f"schedule.freeze: the codec has no part {part!r}.") from error
        # Outside the module tree: its weights are neither trained nor saved.
        self._teacher = [build_teacher(teacher)]
        if self.teacher is not None:
            guided = self.codec.content_encoder.dim if self._has_content else self.codec.speech_quantizer.semantic_dim
            self.generator.semantic_head = SemanticHead(guided, self.teacher.dim)
        if self.schedule.content_only and not (self._has_content and self.teacher is not None):
            raise ValueError(
                "schedule.content_only needs a teacher, and a codec with content (`codec.content.dim` above 0)."
            )
        self.discriminator = MultiScaleDiscriminator(**(discriminator or {}))
        self.reconstruction = Reconstruction(self.codec.sample_rate, **(reconstruction or {}))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        kept = {name: Collected(self.schedule.collect, quantizer.dim) for name, quantizer in self._quantizers.items()}
        self.collected = nn.ModuleDict(kept)
        self._kept = _Kept()
        self._judged = False
        self._step: int | None = None
        self.register_load_state_dict_post_hook(lambda module, _: setattr(module, "_step", None))

    @property
    def step(self) -> int:
        """Generator steps taken so far; the buffer `steps` holds it in checkpoints."""
        if self._step is None:
            self._step = int(self.steps)
        return self._step

    @property
    def codec(self) -> DeCodec:
        """The model that is trained."""
        return self.generator.codec

    @property
    def teacher(self) -> nn.Module | None:
        """The semantic teacher, if any."""
        return self._teacher[0]

    @property
    def _has_content(self) -> bool:
        """Whether the teacher guides content, and not the first speech level."""
        return self.codec.content_encoder is not None

    @property
    def _quantizers(self) -> dict[str, Quantizer]:
        """The quantizers that are trained, by stream."""
        both = {"speech": self.codec.speech_quantizer, "background": self.codec.background_quantizer}
        both = {} if self.schedule.content_only else both
        content = self.codec.content_encoder.quantizer if self._has_content and self.teacher is not None else None
        return both if content is None else both | {"content": content}

    @property
    def adversarial(self) -> bool:
        """Whether the discriminator took part in the generator's last step."""
        return self._judged

    def settings(self) -> dict:
        """Weights and schedule as plain data, for logs."""
        return {"weights": self.weights, "schedule": asdict(self.schedule)}

    def _apply(self, fn, *args, **kwargs):
        if self.teacher is not None:
            self.teacher._apply(fn)
        return super()._apply(fn, *args, **kwargs)

    def generator_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of codec and semantic head, and every term (unweighted, detached) with usage statistics.

        In training mode this is what advances the schedule.
        """
        step = self.step
        if self.training:
            self._start_codebooks(step)
            self._step = step + 1
            self.steps.fill_(self._step)
        if self.training and (step < self.schedule.anchor or self.schedule.content_only):
            self._kept, self._judged = _Kept(batch.mixture, batch.mixture), False
            return self._anchor_loss(batch) if step < self.schedule.anchor else self._content_loss(batch)
        size = len(batch.speech)
        quantized = step >= self.schedule.warmup or not self.training
        levels = [
            self._draw_levels(size, q, quantized, batch.speech.device)
            for q in (self.codec.speech_quantizer, self.codec.background_quantizer)
        ]
        latents = self.codec(batch.mixture, *levels)
        self._collect(step, speech=latents.speech, background=latents.background)
        split = step >= self.schedule.reconstruct or not self.training
        swap = Swap.draw(size, batch.speech.device, self.schedule.stems and split, self.schedule.kept if split else 1.0)
        parts = swap.gather(latents.quantized_speech.x, latents.quantized_background.x)
        target, loudness = swap.target(batch), swap.loudness(batch)
        waves = self.codec.backbone.decode_components(self.codec.subspace.merge(*parts))
        decoded, made_up = (wav[:, : target.shape[1]] for wav in waves)
        estimate = decoded + made_up
        phased = swap.phased(*(count > self.codec.parametric_levels for count in levels))
        terms = self.reconstruction(estimate, target, loudness, phased, made_up)
        terms |= self._latent_terms(batch, latents, quantized)
        judged = torch.randperm(len(target), device=target.device)[:size]  # as many as there are items will do
        terms |= self._adversarial_terms(estimate[judged], target[judged], loudness[judged], step)
        loss = sum(self.weights[name] * value for name, value in terms.items() if self.weights[name])
        report = {name: value.detach() for name, value in terms.items()} | {"loss": loss.detach()}
        return loss, report | _usage(latents)

    def discriminator_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of the discriminator on the outputs of the generator's last step.

        Before the discriminator takes part, a zero that still reaches all its parameters.

        Raises:
            RuntimeError: if there was no generator step before.
        """
        kept = self._kept
        if kept.estimate is None:
            raise RuntimeError("The discriminator's step needs a generator step on the same batch before it.")
        self._kept = _Kept()
        if not self._judged:
            loss = sum(p.sum() * 0.0 for p in self.discriminator.parameters())
        else:
            pair = self.discriminator(torch.cat([kept.target, kept.estimate]))
            size = len(kept.target)
            real = [(logits[:size], []) for logits, _ in pair]
            fake = [(logits[size:], []) for logits, _ in pair]
            loss = adversarial.discriminator_loss(real, fake)
        return loss, {"discriminator": loss.detach()}

    def _draw_levels(self, batch: int, quantizer: Quantizer, quantized: bool, device: torch.device) -> Tensor:
        """[B]: levels of each item; K + 1 = unquantized. In eval mode all levels."""
        most = quantizer.levels
        if not quantized:
            return torch.full((batch,), most + 1, device=device)
        if not self.training:
            return torch.full((batch,), most, device=device)
        schedule, draw = self.schedule, torch.rand(2, batch, device=device)
        some = torch.randint(1, most + 1, (batch,), device=device)
        if quantizer.parametric_levels:
            some = torch.where(draw[0] < schedule.all_levels + schedule.parametric, quantizer.parametric_levels, some)
        some = torch.where(draw[0] < schedule.all_levels, most, some)
        return torch.where(draw[1] < schedule.unquantized, most + 1, some)

    def _latent_terms(self, batch: Batch, latents: Latents, quantized: bool) -> dict[str, Tensor]:
        """commitment, split, anchor, envelope and semantic."""
        pair = (latents.quantized_speech, latents.quantized_background)
        commitment = sum(q.commitment for q in pair) if quantized else latents.speech.new_zeros(())
        terms = {
            "commitment": commitment,
            "split": self.codec.subspace.penalty(latents.speech, latents.background),
        }
        terms |= self._anchor_terms(batch, latents.speech, latents.background)
        if self.teacher is None:
            return terms | {"semantic": latents.speech.new_zeros(())}
        if self._has_content:
            return terms | {"semantic": self._semantic(batch.speech, self._content(latents.speech, latents.background))}
        first = latents.quantized_speech.semantic if quantized else latents.speech
        return terms | {"semantic": self._semantic(batch.speech, first[:, : self.codec.speech_quantizer.semantic_dim])}

    def _semantic(self, heard: Tensor, guided: Tensor) -> Tensor:
        """How far [B, S, T] is from what the teacher hears in a sound [B, L]."""
        features = self.teacher(heard, guided.shape[2])
        return self.generator.semantic_head(guided, features, heard.abs().amax(1) > 1e-4)

    def _content(self, speech: Tensor, background: Tensor) -> Tensor:
        """Content [B, S, T] of coordinates, which its codebooks may be started with."""
        content = self.codec.content_encoder(speech, background)
        self._collect(self.step - 1, content=content)
        return content

    def _content_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a step that trains the content encoder alone."""
        separate = self.schedule.separate
        with torch.no_grad():
            latent = self.codec.latent(batch.mixture) if separate else unseparated_latent(self.codec, batch.mixture)
            stems = self.codec.subspace.split(latent)
        loss = self._semantic(batch.speech if separate else batch.mixture, self._content(*stems))
        return loss, {"semantic": loss.detach(), "loss": loss.detach()}

    def _anchor_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a step that trains the encoder alone, without decoding."""
        terms = self._anchor_terms(batch, *self.codec.subspace.split(self.codec.latent(batch.mixture)))
        loss = sum(self.weights[name] * value for name, value in terms.items())
        return loss, {name: value.detach() for name, value in terms.items()} | {"loss": loss.detach()}

    def _anchor_terms(self, batch: Batch, speech: Tensor, background: Tensor) -> dict[str, Tensor]:
        """How far the coordinates [B, D_s, T], [B, D_b, T] are from what anchors have.

        anchor: mean log error of all of them, as the `snr` of waveforms.
        envelope: mean absolute error of those that the first level codes, relative to their mean size. In the other term
            they weigh little, and they are what a recognizer sees and what the parametric levels are decoded from.
        """
        stems = torch.stack([batch.speech, batch.background])
        backbone = self.codec.backbone
        zeros = {"anchor": speech.new_zeros(()), "envelope": speech.new_zeros(())}
        if not isinstance(backbone, ParametricBackbone):
            return zeros
        wanted = [backbone.target_latent(_whole_frames(stem, self.codec.hop)) for stem in stems]
        if any(w.shape != v.shape for w, v in zip(wanted, (speech, background))):
            return zeros
        wanted, values = torch.stack(wanted), torch.stack([speech, background])
        errors, powers = ((values - wanted).square().mean((2, 3)), wanted.square().mean((2, 3)))
        floor = 0.1 * powers.sum(0) + 1e-7
        first = slice(backbone.semantic_dim)
        gap = (values[:, :, first] - wanted[:, :, first]).abs().sum() / (wanted[:, :, first].abs().sum() + 1e-6)
        return {"anchor": torch.log10((errors + floor) / (powers + floor)).mean(), "envelope": gap}

    def _adversarial_terms(self, estimate: Tensor, target: Tensor, loudness: Tensor, step: int) -> dict[str, Tensor]:
        """Adversarial and feature; zeros before the discriminator takes part."""
        estimate, target = estimate / loudness * 0.1, target / loudness * 0.1
        self._kept = _Kept(estimate.detach(), target.detach())
        start = self.schedule.adversarial
        wanted = self.weights["adversarial"] or self.weights["feature"]
        self._judged = bool(wanted) and start is not None and step >= start
        if not self._judged:
            return {"adversarial": estimate.new_zeros(()), "feature": estimate.new_zeros(())}
        self.discriminator.requires_grad_(False)
        fake = self.discriminator(estimate)
        with torch.no_grad():
            real = self.discriminator(target)
        self.discriminator.requires_grad_(True)
        return {"adversarial": adversarial.generator_loss(fake), "feature": adversarial.feature_loss(real, fake)}

    def _collect(self, step: int, **streams: Tensor) -> None:
        """Keep this step's outputs [B, D, T] of each stream, until its codebooks are started."""
        if self.training and step < self.schedule.warmup:
            for name in self.collected.keys() & streams.keys():
                self.collected[name].add(step, streams[name])

    def _start_codebooks(self, step: int) -> None:
        """k-means at the end of the warm-up."""
        if step == self.schedule.warmup and step > 0:
            for name, collected in self.collected.items():
                collected.start(self._quantizers[name])


def _whole_frames(wav: Tensor, hop: int) -> Tensor:
    """[B, L] -> [B, T * hop], zeros at the end."""
    return nn.functional.pad(wav, (0, -wav.shape[1] % hop))


def _usage(latents: Latents) -> dict[str, Tensor]:
    """Quantization error of each stream, and perplexity of every codebook, by stream and level from 1."""
    streams = {"speech": latents.quantized_speech, "background": latents.quantized_background}
    errors = {f"quantization_error_{name}": result.metrics["error"] for name, result in streams.items()}
    return errors | {
        f"perplexity_{name}_{level}": value
        for name, result in streams.items()
        for level, value in enumerate(result.metrics["perplexity"], 1)
    }
