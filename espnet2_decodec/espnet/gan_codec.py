"""The training objective with the interface of ESPnet's GAN codecs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from espnet2.gan_codec.abs_gan_codec import AbsGANCodec
from espnet2.torch_utils.device_funcs import force_gatherable
from torch import Tensor

from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.outputs import GeneratorOutput
from espnet2_decodec.types import Codes, as_integers

ADVERSARIAL = ("adversarial", "feature_matching")


class GANDeCodec(Objective, AbsGANCodec):
    """`Objective` with ESPnet's interface; arguments and weights are those of `Objective`.

    Codes are [N_stream, B, T], the speech levels first, then the background levels.
    """

    _cache = None  # reset by ESPnet's trainer
    _generator_outputs: tuple[GeneratorOutput, ...] = ()  # of the parts of a generator step, for the discriminator step

    @property
    def fs(self) -> int:
        """Sample rate in Hz."""
        return self.codec.sample_rate

    def meta_info(self) -> dict[str, Any]:
        """ESPnet's description of a codec, and `stream_layout`, the number of streams of speech and of background."""
        layout = {"speech": self.codec.speech_levels, "background": self.codec.background_levels}
        streams = sum(layout.values())
        return {
            "fs": self.fs,
            "num_streams": streams,
            "frame_shift": self.codec.hop,
            "code_size_per_stream": [self.codec.codebook_size] * streams,
            "stream_layout": layout,
        }

    def forward(
        self,
        audio: Tensor,
        forward_generator: bool = True,
        speech: Tensor | None = None,
        background: Tensor | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> dict[str, Any]:
        """Loss and statistics of the generator step or the discriminator step.

        Args:
            audio: [B, L] mixtures.
            forward_generator: the generator step; otherwise the discriminator step, which uses the outputs of the
                generator step on the same batch.
            speech: [B, L] stems of the speech. Without stems, only the reconstruction of a batch is validated.
            background: [B, L] stems of the background.
            part: see `Objective.generator_loss`.

        Returns:
            loss, stats, weight (B) and optim_idx (0 generator, 1 discriminator). `stats["distance"]` is the loss
            without adversarial terms, which is comparable over a whole training.

        Raises:
            ValueError: if there are no stems in training.
            RuntimeError: if a discriminator step does not follow a generator step.
        """
        if speech is None or background is None:
            if self.training:
                raise ValueError("Training needs the stems 'speech' and 'background' of every mixture.")
            loss, stats = self._reconstruction_loss(audio, forward_generator)
        else:
            with _fixed_seed(not self.training, audio.device):
                loss, stats = self._training_step(Batch(speech, background), forward_generator, part)
        if forward_generator:
            stats["distance"] = self._distance(stats)
        loss, stats, weight = force_gatherable((loss, stats, len(audio)), audio.device)
        return {"loss": loss, "stats": stats, "weight": weight, "optim_idx": 0 if forward_generator else 1}

    def encode(self, x: Tensor, speech_levels: int | None = None, background_levels: int | None = None, **_) -> Tensor:
        """Encode x [B, 1, L] or [B, L] to codes [N_stream, B, T]; other options of ESPnet's codecs are ignored.

        Raises:
            ValueError: if there is more than one channel, or as in `DeCodec.encode`.
        """
        wav = self.codec.as_input(x, "x")
        if wav.ndim == 3 and wav.shape[1] == 1:
            wav = wav[:, 0]
        return to_streams(self.codec.encode(wav, None, speech_levels, background_levels))

    def decode(self, codes: Tensor, speech_levels: int | None = None, **_) -> Tensor:
        """Decode codes [N_stream, B, T], the first `speech_levels` of them speech, to a waveform [B, 1, T * hop].

        Raises:
            ValueError, TypeError: if the codes have another shape, or as in `DeCodec.decode`.
        """
        codes = as_integers(codes, "codes")
        if codes.ndim != 3:
            raise ValueError(f"codes must be [N_stream, B, T], not {tuple(codes.shape)}.")
        levels = self.codec.speech_levels if speech_levels is None else speech_levels
        return self.codec.decode(from_streams(codes, levels, self.codec.hop, self.fs))[:, None]

    def _training_step(
        self, batch: Batch, forward_generator: bool, part: tuple[int, int]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and statistics of the generator, or of the discriminator on the outputs of the generator step before."""
        if forward_generator:
            output = self.generator_loss(batch, part)
            before = self._generator_outputs if part[0] else ()
            self._generator_outputs = (*before, replace(output, loss=output.loss.detach()))
            return output.loss, dict(output.metrics)
        if not self._generator_outputs:
            raise RuntimeError("A discriminator step needs a generator step on the same batch before it.")
        output, *rest = self._generator_outputs
        self._generator_outputs = tuple(rest)
        return self.discriminator_loss(output)

    def _reconstruction_loss(self, audio: Tensor, forward_generator: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """Reconstruction terms of whole recordings, for validation without stems."""
        if not forward_generator:
            return audio.new_zeros(()), {}
        rms = audio.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4)
        stats = self.reconstruction(self.codec.decode(self.codec.encode(audio)), audio, rms)
        loss = self._distance(stats)
        return loss, stats | {"loss": loss}

    def _distance(self, stats: dict[str, Tensor]) -> Tensor:
        """Weighted sum of the terms that do not depend on the discriminator."""
        terms = [w * stats[name] for name, w in self.weights.items() if name in stats and name not in ADVERSARIAL]
        return sum(terms, torch.zeros(()))


def to_streams(codes: Codes) -> Tensor:
    """Convert Codes to ESPnet's [N_stream, B, T]."""
    return torch.cat([codes.speech, codes.background], dim=1).transpose(0, 1)


def from_streams(streams: Tensor, speech_levels: int, hop: int, sample_rate: int) -> Codes:
    """Convert ESPnet's [N_stream, B, T] to Codes of whole frames; the first `speech_levels` streams are speech."""
    speech, background = streams[:speech_levels].transpose(0, 1), streams[speech_levels:].transpose(0, 1)
    lengths = torch.full((streams.shape[1],), streams.shape[2] * hop, device=streams.device)
    return Codes(speech, background, lengths, sample_rate)


@contextmanager
def _fixed_seed(enabled: bool, device: torch.device) -> Iterator[None]:
    """Use the same random numbers in every call, without changing the random state of the training."""
    if not enabled:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        yield
