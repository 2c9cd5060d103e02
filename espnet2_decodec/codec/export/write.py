"""Writing of the graphs of a codec to a folder: ONNX files, or programs of `torch.export`."""

import json
import warnings
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from espnet2_decodec.atomic import atomic_group, atomic_write
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.export.graphs import DecoderGraph, EncoderGraph
from espnet2_decodec.extras import require

FORMATS = ("onnx", "pt2")
"""Formats, and suffixes of their files."""

CONFIG, KIND = "export.json", "espnet2_decodec.export"
OPSET = 17
EXAMPLE_FRAMES = 8
"""Frames of the example with which the graphs are traced; they take any number."""


def export_codec(
    codec: DeCodec,
    folder: str | Path,
    form: str = "onnx",
    speech_levels: int | None = None,
    background_levels: int | None = None,
) -> list[Path]:
    """Write encoder and decoder, which appear together when they are complete, and return their files.

    The encoder maps samples `wav` [1, T * hop] to int64 tokens `speech` [1, K_s, T] and `background` [1, K_b, T], the
    decoder tokens and `gains` [2] of both streams to samples `wav` [1, T * hop]. export.json has the sizes.

    Args:
        codec: with the backbone `mdct` and split quantizers.
        folder: created if missing.
        form: one of `FORMATS`.
        speech_levels: number of leading levels; None for all.
        background_levels: the same for the background.

    Raises:
        ValueError: if the format is unknown, or the codec cannot be exported.
        ImportError: if onnx is needed and not installed.
    """
    if form not in FORMATS:
        raise ValueError(f"{form!r} is no format of exported codecs; there are {' and '.join(FORMATS)}.")
    if form == "onnx":
        require("onnx", "An export to ONNX", "onnx")
    encoder = EncoderGraph(codec, speech_levels, background_levels).eval()
    decoder = DecoderGraph(codec, speech_levels, background_levels).eval()
    wav = 0.1 * torch.randn(1, EXAMPLE_FRAMES * codec.hop, generator=torch.Generator().manual_seed(0))
    write: Any = _write_onnx if form == "onnx" else _write_program
    folder, written = Path(folder), []
    with torch.no_grad(), atomic_group():
        tokens = encoder(wav)
        frames = {"speech": {2: "frames"}, "background": {2: "frames"}}
        for name, graph, example, inputs, outputs in (
            ("encoder", encoder, (wav,), {"wav": {1: "samples"}}, frames),
            ("decoder", decoder, (*tokens, torch.ones(2)), frames | {"gains": {}}, {"wav": {1: "samples"}}),
        ):
            written.append(folder / f"{name}.{form}")
            with atomic_write(written[-1]) as path:
                write(path, graph, example, inputs, outputs)
        with atomic_write(folder / CONFIG) as path:
            path.write_text(json.dumps(_config(codec, encoder, form), indent=2) + "\n", encoding="utf-8")
    return written


def _config(codec: DeCodec, encoder: EncoderGraph, form: str) -> dict[str, Any]:
    """Return the sizes that a program needs which uses the graphs."""
    return {
        "kind": KIND,
        "format": 1,
        "files": form,
        "sample_rate": codec.sample_rate,
        "hop": codec.hop,
        "codebook_size": codec.codebook_size,
        "speech_levels": encoder.speech.levels,
        "background_levels": encoder.background.levels,
    }


def _write_onnx(
    path: Path,
    graph: nn.Module,
    example: tuple[Tensor, ...],
    inputs: dict[str, dict[int, str]],
    outputs: dict[str, dict[int, str]],
) -> None:
    """Write a graph as ONNX by tracing, which every supported version of PyTorch has."""
    options: dict[str, Any] = {"dynamo": False} if "dynamo" in signature(torch.onnx.export).parameters else {}
    for name, function in (("expm1", _expm1), ("exp2", _exp2)):
        torch.onnx.register_custom_op_symbolic(f"aten::{name}", function, OPSET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            example,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: axes for name, axes in (inputs | outputs).items() if axes},
            opset_version=OPSET,
            **options,
        )


def _expm1(g: Any, x: Any) -> Any:
    """exp(x) - 1, for which ONNX has no operation."""
    return g.op("Sub", g.op("Exp", x), g.op("Constant", value_t=torch.tensor(1.0)))


def _exp2(g: Any, x: Any) -> Any:
    """2 ** x, for which ONNX has no operation of its own."""
    return g.op("Pow", g.op("Constant", value_t=torch.tensor(2.0)), x)


def _write_program(
    path: Path,
    graph: EncoderGraph | DecoderGraph,
    example: tuple[Tensor, ...],
    inputs: dict[str, dict[int, str]],
    outputs: dict[str, dict[int, str]],
) -> None:
    """Write a graph as a program of `torch.export`."""
    frames = torch.export.Dim("frames", min=3, max=2**20)
    sizes = {"frames": frames, "samples": graph.backbone.hop * frames}
    shapes = tuple({axis: sizes[name] for axis, name in axes.items()} for axes in inputs.values())
    program = torch.export.export(graph, example, dynamic_shapes=shapes)
    with open(path, "wb") as file:
        torch.export.save(program, file)
