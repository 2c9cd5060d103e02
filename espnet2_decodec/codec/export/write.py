"""Writing of the graphs of a codec to a folder: ONNX files, or programs of `torch.export`."""

import json
import warnings
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from espnet2_decodec.atomic import atomic_group, atomic_write
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.export.graphs import DecoderGraph, EncoderGraph
from espnet2_decodec.codec.export.steps import DecoderStep, EncoderStep
from espnet2_decodec.extras import require

FORMATS = ("onnx", "pt2")
"""Formats, and suffixes of their files."""

CONFIG, KIND = "export.json", "espnet2_decodec.export"
OPSET = 17
EXAMPLE_FRAMES = 8
"""Frames of the example with which the graphs are traced; they take any number."""


Axes = dict[str, dict[int, str]]
"""Names of the inputs or outputs of a graph, and names of their axes whose size is not fixed."""


class Export(NamedTuple):
    """A graph with what its exporters need.

    Attributes:
        graph: to export.
        example: its inputs.
        inputs, outputs: their names.
    """

    graph: nn.Module
    example: tuple[Tensor, ...]
    inputs: Axes
    outputs: Axes


def export_codec(
    codec: DeCodec,
    folder: str | Path,
    form: str = "onnx",
    speech_levels: int | None = None,
    background_levels: int | None = None,
    streaming: bool = False,
) -> list[Path]:
    """Write encoder and decoder, which appear together when they are complete, and return their files.

    The encoder maps samples `wav` [1, T * hop] to int64 tokens `speech` [1, K_s, T] and `background` [1, K_b, T], the
    decoder tokens and `gains` [2] of both streams to samples `wav` [1, T * hop]. The graphs for streaming have more
    inputs and outputs, see `EncoderStep` and `DecoderStep`. export.json has the sizes.

    Args:
        codec: with one of the backbones of `graphs.BACKBONES`.
        folder: created if missing.
        form: one of `FORMATS`.
        speech_levels: number of leading levels; None for all.
        background_levels: the same for the background.
        streaming: write the graphs for the next frames of a recording, too.

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
    config = _config(codec, encoder, form)
    folder, written = Path(folder), []
    write = _write_onnx if form == "onnx" else _write_program
    with torch.no_grad(), atomic_group():
        exports = _whole(encoder, decoder)
        if streaming:
            steps = _steps(encoder, decoder, exports)
            config["streaming"] = {
                name: {"state": step.graph.size, "delay": step.graph.delay} for name, step in steps.items()
            }
            exports |= steps
        for name, export in exports.items():
            written.append(folder / f"{name}.{form}")
            with atomic_write(written[-1]) as path:
                write(path, export, codec.hop)
        with atomic_write(folder / CONFIG) as path:
            path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return written


def file_names(form: str, streaming: bool) -> list[str]:
    """Names of the files that `export_codec` writes; arguments as there."""
    names = ["encoder", "decoder", *(["encoder_step", "decoder_step"] if streaming else [])]
    return [*(f"{name}.{form}" for name in names), CONFIG]


def _whole(encoder: EncoderGraph, decoder: DecoderGraph) -> dict[str, Export]:
    """Graphs of whole recordings by name."""
    wav = 0.1 * torch.randn(1, EXAMPLE_FRAMES * encoder.hop, generator=torch.Generator().manual_seed(0))
    tokens: Axes = {"speech": {2: "frames"}, "background": {2: "frames"}}
    samples: Axes = {"wav": {1: "samples"}}
    return {
        "encoder": Export(encoder, (wav,), samples, tokens),
        "decoder": Export(decoder, (*encoder(wav), torch.ones(2)), tokens | {"gains": {}}, samples),
    }


def _steps(encoder: EncoderGraph, decoder: DecoderGraph, whole: dict[str, Export]) -> dict[str, Export]:
    """Graphs of the next frames by name, with the examples of those of whole recordings."""
    axes: Axes = {"valid": {1: "frames"}, "state": {}}
    exports = {}
    for name, step in (("encoder", EncoderStep(encoder)), ("decoder", DecoderStep(decoder))):
        _, example, inputs, outputs = whole[name]
        example = *example, torch.ones(1, EXAMPLE_FRAMES), torch.zeros(1, step.size)
        exports[f"{name}_step"] = Export(step.eval(), example, inputs | axes, outputs | {"next_state": {}})
    return exports


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


def _write_onnx(path: Path, export: Export, hop: int) -> None:
    """Write a graph as ONNX by tracing, which every supported version of PyTorch has."""
    options: dict[str, Any] = {"dynamo": False} if "dynamo" in signature(torch.onnx.export).parameters else {}
    # Without annotations: PyTorch 2.4 takes those of the first argument for a class.
    for name, function in (("expm1", _expm1), ("exp2", _exp2)):
        torch.onnx.register_custom_op_symbolic(f"aten::{name}", function, OPSET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            export.graph,
            export.example,
            str(path),
            input_names=list(export.inputs),
            output_names=list(export.outputs),
            dynamic_axes={name: axes for name, axes in (export.inputs | export.outputs).items() if axes},
            opset_version=OPSET,
            **options,
        )


def _expm1(g, x):
    """exp(x) - 1, for which ONNX has no operation."""
    return g.op("Sub", g.op("Exp", x), g.op("Constant", value_t=torch.tensor(1.0)))


def _exp2(g, x):
    """2 ** x, for which ONNX has no operation of its own."""
    return g.op("Pow", g.op("Constant", value_t=torch.tensor(2.0)), x)


def _write_program(path: Path, export: Export, hop: int) -> None:
    """Write a graph as a program of `torch.export`."""
    frames = torch.export.Dim("frames", min=3, max=2**20)
    sizes = {"frames": frames, "samples": hop * frames}
    shapes = tuple({axis: sizes[name] for axis, name in axes.items()} for axes in export.inputs.values())
    program = torch.export.export(export.graph, export.example, dynamic_shapes=shapes)
    with open(path, "wb") as file:
        torch.export.save(program, file)
