"""decodec stream: raw samples in, speech, background or tokens out as soon as they are known."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from espnet2_decodec.arguments import positive_float
from espnet2_decodec.cli import parser as options

if TYPE_CHECKING:
    from torch import Tensor

    from espnet2_decodec.cli.model import Levels
    from espnet2_decodec.codec.decodec import DeCodec
    from espnet2_decodec.io.microphone import Microphone
    from espnet2_decodec.types import Codes, Stems

SUMMARY = "Code raw samples as they come: 16-bit mono PCM in, the same or tokens out"

EXAMPLES = """\
examples:
  decodec stream noisy.raw -o speech.raw --only speech
  decodec stream noisy.raw -o tokens.txt --tokens

from a microphone to the loudspeaker, without its background:
  arecord -t raw -f S16_LE -r 16000 | decodec stream --only speech --no-quantize | aplay -t raw -f S16_LE -r 16000

from a file in the voice of another one, about 9 s late:
  decodec stream noisy.raw -o converted.raw --voice voice.wav

--microphone takes the place of arecord. Samples are signed, 16-bit, little-endian, mono, at the sample rate of the
model. A line of tokens is a frame: speech levels, a tab, background levels. The delay is the latency that
`decodec info` shows; with --voice it is larger, and stated at the start.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("input", nargs="?", default="-", metavar="IN", help="raw samples (default: the standard input)")
    parser.add_argument(
        "--microphone",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="record in place of IN, until Ctrl-C: from the default device, or the one with this number or name",
    )
    parser.add_argument(
        "-o", "--output", default="-", metavar="OUT", help="raw samples, or lines of tokens (default: standard output)"
    )
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    parser.add_argument("-q", "--quiet", action="store_true", help="print only errors and warnings")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--only", choices=("speech", "background"), help="this stream without the other")
    kind.add_argument("--tokens", action="store_true", help="write tokens instead of samples")
    kind.add_argument("--voice", metavar="FILE", help="convert the speech to the voice of this recording")
    parser.add_argument("--no-quantize", action="store_true", help="with --only: skip the quantizers, for better sound")
    parser.add_argument("--voice-model", metavar="FOLDER", help="model for --voice (default: voice-16k)")
    parser.add_argument("--keep-pitch", action="store_true", help="with --voice: keep the median f0 of the input")
    parser.add_argument(
        "--statistics", type=positive_float, metavar="SECONDS",
        help="with --voice: duration of the input on which its median f0, level and voice are measured (default: 3)",
    )  # fmt: skip
    options.add_model(parser, default_help="decodec-16k-causal, or with --voice the codec of the voice model")
    options.add_levels(parser, "use")


def run(args: Namespace) -> int:
    """Code the samples frame by frame, and return the exit code."""
    from espnet2_decodec.cli.console import note
    from espnet2_decodec.cli.jobs import check_output
    from espnet2_decodec.cli.live_conversion import LiveConversion, check_options, load_voice_model
    from espnet2_decodec.cli.model import check_only, load_model, selected_levels
    from espnet2_decodec.codec.streaming import latency

    if args.no_quantize and args.only is None:
        raise ValueError("--no-quantize needs --only speech or --only background.")
    if args.microphone is not None and args.input != "-":
        raise ValueError(f"Give either --microphone or {args.input}.")
    check_options(args)
    check_only(args)
    _check_raw_output(args.output)
    check_output(Path(args.output), force=args.force)
    voice_model = load_voice_model(args)
    codec = load_model(args)
    conversion = None if voice_model is None else LiveConversion(codec, voice_model, args)
    levels = selected_levels(args, codec)
    causality = "causal" if codec.latency is not None else "not causal"
    samples = latency(codec) if conversion is None else conversion.latency
    note(f"{codec.sample_rate} Hz, latency {1000 * samples / codec.sample_rate:.0f} ms, {causality}.")
    with _open_input(args, codec.sample_rate) as source, _open_output(Path(args.output)) as target:
        blocks = _blocks(source, codec.hop)
        coded: Iterable[bytes]
        if conversion is not None:
            coded = map(_pcm, conversion(blocks))
        elif args.no_quantize:
            coded = _separated(codec, blocks, args.only)
        elif args.tokens:
            coded = map(_token_lines, _encoded(codec, blocks, levels))
        else:
            coded = _decoded(codec, _encoded(codec, blocks, levels), levels, args.only)
        for content in coded:
            target.write(content)
            target.flush()
    return 0


def _encoded(codec: "DeCodec", blocks: Iterable["Tensor"], levels: "Levels") -> Iterator["Codes"]:
    """Yield the tokens of samples [l] of one recording as soon as they are known."""
    from espnet2_decodec.codec.export import LiveEncoder
    from espnet2_decodec.codec.streaming import StreamingEncoder

    encoder = (LiveEncoder if _is_live(codec, levels) else StreamingEncoder)(codec, **levels)
    for samples in blocks:
        if (codes := encoder.push(samples)) is not None:
            yield codes
    if (codes := encoder.flush()) is not None:
        yield codes


def _decoded(codec: "DeCodec", tokens: Iterable["Codes"], levels: "Levels", only: str | None) -> Iterator[bytes]:
    """Yield the decoded samples of both streams, or of one."""
    from espnet2_decodec.codec.export import LiveDecoder
    from espnet2_decodec.codec.streaming import StreamingDecoder

    streams = {"speech": only != "background", "background": only != "speech"}
    live = _is_live(codec, levels)
    decoder = LiveDecoder(codec, **levels, **streams) if live else StreamingDecoder(codec, **streams)
    for codes in tokens:
        yield _pcm(decoder.push(codes))
    yield _pcm(decoder.flush())


def _separated(codec: "DeCodec", blocks: Iterable["Tensor"], only: str) -> Iterator[bytes]:
    """Yield the samples of one stem without quantization."""
    from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
    from espnet2_decodec.codec.export import is_supported
    from espnet2_decodec.codec.streaming import separate_blocks

    if is_supported(codec) and isinstance(codec.backbone, MDCTBackbone):
        stems = _live_stems(codec, blocks)
    else:
        stems = separate_blocks(codec, blocks, quantize=False, frames=1)
    for part in stems:
        yield _pcm((part.speech if only == "speech" else part.background)[0])


def _live_stems(codec: "DeCodec", blocks: Iterable["Tensor"]) -> Iterator["Stems"]:
    """Yield the stems of samples [l] of one recording as soon as they are known."""
    from espnet2_decodec.codec.export import LiveSeparator

    separator = LiveSeparator(codec)
    for samples in blocks:
        if (stems := separator.push(samples)) is not None:
            yield stems
    if (stems := separator.flush()) is not None:
        yield stems


def _is_live(codec: "DeCodec", levels: "Levels") -> bool:
    """Whether each frame is computed once, from a state."""
    from espnet2_decodec.codec.export import is_supported

    return is_supported(codec) and 0 not in levels.values()


AUDIO_MAGIC = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b"caff", b"ID3", b".snd", b"\x1aE\xdf\xa3")
"""First bytes of audio files with a header: WAV, FLAC, Ogg, AIFF, CAF, MP3, AU, Matroska."""


def _check_raw_output(output: str) -> None:
    """Check that an output is not named as a file with a header.

    Raises:
        UnknownSuffixError: if it is.
    """
    from espnet2_decodec.io.audio import OUTPUT_FORMATS
    from espnet2_decodec.io.errors import UnknownSuffixError

    suffix = Path(output).suffix.lower()
    if suffix in OUTPUT_FORMATS or suffix in (".dcd", ".npy"):
        raise UnknownSuffixError(
            f"{output} would have no header, so no {suffix} file: name it .raw or, with --tokens, .txt."
        )


def _blocks(source: "BinaryIO | Microphone", hop: int) -> Iterator["Tensor"]:
    """Yield frames of samples [hop] as they come, the last one shorter.

    Raises:
        ValueError: if there is no sample, the input ends within one, or it is a file with a header.
    """
    import numpy as np
    import torch

    from espnet2_decodec.io.microphone import SAMPLE_BYTES
    from espnet2_decodec.io.pcm16 import from_pcm16

    count = 0
    while content := source.read(SAMPLE_BYTES * hop):
        if not count and content.startswith(AUDIO_MAGIC):
            raise ValueError(
                "The input is an audio file with a header, not raw samples: use decodec separate, encode or convert."
            )
        count += len(content)
        if len(content) % SAMPLE_BYTES:
            raise ValueError(f"The input ends within a sample, after {count} bytes: a sample of 16-bit PCM has two.")
        yield torch.from_numpy(from_pcm16(np.frombuffer(content, "<i2")))
    if not count:
        raise ValueError("The input has no samples.")


def _pcm(wav: "Tensor") -> bytes:
    """Samples [l] as 16-bit PCM; those beyond full scale are clipped."""
    from espnet2_decodec.io.pcm16 import to_pcm16

    return to_pcm16(wav.cpu().numpy()).astype("<i2").tobytes()


def _token_lines(codes: "Codes") -> bytes:
    """A line for each frame of batch 1."""
    frames = zip(codes.speech[0].T.tolist(), codes.background[0].T.tolist())
    return "".join(f"{' '.join(map(str, s))}\t{' '.join(map(str, b))}\n" for s, b in frames).encode()


@contextmanager
def _open_input(args: Namespace, sample_rate: int) -> Iterator["BinaryIO | Microphone"]:
    """Context manager of the standard input, a file, or a microphone."""
    from espnet2_decodec.io.microphone import Microphone

    path = args.input
    if args.microphone is not None:
        with Microphone(sample_rate, args.microphone) as microphone:
            yield microphone
    elif path == "-":
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
