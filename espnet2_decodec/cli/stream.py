"""decodec stream: raw samples in, speech, background or tokens out as soon as they are known."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from espnet2_decodec.cli import parser as options

if TYPE_CHECKING:
    from torch import Tensor

    from espnet2_decodec.types import Codes

SUMMARY = "Code raw samples as they come: 16-bit mono PCM in, the same or tokens out"

EXAMPLES = """\
examples:
  decodec stream noisy.raw -o speech.raw --only speech
  decodec stream noisy.raw -o tokens.txt --tokens

from a microphone to the loudspeaker, without its background, with a causal model:
  arecord -t raw -f S16_LE -r 16000 | decodec stream --model CAUSAL --only speech | aplay -t raw -f S16_LE -r 16000

samples are signed, 16-bit, little-endian, mono, at the sample rate of the model. A line of tokens is a frame: speech
levels, a tab, background levels. The delay is the latency that `decodec info` shows.
"""

SAMPLE_BYTES = 2


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("input", nargs="?", default="-", metavar="IN", help="raw samples (default: the standard input)")
    parser.add_argument(
        "-o", "--output", default="-", metavar="OUT", help="raw samples, or lines of tokens (default: standard output)"
    )
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    parser.add_argument("-q", "--quiet", action="store_true", help="print only errors and warnings")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--only", choices=("speech", "background"), help="decode this stream without the other")
    kind.add_argument("--tokens", action="store_true", help="write tokens instead of samples")
    options.add_model(parser)
    options.add_levels(parser, "use")


def run(args: Namespace) -> int:
    """Code the samples block by block, and return the exit code."""
    from espnet2_decodec.cli.console import note
    from espnet2_decodec.cli.jobs import check_output
    from espnet2_decodec.cli.model import load_model, selected_levels
    from espnet2_decodec.codec.streaming import StreamingDecoder, StreamingEncoder, latency

    check_output(Path(args.output), force=args.force)
    codec = load_model(args)
    encoder = StreamingEncoder(codec, **selected_levels(args, codec))
    decoder = StreamingDecoder(codec, args.only != "background", args.only != "speech")
    causality = "causal" if codec.latency is not None else "not causal"
    note(f"{codec.sample_rate} Hz, latency {1000 * latency(codec) / codec.sample_rate:.0f} ms, {causality}.")
    with _open_input(args.input) as source, _open_output(Path(args.output)) as target:

        def write(codes: "Codes | None") -> None:
            if codes is not None:
                target.write(_token_lines(codes) if args.tokens else _pcm(decoder.push(codes)))
                target.flush()

        for samples in _blocks(source, codec.hop):
            write(encoder.push(samples))
        write(encoder.flush())
        if not args.tokens:
            target.write(_pcm(decoder.flush()))
            target.flush()
    return 0


def _blocks(source: BinaryIO, hop: int) -> Iterator["Tensor"]:
    """Yield frames of samples [hop] as they come, the last one shorter.

    Raises:
        ValueError: if there is no sample, or the input ends within one.
    """
    import numpy as np
    import torch

    count = 0
    while content := source.read(SAMPLE_BYTES * hop):
        count += len(content)
        if len(content) % SAMPLE_BYTES:
            raise ValueError(f"The input ends within a sample, after {count} bytes: a sample of 16-bit PCM has two.")
        yield torch.from_numpy(np.frombuffer(content, "<i2").astype(np.float32) / 32768)
    if not count:
        raise ValueError("The input has no samples.")


def _pcm(wav: "Tensor") -> bytes:
    """Samples [l] as 16-bit PCM; those beyond full scale are clipped."""
    return (wav.cpu() * 32768).round().clamp(-32768, 32767).numpy().astype("<i2").tobytes()


def _token_lines(codes: "Codes") -> bytes:
    """A line for each frame of batch 1."""
    frames = zip(codes.speech[0].T.tolist(), codes.background[0].T.tolist())
    return "".join(f"{' '.join(map(str, s))}\t{' '.join(map(str, b))}\n" for s, b in frames).encode()


@contextmanager
def _open_input(path: str) -> Iterator[BinaryIO]:
    """Context manager of the standard input, or of a file."""
    if path == "-":
        if sys.stdin.isatty():
            raise ValueError("The standard input is a terminal; connect it to a file or a pipe.")
        yield sys.stdin.buffer
    else:
        with open(path, "rb") as file:
            yield file


@contextmanager
def _open_output(path: Path) -> Iterator[BinaryIO]:
    """Context manager of a pipe that is written as samples come, or of a file that appears when it is complete."""
    from espnet2_decodec.atomic import atomic_write, is_stream

    if str(path) == "-":
        yield sys.stdout.buffer
    elif is_stream(path):
        with open(path, "wb") as file:
            yield file
    else:
        with atomic_write(path) as temporary, open(temporary, "wb") as file:
            yield file
