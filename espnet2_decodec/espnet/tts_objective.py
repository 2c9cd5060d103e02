"""What the model is trained on: alignment, durations, coordinates."""

import torch
from espnet2.gan_tts.jets.alignments import viterbi_decode
from espnet2.gan_tts.jets.loss import ForwardSumLoss
from torch import Tensor, nn

from espnet2_decodec.tts.layers import within
from espnet2_decodec.tts.synthesizer import Synthesizer


class Objective(nn.Module):
    """Losses of a batch.

    Args:
        synthesizer: the model.
        alignment: weight of the forward-sum and the binarization loss of the alignment.
        binarize_after: training steps after which the second of these counts.
        own_semantic: share of the recordings whose acoustic part builds on the predicted semantic level, as in use, in place of
            the true one.
        pitch: weight of pitch and of voicing, of one coordinate of the envelope.
        window: frames of each recording, at a random place, that the coordinates are learned from in a step; None for all.
            Alignment and durations always see whole recordings.
        bfloat16: compute the blocks in bfloat16: twice as fast on processors and GPUs that have it.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        alignment: float = 1.0,
        binarize_after: int = 500,
        own_semantic: float = 0.5,
        pitch: float = 4.0,
        window: int | None = 200,
        bfloat16: bool = False,
    ):
        super().__init__()
        self.synthesizer, self.alignment = synthesizer, alignment
        self.binarize_after, self.own_semantic = binarize_after, own_semantic
        self.pitch, self.window, self.bfloat16 = pitch, window, bfloat16
        self.forward_sum = ForwardSumLoss()
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(
        self,
        text: Tensor,
        text_lengths: Tensor,
        codes: Tensor,
        lengths: Tensor,
        prompt: Tensor,
        prompt_lengths: Tensor,
    ) -> dict[str, Tensor]:
        """Losses by name, `loss` being their weighted sum.

        Args:
            text, text_lengths: [B, N] characters, [B].
            codes, lengths: [B, T, K] speech tokens, [B] in frames.
            prompt, prompt_lengths: [B, T', K] speech tokens of another piece of the same voice, [B] in frames.
        """
        model, coordinates = self.synthesizer.model, self.synthesizer.coordinates
        target = coordinates.normalized(coordinates.look_up(codes))
        mask = within(lengths, target.shape[1])
        voice = self.synthesizer.voice(prompt, prompt_lengths)

        log_p = model.align(text, text_lengths, target * mask, lengths)
        forward_sum = self.forward_sum(log_p, text_lengths, lengths)
        durations, binarization = viterbi_decode(log_p, text_lengths, lengths)
        durations = durations.long()

        time, mask = self._times(lengths)
        truth = coordinates.normalized(coordinates.look_up(codes, 1))[..., : coordinates.first]
        target, truth = (x.gather(1, time[..., None].expand(-1, -1, x.shape[2])) for x in (target, truth))

        def semantic(first: Tensor) -> Tensor:
            own = torch.rand(len(first), 1, 1, device=first.device) < (self.own_semantic if self.training else 1)
            return torch.where(own, coordinates.semantic(first.float()), truth)

        with torch.autocast(text.device.type, torch.bfloat16, enabled=self.bfloat16):
            states = model.states(text, text_lengths, voice)
            logs = model.log_durations(states, text_lengths, voice).float()
            predicted = model(model.frames(states, durations, time), mask, voice, semantic)
        duration, tempo = duration_losses(logs, durations, text_lengths)
        losses = {
            "semantic": distance(predicted.semantic.float(), truth, mask),
            "acoustic": distance(predicted.acoustic.float(), target, mask * self._weights(target)),
            "duration": duration,
            "tempo": tempo,
            "forward_sum": forward_sum,
            "binarization": binarization,
        }
        if self.training:
            self._note_spread(predicted.semantic.float(), truth, mask, model.semantic_spread)
            self._note_spread(predicted.acoustic.float(), target, mask * self._weights(target), model.acoustic_spread)
            self.steps += 1
        binarize = float(self.steps >= self.binarize_after or not self.training)  # validation losses can be compared
        losses["loss"] = (
            losses["semantic"] + losses["acoustic"] + duration + tempo
            + self.alignment * (forward_sum + binarize * binarization)
        )  # fmt: skip
        return losses

    def _times(self, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """lengths [B] -> which frames coordinates are learned from [B, S], and 1 where they are frames [B, S, 1]."""
        longest, starts = int(lengths.max()), torch.zeros_like(lengths)
        if self.training and self.window is not None and self.window < longest:
            longest = self.window
            room = (lengths - self.window).clamp(min=0)
            starts = (torch.rand(len(lengths), device=lengths.device) * (room + 1)).long().minimum(room)
        time = starts[:, None] + torch.arange(longest, device=lengths.device)
        return time.minimum(lengths[:, None] - 1), (time < lengths[:, None])[..., None].float()

    def _weights(self, target: Tensor) -> Tensor:
        """[B, T, C] how much each coordinate counts: pitch and voicing several times, the pitch only where there is a voice."""
        weights = torch.ones_like(target)
        voicing = self.synthesizer.coordinates.voicing
        if voicing is not None:
            weights[..., voicing - 1 :] = self.pitch
            weights[..., voicing - 1] *= target[..., voicing] > 0
        return weights

    @torch.no_grad()
    def _note_spread(self, predicted: Tensor, target: Tensor, weights: Tensor, factors: Tensor) -> None:
        """Let `factors` follow how much more the target varies within a recording than what is predicted."""
        ratio = (_variance(target, weights) / _variance(predicted, weights)).sqrt().clamp(1.0, 2.0)
        factors.lerp_(ratio, max(0.01, 1 / (1 + int(self.steps))))


def distance(predicted: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute difference of [B, T, C], weights [B, T, C or 1]."""
    weights = weights.expand_as(target)
    return ((predicted - target).abs() * weights).sum() / weights.sum().clamp(min=1)


def duration_losses(logs: Tensor, durations: Tensor, text_lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared difference of log durations [B, N], and of the logarithms of their sums, so that the tempo is right."""
    mask = within(text_lengths, logs.shape[1])[..., 0]
    each = ((logs - durations.clamp(min=1).float().log()).square() * mask).sum() / mask.sum()
    sums = (logs.exp() * mask).sum(1).log() - durations.sum(1).float().log()
    return each, sums.square().mean()


def _variance(x: Tensor, weights: Tensor) -> Tensor:
    """[B, T, C] -> mean variance over time within each recording, [C]."""
    weights = weights.expand_as(x)
    total = weights.sum(1, keepdim=True).clamp(min=1)
    mean = (x * weights).sum(1, keepdim=True) / total
    return ((x - mean).square() * weights).sum((0, 1)) / weights.sum((0, 1)).clamp(min=1) + 1e-4
