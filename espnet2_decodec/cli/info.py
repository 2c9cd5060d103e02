"""decodec info: properties of a model or of a token file."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from espnet2_decodec.cli import parser as options

SUMMARY = "Show a model (bit rates, latency, size) or a .dcd file (header, bit rates)"

EXAMPLES = """\
examples:
  decodec info
  decodec info noisy.dcd
  decodec info noisy.dcd --json
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "path",
        nargs="?",
        metavar="FILE|MODEL",
        help=".dcd file, model folder, name of a model in the package, or OWNER/NAME[@REVISION] on the Hugging Face "
        f"Hub (default: {options.DEFAULT})",
    )
    options.add_json(parser)


def run(args: Namespace) -> int:
    """Print the properties and return the exit code."""
    import json

    from espnet2_decodec.cli.console import printable
    from espnet2_decodec.cli.properties import file_properties, model_properties
    from espnet2_decodec.cli.synthesis_models import synthesis_model_lines, synthesis_model_properties

    is_model = args.path is None or Path(args.path).is_dir() or _is_name(args.path)
    found = synthesis_model_properties(args.path) if is_model else None
    if found is not None:
        lines = synthesis_model_lines(found)
    elif is_model:
        found = model_properties(args.path)
        lines = _model_lines(found)
    else:
        found = file_properties(args.path)
        lines = _file_lines(found)
    print(printable(json.dumps(found, indent=2, ensure_ascii=False) if args.json else "\n".join(lines)))
    return 0


def _is_name(path: str) -> bool:
    """Return whether a path that does not exist is the name of a model in the package or on the Hub, or an address."""
    from espnet2_decodec.codec.serialization import packaged_model
    from espnet2_decodec.hub import parse_name

    if Path(path).exists() or Path(path).suffix.lower() == ".dcd":
        return False
    return packaged_model(path) is not None or parse_name(path) is not None or "://" in path


def _file_lines(file: dict[str, Any]) -> list[str]:
    """Return lines about a .dcd file."""
    lines = [
        f"file          {file['file']}, {file['bytes']} bytes",
        f"duration      {file['seconds']:.3f} s, {file['samples']} samples at {file['sample_rate']} Hz",
        f"frames        {file['frames']}, hop {file['hop']} samples, {file['bits_per_token']} bits per token",
        f"model         {file['model_id']}",
        f"bit rate      {file['kbps']:.3f} kbit/s, including header and checksum",
    ]
    for name in ("speech", "background"):
        stream = file[name]
        lines.append(
            f"{name:13} {stream['levels']} levels, {stream['kbps']:.3f} kbit/s, "
            f"present in {stream['present_blocks']} of {stream['blocks']} blocks"
        )
    return lines


def _model_lines(model: dict[str, Any]) -> list[str]:
    """Return lines about a model."""
    lines = [
        f"model         {model['model']}",
        f"id            {model['model_id']}",
        f"parameters    {model['parameters'] / 1e6:.2f} million, "
        f"and {model['codebook_values'] / 1e6:.2f} million in codebooks",
        f"audio         {model['sample_rate']} Hz, mono",
        f"frames        {model['frame_rate']:g} per second, hop {model['hop']} samples",
        f"codebooks     {model['codebook_size']} codes each",
        *_latency_lines(model),
        "levels        speech kbit/s  background kbit/s",
    ]
    rates = (model["speech_kbps"], model["background_kbps"])
    for k in range(max(map(len, rates))):
        speech, background = (f"{kbps[k]:.4g}" if k < len(kbps) else "-" for kbps in rates)
        lines.append(f"{k + 1:<13} {speech:13}  {background}")
    return lines + _content_lines(model["content"])


def _latency_lines(model: dict[str, Any]) -> list[str]:
    """Return lines about latency and receptive field."""
    if model["context_frames"] is None:
        return ["latency       the whole file: the model is recurrent and needs all of it in memory"]
    causality = "causal" if model["causal"] else "not causal"
    sides = [f"{name} {side['before']} + {side['after']}" for name, side in model["context_frames"].items()]
    return [
        f"latency       {1000 * model['latency_seconds']:.0f} ms ({model['latency_samples']} samples), {causality}",
        f"context       {', '.join(sides)} frames before + after",
    ]


def _content_lines(content: dict[str, Any] | None) -> list[str]:
    """Return lines about the content features."""
    if content is None:
        return []
    if content["encoder"] != "separate":
        return [f"content       {content['dim']} features per frame, coded by the first speech level"]
    lines = [
        f"content       {content['dim']} features per frame from a separate encoder with "
        f"{content['parameters'] / 1e6:.2f} million parameters"
    ]
    if "levels" in content:
        codes = content["codebook_size"]
        lines.append(f"              tokens: {content['kbps']:.4g} kbit/s in total, {codes} codes per level")
    return lines
