"""decodec info: properties of a model or of a token file."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from espnet2_decodec.codec.decodec import DeCodec

SUMMARY = "Show a model (bit rates, latency, size) or a .dcd file (header, bit rates)"

EXAMPLES = """\
examples:
  decodec info
  decodec info noisy.dcd
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "path",
        nargs="?",
        metavar="FILE|MODEL",
        help=".dcd file, model folder, or name of a model in the package (default: decodec-16k)",
    )


def run(args: Namespace) -> int:
    """Print the properties and return the exit code."""
    from espnet2_decodec.cli.console import printable
    from espnet2_decodec.codec.serialization import packaged_model

    is_model = args.path is None or Path(args.path).is_dir()
    is_model = is_model or (not Path(args.path).exists() and packaged_model(args.path) is not None)
    print(printable("\n".join(_model_lines(args.path) if is_model else _file_lines(args.path))))
    return 0


def _file_lines(path: str) -> list[str]:
    """Return lines about a .dcd file."""
    from espnet2_decodec.io.dcd_format import read_info

    info = read_info(path)
    header = info.header
    lines = [
        f"file          {path}, {info.size} bytes",
        f"duration      {header.seconds:.3f} s, {header.length} samples at {header.sample_rate} Hz",
        f"frames        {header.frames}, hop {header.hop} samples, {header.bits} bits per token",
        f"model         {header.codec_id.hex()}",
        f"bit rate      {info.kbps():.3f} kbit/s, including header and checksum",
    ]
    for name in ("speech", "background"):
        present = getattr(info, name)
        lines.append(
            f"{name:13} {getattr(header, f'{name}_levels')} levels, {info.stream_kbps(name):.3f} kbit/s, "
            f"present in {sum(present)} of {len(present)} blocks"
        )
    return lines


def _model_lines(path: str | None) -> list[str]:
    """Return lines about a model."""
    from espnet2_decodec.codec.decodec import DeCodec
    from espnet2_decodec.codec.serialization import DEFAULT_MODEL
    from espnet2_decodec.io.identity import codec_id

    codec = DeCodec.from_pretrained(path)
    content = codec.content_encoder
    content_parameters = 0 if content is None else sum(p.numel() for p in content.parameters())
    parameters = sum(p.numel() for p in codec.parameters()) - content_parameters
    codebooks = sum(
        book.numel() for q in (codec.speech_quantizer, codec.background_quantizer) for book in q.level_codebooks()
    )
    lines = [
        f"model         {DEFAULT_MODEL if path is None else path}",
        f"id            {codec_id(codec).hex()}",
        f"parameters    {parameters / 1e6:.2f} million, and {codebooks / 1e6:.2f} million in codebooks",
        f"audio         {codec.sample_rate} Hz, mono",
        f"frames        {codec.frame_rate:g} per second, hop {codec.hop} samples",
        f"codebooks     {codec.codebook_size} codes each",
        *_latency_lines(codec),
        "levels        speech kbit/s  background kbit/s",
    ]
    for k in range(1, max(codec.speech_levels, codec.background_levels) + 1):
        rates = [f"{codec.kbps(k):.4g}" if k <= m else "-" for m in (codec.speech_levels, codec.background_levels)]
        lines.append(f"{k:<13} {rates[0]:13}  {rates[1]}")
    if content is None and codec.content_dim:
        lines.append(f"content       {codec.content_dim} features per frame, coded by the first speech level")
    if content is not None:
        lines.append(
            f"content       {content.dim} features per frame from a separate encoder with "
            f"{content_parameters / 1e6:.2f} million parameters"
        )
    if content is not None and content.quantizer is not None:
        codes = content.quantizer.codebook_size
        lines.append(
            f"              tokens: {codec.kbps(content.levels, codes):.4g} kbit/s in total, {codes} codes per level"
        )
    return lines


def _latency_lines(codec: "DeCodec") -> list[str]:
    """Return lines about latency and receptive field."""
    from espnet2_decodec.codec.streaming import latency

    if codec.receptive_field is None:
        return ["latency       the whole file: the model is recurrent and needs all of it in memory"]
    samples = latency(codec)
    causality = "causal" if codec.latency is not None else "not causal"
    sides = [f"{name} {left} + {right}" for name, (left, right) in zip(("encoder", "decoder"), codec.receptive_field)]
    return [
        f"latency       {1000 * samples / codec.sample_rate:.0f} ms ({samples} samples), {causality}",
        f"context       {', '.join(sides)} frames before + after",
    ]
