"""A codec step by step in PyTorch: each frame is computed once, from a state.

`StreamingEncoder` computes the context of each block again, which takes several times as long for single frames.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.export.backbones import MDCTGraph
from espnet2_decodec.codec.export.graphs import BACKBONES, DecoderGraph, EncoderGraph
from espnet2_decodec.codec.export.steps import DecoderStep, EncoderStep, StemsStep
from espnet2_decodec.codec.export.streaming import SampleStream, StepDecoder, StepEncoder, StepFunction
from espnet2_decodec.codec.subspace import OrthogonalSplit
from espnet2_decodec.types import Stems


def is_supported(codec: DeCodec) -> bool:
    """Whether the classes of this module take a codec; `LiveSeparator` also needs MDCT coefficients."""
    return type(codec.backbone) in BACKBONES and isinstance(codec.subspace, OrthogonalSplit)


class LiveEncoder(StepEncoder):
    """Samples in, tokens out as soon as they are known, on the CPU.

    Args:
        codec: with one of the backbones that can be exported.
        speech_levels: K_s, at least 1; None for all.
        background_levels: K_b, at least 1; None for all.

    Raises:
        ValueError: if the codec is of another kind, or does not have that many levels.
    """

    def __init__(self, codec: DeCodec, speech_levels: int | None = None, background_levels: int | None = None):
        graph = EncoderGraph(codec, speech_levels, background_levels)
        super().__init__(_function(codec, EncoderStep(graph), graph))


class LiveDecoder(StepDecoder):
    """Tokens in, samples out as soon as they are known, on the CPU.

    Args:
        codec, speech_levels, background_levels: as for `LiveEncoder`.
        speech, background: whether to decode the stream.

    Raises:
        ValueError: as for `LiveEncoder`.
    """

    def __init__(
        self,
        codec: DeCodec,
        speech_levels: int | None = None,
        background_levels: int | None = None,
        speech: bool = True,
        background: bool = True,
    ):
        graph = DecoderGraph(codec, speech_levels, background_levels)
        super().__init__(_function(codec, DecoderStep(graph), graph), speech, background)


class LiveSeparator(SampleStream):
    """Samples in, stems without quantization out as soon as they are known, on the CPU.

    Args:
        codec: with the backbone mdct or semantic_mdct.

    Raises:
        ValueError: if the codec is of another kind.
    """

    def __init__(self, codec: DeCodec):
        graph = EncoderGraph(codec)
        if not isinstance(graph.backbone, MDCTGraph):
            raise ValueError("Stems can be separated step by step with the backbones mdct and semantic_mdct only.")
        super().__init__(_function(codec, StemsStep(graph), graph))

    def push(self, wav: Tensor) -> Stems | None:
        """The next samples [l], l >= 0 -> the stems [1, l'] that are complete, or None.

        Raises:
            ValueError: if the shape is wrong or a sample is not finite.
            TypeError: if the samples are not floats.
        """
        stems = self._push(wav)
        return Stems(*stems) if stems else None

    def flush(self) -> Stems | None:
        """The remaining samples of the stems, or None. The next push starts another recording."""
        stems, missing = self._flush()
        return Stems(*(stem[:, : stem.shape[1] - missing] for stem in stems)) if stems else None


def _function(
    codec: DeCodec, step: EncoderStep | DecoderStep | StemsStep, graph: EncoderGraph | DecoderGraph
) -> StepFunction:
    """A graph in PyTorch."""
    module: nn.Module = step.eval()

    @torch.inference_mode()
    def run(inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        outputs: tuple[Tensor, ...] = module(**inputs)
        return outputs

    levels = graph.speech.levels, graph.background.levels
    return StepFunction(run, step.size, step.delay, codec.sample_rate, codec.hop, levels, codec.codebook_size)
