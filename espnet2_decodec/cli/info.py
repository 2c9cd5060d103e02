"""decodec info: what a model can do, or what a token file holds."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

SUMMARY = "Show a model (rates, latency, size) or a .dcd file (header, true rate)"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "path", nargs="?", metavar="FILE|MODEL", help=".dcd file, or folder of a model (default: shipped)"
    )


def run(args: Namespace) -> int:
    """Print it; the exit code."""
    if args.path is None or Path(args.path).is_dir():
        print("\n".join(_model(args.path)))
    else:
        print("\n".join(_file(args.path)))
    return 0


def _file(path: str) -> list[str]:
    """Lines about a .dcd file."""
    from espnet2_decodec.io.dcd_format import read_info

    content = read_info(path)
    header = content.header
    lines = [
        f"file          {path}, {content.size} bytes",
        f"duration      {header.seconds:.3f} s, {header.length} samples at {header.sample_rate} Hz",
        f"frames        {header.frames}, one for {header.hop} samples, {header.bits} bits a token",
        f"model         {header.codec_id.hex()}",
        f"rate          {content.kbps():.3f} kbit/s, all bytes of the file counted",
    ]
    for name in ("speech", "background"):
        present = getattr(content, name)
        lines.append(
            f"{name:13} {getattr(header, f'{name}_levels')} levels, {content.stream_kbps(name):.3f} kbit/s, "
            f"present in {sum(present)} of {len(present)} blocks"
        )
    return lines


def _model(path: str | None) -> list[str]:
    """Lines about a model."""
    from espnet2_decodec.codec.decodec import DeCodec
    from espnet2_decodec.codec.serialization import DEFAULT_MODEL
    from espnet2_decodec.io.identity import codec_id

    codec = DeCodec.from_pretrained(path)
    encoder = codec.content_encoder
    beside = 0 if encoder is None else sum(p.numel() for p in encoder.parameters())
    count = sum(p.numel() for p in codec.parameters()) - beside
    books = sum(q.codebooks.numel() for q in (codec.speech_quantizer, codec.background_quantizer))
    lines = [
        f"model         {DEFAULT_MODEL if path is None else path}",
        f"id            {codec_id(codec).hex()}",
        f"parameters    {count / 1e6:.2f} million, and {books / 1e6:.2f} million in codebooks",
        f"audio         {codec.sample_rate} Hz, mono",
        f"frames        {codec.frame_rate:g} a second, one for {codec.hop} samples",
        f"codebooks     {codec.codebook_size} codes each",
        *_timing(codec),
        "levels        speech kbit/s  background kbit/s",
    ]
    for k in range(1, max(codec.speech_levels, codec.background_levels) + 1):
        rates = [f"{codec.kbps(k):.4g}" if k <= m else "-" for m in (codec.speech_levels, codec.background_levels)]
        lines.append(f"{k:<13} {rates[0]:13}  {rates[1]}")
    if encoder is not None:
        lines.append(
            f"content       {encoder.dim} coordinates a frame, beside the tokens; {beside / 1e6:.2f} million parameters"
        )
    if encoder is not None and encoder.levels:
        codes = encoder.quantizer.codebook_size
        rate = codec.kbps(encoder.levels, codes)
        lines.append(f"              tokens of its own: {rate:.4g} kbit/s in all, {codes} codes a level")
    return lines


def _timing(codec) -> list[str]:
    """Latency and receptive field."""
    from espnet2_decodec.codec.streaming import latency

    if codec.receptive_field is None:
        return ["latency       the whole file: recurrent, so it is held in memory in one piece"]
    samples = latency(codec)
    kind = "causal" if codec.latency is not None else "not causal"
    sides = [f"{name} {left} + {right}" for name, (left, right) in zip(("encoder", "decoder"), codec.receptive_field)]
    return [
        f"latency       {1000 * samples / codec.sample_rate:.0f} ms ({samples} samples), {kind}",
        f"reach         {', '.join(sides)} frames before + after",
    ]
