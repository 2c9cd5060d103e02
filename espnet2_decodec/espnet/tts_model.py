"""ESPnet model of the text-to-speech task: losses of alignment, durations and features."""

import torch
from espnet2.gan_tts.jets.alignments import viterbi_decode
from espnet2.gan_tts.jets.loss import ForwardSumLoss
from espnet2.torch_utils.device_funcs import force_gatherable
from espnet2.train.abs_espnet_model import AbsESPnetModel
from torch import Tensor

from espnet2_decodec.tts.synthesizer import Synthesizer
from espnet2_decodec.voice.layers import sequence_mask


class DeCodecTTSModel(AbsESPnetModel):
    """Text and speech tokens to losses.

    Args:
        synthesizer: the model to be trained.
        alignment_weight: of the forward-sum loss and of the binarization loss of the alignment.
        binarization_start: training steps before the binarization loss is added.
        scheduled_sampling_prob: probability that the acoustic decoder is conditioned on the predicted semantic
            features, as in inference, instead of the true ones.
        pitch_weight: weight of log f0 and of voicing relative to one feature of the envelope.
        segment_frames: length of the random segment of each utterance on which features are trained; None for all
            frames. Alignment and durations are always trained on whole utterances.
        bfloat16: compute the blocks in bfloat16, which is faster on processors and GPUs that support it.
    """

    steps: Tensor

    def __init__(
        self,
        synthesizer: Synthesizer,
        alignment_weight: float = 1.0,
        binarization_start: int = 500,
        scheduled_sampling_prob: float = 0.5,
        pitch_weight: float = 4.0,
        segment_frames: int | None = 200,
        bfloat16: bool = False,
    ):
        super().__init__()
        self.synthesizer = synthesizer
        self.alignment_weight, self.binarization_start = alignment_weight, binarization_start
        self.scheduled_sampling_prob, self.pitch_weight = scheduled_sampling_prob, pitch_weight
        self.segment_frames, self.bfloat16 = segment_frames, bfloat16
        self.forward_sum_loss = ForwardSumLoss()
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(
        self,
        text: Tensor,
        text_lengths: Tensor,
        speech_codes: Tensor,
        speech_codes_lengths: Tensor,
        prompt_codes: Tensor,
        prompt_codes_lengths: Tensor,
        **_,
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Loss of a batch.

        Args:
            text: [B, N] characters.
            text_lengths: [B].
            speech_codes: [B, T, K] speech tokens.
            speech_codes_lengths: [B] in frames.
            prompt_codes: [B, T', K] speech tokens of another excerpt of the same speaker.
            prompt_codes_lengths: [B] in frames.

        Returns:
            loss, statistics, weight (B).
        """
        losses = self.losses(text, text_lengths, speech_codes, speech_codes_lengths, prompt_codes, prompt_codes_lengths)
        stats = {name: value.detach() for name, value in losses.items()}
        return force_gatherable((losses["loss"], stats, torch.tensor(len(text))), losses["loss"].device)

    @torch.no_grad()
    def collect_feats(self, speech_codes: Tensor, speech_codes_lengths: Tensor, **_) -> dict[str, Tensor]:
        """Features [B, T, C] of speech_codes [B, T, K], not normalized, for their mean and variance."""
        values = self.synthesizer.features.decode(speech_codes)
        return {"features": values, "features_lengths": speech_codes_lengths}

    def losses(
        self,
        text: Tensor,
        text_lengths: Tensor,
        codes: Tensor,
        lengths: Tensor,
        prompt: Tensor,
        prompt_lengths: Tensor,
    ) -> dict[str, Tensor]:
        """Losses by name; `loss` is their weighted sum. Arguments as in `forward`."""
        model, features = self.synthesizer.model, self.synthesizer.features
        target = features.normalize(features.decode(codes))
        mask = sequence_mask(lengths, target.shape[1])
        speaker = self.synthesizer.encode_speaker(prompt, prompt_lengths)

        log_p = model.align(text, text_lengths, target * mask, lengths)
        forward_sum = self.forward_sum_loss(log_p, text_lengths, lengths)
        durations, binarization = viterbi_decode(log_p, text_lengths, lengths)
        durations = durations.long()

        time, mask = self._segments(lengths)
        semantic = features.normalize(features.decode(codes, 1))[..., : features.semantic_dim]
        target, semantic = (x.gather(1, time[..., None].expand(-1, -1, x.shape[2])) for x in (target, semantic))

        def condition(predicted: Tensor) -> Tensor:
            prob = self.scheduled_sampling_prob if self.training else 1
            use_predicted = torch.rand(len(predicted), 1, 1, device=predicted.device) < prob
            return torch.where(use_predicted, features.quantize_semantic(predicted.float()), semantic)

        with torch.autocast(text.device.type, torch.bfloat16, enabled=self.bfloat16):
            hidden = model.encode_text(text, text_lengths, speaker)
            log_durations = model.predict_log_durations(hidden, text_lengths, speaker).float()
            predicted = model(model.regulate_length(hidden, durations, time), mask, speaker, condition)
        duration, total_duration = duration_losses(log_durations, durations, text_lengths)
        weights = mask * self._feature_weights(target)
        losses = {
            "semantic": masked_l1(predicted.semantic.float(), semantic, mask),
            "duration": duration,
            "total_duration": total_duration,
            "forward_sum": forward_sum,
            "binarization": binarization,
        }
        if predicted.acoustic is not None:
            losses["acoustic"] = masked_l1(predicted.acoustic.float(), target, weights)
        if self.training:
            self._update_gv(model.semantic_gv, predicted.semantic.float(), semantic, mask)
            if predicted.acoustic is not None:
                self._update_gv(model.acoustic_gv, predicted.acoustic.float(), target, weights)
            self.steps += 1
        # always added in validation, so that validation losses of all epochs can be compared
        binarize = float(self.steps >= self.binarization_start or not self.training)
        losses["loss"] = (
            losses["semantic"] + losses.get("acoustic", 0.0) + duration + total_duration
            + self.alignment_weight * (forward_sum + binarize * binarization)
        )  # fmt: skip
        return losses

    def _segments(self, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Random segments: lengths [B] -> frame indices of the segments [B, S], and their mask [B, S, 1]."""
        size, starts = int(lengths.max()), torch.zeros_like(lengths)
        if self.training and self.segment_frames is not None and self.segment_frames < size:
            size = self.segment_frames
            room = (lengths - size).clamp(min=0)
            starts = (torch.rand(len(lengths), device=lengths.device) * (room + 1)).long().minimum(room)
        time = starts[:, None] + torch.arange(size, device=lengths.device)
        return time.minimum(lengths[:, None] - 1), (time < lengths[:, None])[..., None].float()

    def _feature_weights(self, target: Tensor) -> Tensor:
        """Weights [B, T, C] of the features: `pitch_weight` for log f0 and voicing, 0 for log f0 of unvoiced frames."""
        weights = torch.ones_like(target)
        voicing = self.synthesizer.features.voicing_index
        if voicing is not None:
            weights[..., voicing - 1 :] = self.pitch_weight
            weights[..., voicing - 1] *= target[..., voicing] > 0
        return weights

    @torch.no_grad()
    def _update_gv(self, scale: Tensor, predicted: Tensor, target: Tensor, weights: Tensor) -> None:
        """Update `scale`, a moving average of the ratio of standard deviations over time, target over predicted."""
        ratio = (_variance(target, weights) / _variance(predicted, weights)).sqrt().clamp(1.0, 2.0)
        scale.lerp_(ratio, max(0.01, 1 / (1 + int(self.steps))))


def masked_l1(predicted: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute error of [B, T, C], weights [B, T, C or 1]."""
    weights = weights.expand_as(target)
    return ((predicted - target).abs() * weights).sum() / weights.sum().clamp(min=1)


def duration_losses(log_durations: Tensor, durations: Tensor, text_lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared errors of log durations [B, N], and of the log of their sums, which keeps the speaking rate."""
    mask = sequence_mask(text_lengths, log_durations.shape[1])[..., 0]
    errors = (log_durations - durations.clamp(min=1).float().log()).square()
    total_errors = (log_durations.exp() * mask).sum(1).log() - durations.sum(1).float().log()
    return (errors * mask).sum() / mask.sum(), total_errors.square().mean()


def _variance(x: Tensor, weights: Tensor) -> Tensor:
    """[B, T, C] -> mean variance over time within an utterance, [C]."""
    weights = weights.expand_as(x)
    total = weights.sum(1, keepdim=True).clamp(min=1)
    mean = (x * weights).sum(1, keepdim=True) / total
    return ((x - mean).square() * weights).sum((0, 1)) / weights.sum((0, 1)).clamp(min=1) + 1e-4
