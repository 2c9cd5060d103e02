"""ESPnet's edge of the training objective: its names, its shapes, its dicts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from espnet2.gan_codec.abs_gan_codec import AbsGANCodec
from espnet2.torch_utils.device_funcs import force_gatherable
from torch import Tensor

from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.types import Codes

ADVERSARIAL = ("adversarial", "feature")


class GANDeCodec(Objective, AbsGANCodec):
    """`Objective`, called as ESPnet calls its GAN codecs. Options and weights are those of `Objective`.

    Codes are [N_stream, B, T] here: the speech levels first, then the background levels.
    """

    _cache = None  # ESPnet's trainer resets it

    @property
    def fs(self) -> int:
        """Sample rate in Hz."""
        return self.codec.sample_rate

    def meta_info(self) -> dict[str, Any]:
        """What ESPnet asks of a codec, and `stream_layout`: how many of the streams are whose."""
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
    ) -> dict[str, Any]:
        """Loss and statistics of one of the two turns of a step.

        Args:
            audio: [B, L] the mixtures.
            forward_generator: the generator's turn, else the discriminator's, which uses what the generator's
                turn on the same batch left.
            speech, background: [B, L] the stems. Without them a batch can be validated, by its
                reconstruction only.

        Returns:
            loss, stats, weight (B) and optim_idx (0 generator, 1 discriminator). `stats["distance"]` is the
            loss without its adversarial terms, which can be compared over a whole training.

        Raises:
            ValueError: if there are no stems in training.
        """
        if speech is None or background is None:
            if self.training:
                raise ValueError("Training needs the stems 'speech' and 'background' of every mixture.")
            loss, stats = self._reconstruction_loss(audio, forward_generator)
        else:
            turn = self.generator_loss if forward_generator else self.discriminator_loss
            with _repeatable(not self.training, audio.device):
                loss, stats = turn(Batch(speech, background))
        if forward_generator:
            stats["distance"] = self._distance(stats)
        loss, stats, weight = force_gatherable((loss, stats, len(audio)), audio.device)
        return {"loss": loss, "stats": stats, "weight": weight, "optim_idx": 0 if forward_generator else 1}

    def encode(self, x: Tensor, speech_levels: int | None = None, background_levels: int | None = None, **_) -> Tensor:
        """x [B, 1, L] or [B, L] -> codes [N_stream, B, T]; other options of ESPnet's codecs are left aside."""
        wav = x[:, 0] if x.ndim == 3 else x
        return to_streams(self.codec.encode(wav, None, speech_levels, background_levels))

    def decode(self, codes: Tensor, speech_levels: int | None = None, **_) -> Tensor:
        """codes [N_stream, B, T], the first `speech_levels` of them speech -> wav [B, 1, T * hop]."""
        levels = self.codec.speech_levels if speech_levels is None else speech_levels
        return self.codec.decode(from_streams(codes, levels, self.codec.hop, self.fs))[:, None]

    def _reconstruction_loss(self, audio: Tensor, forward_generator: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """How well whole recordings come back, for validation without stems."""
        if not forward_generator:
            return audio.new_zeros(()), {}
        loudness = audio.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4)
        stats = self.reconstruction(self.codec.decode(self.codec.encode(audio)), audio, loudness)
        loss = self._distance(stats)
        return loss, stats | {"loss": loss}

    def _distance(self, stats: dict[str, Tensor]) -> Tensor:
        """The weighted sum of the terms that do not depend on the discriminator."""
        return sum(w * stats[name] for name, w in self.weights.items() if name in stats and name not in ADVERSARIAL)


def to_streams(codes: Codes) -> Tensor:
    """Codes -> ESPnet's [N_stream, B, T]."""
    return torch.cat([codes.speech, codes.background], dim=1).transpose(0, 1)


def from_streams(streams: Tensor, speech_levels: int, hop: int, sample_rate: int) -> Codes:
    """ESPnet's [N_stream, B, T] -> Codes of whole frames; the first `speech_levels` streams are speech."""
    speech, background = streams[:speech_levels].transpose(0, 1), streams[speech_levels:].transpose(0, 1)
    lengths = torch.full((streams.shape[1],), streams.shape[2] * hop, device=streams.device)
    return Codes(speech, background, lengths, sample_rate)


@contextmanager
def _repeatable(wanted: bool, device: torch.device) -> Iterator[None]:
    """The same random numbers at every call, and none taken from those of the training."""
    if not wanted:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        yield
