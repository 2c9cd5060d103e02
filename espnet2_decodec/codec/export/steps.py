"""Encoder, decoder and separation for the next frames of a recording, with their state as input and output."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.export.backbones import MDCTGraph
from espnet2_decodec.codec.export.frames import Context, Frames, Step
from espnet2_decodec.codec.export.graphs import DecoderGraph, EncoderGraph
from espnet2_decodec.codec.export.layers import overlap_add


class SampleStep(nn.Module, ABC):
    """The next frames of samples, and the state -> results of frames that are `delay` frames older, and the next state.

    `valid` is 1 for frames of the recording, and 0 for those that follow its end: `delay` of them give the rest of its
    results. The first `delay` frames of results belong to no frame of the recording.

    Args:
        graph: of whole recordings.

    Attributes:
        size: S, of the state; zeros at the start of a recording.
        delay: in frames.
    """

    def __init__(self, graph: EncoderGraph):
        super().__init__()
        self.graph, context = graph, Step(torch.ones(1, 1), None)
        with torch.no_grad():
            self.delay = self._process(context, torch.zeros(1, graph.hop))[0].delay
        self.size = context.next_state().shape[1]

    @abstractmethod
    def _process(self, context: Context, wav: Tensor) -> tuple[Frames, Frames]:
        """Samples [1, T * hop] -> results of both streams [1, T, ...]."""


class EncoderStep(SampleStep):
    """`SampleStep` whose results are tokens."""

    def forward(self, wav: Tensor, valid: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Samples [1, T * hop], valid [1, T], state [1, S] -> tokens of both streams [1, K, T], next state [1, S]."""
        context = Step(valid, state)
        speech, background = self._process(context, wav)
        return speech.x.transpose(1, 2), background.x.transpose(1, 2), context.next_state()

    def _process(self, context: Context, wav: Tensor) -> tuple[Frames, Frames]:
        return self.graph.encode(context, wav)


class DecoderStep(nn.Module):
    """The next tokens, and the state -> samples of frames that are `delay` frames older, and the next state.

    Arguments and attributes as for `SampleStep`.
    """

    def __init__(self, graph: DecoderGraph):
        super().__init__()
        self.graph, context = graph, Step(torch.ones(1, 1), None)
        speech, background = (
            torch.zeros(1, stream.levels, 1, dtype=torch.long) for stream in (graph.speech, graph.background)
        )
        with torch.no_grad():
            self.delay = graph.decode(context, speech, background, torch.ones(2)).delay
        self.size = context.next_state().shape[1]

    def forward(
        self, speech: Tensor, background: Tensor, gains: Tensor, valid: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Tokens [1, K, T], gains [2], valid [1, T], state [1, S] -> samples [1, T * hop], next state [1, S]."""
        context = Step(valid, state)
        wav = self.graph.decode(context, speech, background, gains)
        return wav.x.flatten(1), context.next_state()


class StemsStep(SampleStep):
    """`SampleStep` whose results are the stems without quantization, of a codec with MDCT coefficients."""

    def forward(self, wav: Tensor, valid: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Samples [1, T * hop], valid [1, T], state [1, S] -> speech and background [1, T * hop], next state [1, S]."""
        context = Step(valid, state)
        speech, background = self._process(context, wav)
        return speech.x.flatten(1), background.x.flatten(1), context.next_state()

    def _process(self, context: Context, wav: Tensor) -> tuple[Frames, Frames]:
        """Samples [1, T * hop] -> speech and background [1, T, hop], whose sum is the mixture."""
        graph = self.graph.backbone
        assert isinstance(graph, MDCTGraph)
        backbone, mixture = graph.backbone, Frames(wav.unflatten(1, (-1, graph.hop)))
        spectra = graph.encode_stems(context, mixture)[1]
        frames = spectra.map(lambda x: backbone._istft(torch.complex(*x.unbind(2))))
        speech = overlap_add(context, frames, backbone.window, graph.hop)
        mixture, speech = context.align(mixture, speech)
        return speech, Frames(mixture.x - speech.x, speech.delay)
