"""Encoder and decoder as graphs of real-valued operations, for ONNX and `torch.export`, and classes that run them.

Graphs have any number of frames. They hold the fixed transforms as matrices, since neither complex numbers nor lists of
pulses can be exported.
"""

from espnet2_decodec.codec.export.graphs import DecoderGraph, EncoderGraph
from espnet2_decodec.codec.export.runtime import OnnxCodec
from espnet2_decodec.codec.export.steps import DecoderStep, EncoderStep
from espnet2_decodec.codec.export.streaming import OnnxStreamingDecoder, OnnxStreamingEncoder
from espnet2_decodec.codec.export.write import FORMATS, export_codec

__all__ = [
    "FORMATS",
    "DecoderGraph",
    "DecoderStep",
    "EncoderGraph",
    "EncoderStep",
    "OnnxCodec",
    "OnnxStreamingDecoder",
    "OnnxStreamingEncoder",
    "export_codec",
]
