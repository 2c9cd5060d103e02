"""Encoder and decoder as graphs of real-valued operations, for ONNX and `torch.export`, and a class that runs them.

Graphs have any number of frames. They hold the fixed transforms as matrices, since neither complex numbers nor lists of
pulses can be exported.
"""

from espnet2_decodec.codec.export.graphs import DecoderGraph, EncoderGraph
from espnet2_decodec.codec.export.runtime import OnnxCodec
from espnet2_decodec.codec.export.write import FORMATS, export_codec

__all__ = ["FORMATS", "DecoderGraph", "EncoderGraph", "OnnxCodec", "export_codec"]
