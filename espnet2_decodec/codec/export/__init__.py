"""Encoder and decoder as graphs of real-valued operations, for ONNX and `torch.export`, and classes that run them.

`live` runs the same graphs in PyTorch, frame by frame.

Graphs have any number of frames. They hold the fixed transforms as matrices, since neither complex numbers nor lists of
pulses can be exported.
"""

from espnet2_decodec.codec.export.graphs import DecoderGraph, EncoderGraph
from espnet2_decodec.codec.export.live import LiveDecoder, LiveEncoder, LiveSeparator, is_supported
from espnet2_decodec.codec.export.runtime import OnnxCodec
from espnet2_decodec.codec.export.steps import DecoderStep, EncoderStep, StemsStep
from espnet2_decodec.codec.export.streaming import OnnxStreamingDecoder, OnnxStreamingEncoder
from espnet2_decodec.codec.export.write import FORMATS, export_codec

__all__ = [
    "FORMATS",
    "DecoderGraph",
    "DecoderStep",
    "EncoderGraph",
    "EncoderStep",
    "LiveDecoder",
    "LiveEncoder",
    "LiveSeparator",
    "OnnxCodec",
    "OnnxStreamingDecoder",
    "OnnxStreamingEncoder",
    "StemsStep",
    "export_codec",
    "is_supported",
]
