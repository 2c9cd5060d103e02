"""decodec convert: voice conversion of one recording to the voice of another."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from espnet2_decodec.cli import parser as options

if TYPE_CHECKING:
    from torch import Tensor

    from espnet2_decodec.codec.decodec import DeCodec
    from espnet2_decodec.conversion.features import VocoderFeatures
    from espnet2_decodec.types import Codes

SUMMARY = "Convert the speech of one file to the voice of another"

EXAMPLES = """\
examples:
  decodec convert noisy.wav voice.wav -o converted.wav
  decodec convert noisy.wav voice.wav -o over-noise.wav --no-quantize --background keep
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("source", metavar="SOURCE", help="audio or token file that gives content, prosody and duration")
    parser.add_argument(
        "reference", metavar="REFERENCE", help="audio or token file that gives the voice; a few seconds are enough"
    )
    options.add_output(parser, "output audio file")
    options.add_model(parser)
    parser.add_argument(
        "--background",
        default="drop",
        metavar="drop|keep|FILE",
        help="background of the output: none (default), that of the source, or that of an audio or token file",
    )
    parser.add_argument(
        "--method",
        choices=("knn_shift", "knn_codes", "swap_codes"),
        help="shift mel envelope and f0 by kNN regression, take the upper levels of the nearest reference frames, or "
        "take them frame by frame (default: knn_shift, or knn_codes for models without parametric levels)",
    )
    parser.add_argument(
        "--no-quantize",
        action="store_true",
        help="skip the quantizers, with knn_shift only: more similar and more intelligible, without a bit rate; "
        "the features of a token file are decoded from its tokens",
    )
    parser.add_argument("--keep-pitch", action="store_true", help="keep the median f0 of the source")
    options.add_rescale(parser)


def run(args: Namespace) -> int:
    """Convert and return the exit code."""
    from espnet2_decodec.cli.jobs import check_output, plan_jobs
    from espnet2_decodec.cli.model import load_model
    from espnet2_decodec.cli.pipeline import write_audio
    from espnet2_decodec.io.audio import OUTPUT_FORMATS

    (job,) = plan_jobs([args.source], args.output, (), ".wav", tuple(OUTPUT_FORMATS))
    check_output(job.target, force=args.force)
    codec = load_model(args)
    method = args.method or ("knn_shift" if codec.parametric_levels else "knn_codes")
    if args.no_quantize and method != "knn_shift":
        cause = f"--method {method} exchanges tokens" if args.method else "this model has no parametric levels"
        raise ValueError(f"--no-quantize is not possible: {cause}.")
    files = _Files(codec)
    if args.no_quantize:
        blocks, seconds = _convert_features(files, args)
    else:
        blocks, seconds = _convert_tokens(files, args, method)
    write_audio(job.target, blocks, codec, args.rescale, seconds, never_clip=True)
    return 0


def _convert_tokens(files: "_Files", args: Namespace, method: str) -> tuple[Iterator["Tensor"], float]:
    """Return blocks of samples of a conversion between tokens, and its duration in seconds."""
    from espnet2_decodec.cli.pipeline import decode
    from espnet2_decodec.cli.remixing import Remix
    from espnet2_decodec.conversion import convert_codes

    codec = files.codec
    source, reference = files.codes(args.source, args.background == "keep"), files.codes(args.reference)
    features = None
    if method == "knn_shift" and codec.parametric_levels:
        features = files.features(args.source, source), files.features(args.reference, reference)
    converted = convert_codes(codec, source, reference, method, not args.keep_pitch, features).to("cpu")
    seconds = int(converted.lengths[0]) / codec.sample_rate
    if args.background in ("drop", "keep"):
        return decode(codec, [converted], background=args.background == "keep"), seconds
    return Remix(codec, [converted], files.tokens(args.background, background=True)).decode(), seconds


def _convert_features(files: "_Files", args: Namespace) -> tuple[Iterator["Tensor"], float]:
    """Return blocks of samples of a conversion without quantization, and its duration in seconds.

    The audio file of the background is read again while they are synthesized.
    """
    from espnet2_decodec.conversion.features import cycle_blocks, synthesize
    from espnet2_decodec.conversion.shift import shift_voice

    codec = files.codec
    background: Iterable[Tensor] = ()
    path = {"drop": None, "keep": args.source}.get(args.background, args.background)
    if path is not None:
        background = cycle_blocks(files.background(path))
    source, reference = files.features(args.source), files.features(args.reference)
    converted = shift_voice(source, reference, codec.sample_rate, not args.keep_pitch)
    return synthesize(codec, converted, background), converted.num_samples / codec.sample_rate


class _Files:
    """Tokens and features of audio and token files.

    Args:
        codec: model of the tokens.
    """

    def __init__(self, codec: "DeCodec"):
        self.codec = codec

    def tokens(self, path: str, background: bool) -> list["Codes"]:
        """Return the blocks of tokens of a file, with or without the background levels."""
        from espnet2_decodec.cli.model import Levels
        from espnet2_decodec.cli.pipeline import collect_tokens

        levels = Levels(speech_levels=None, background_levels=None if background else 0)
        return collect_tokens(self.codec, Path(path), levels)

    def codes(self, path: str, background: bool = False) -> "Codes":
        """Return all tokens of a file, int64, on the device of the codec."""
        from dataclasses import replace

        from espnet2_decodec.codec.streaming import concatenate

        codes = concatenate(self.tokens(path, background), self.codec).to(next(self.codec.parameters()).device)
        return replace(codes, speech=codes.speech.long(), background=codes.background.long())

    def features(self, path: str, codes: "Codes | None" = None) -> "VocoderFeatures":
        """Return the vocoder features of the speech in a file; those of a token file are decoded from its tokens.

        Args:
            path: audio or token file.
            codes: tokens of the file if they have been read already.
        """
        from espnet2_decodec.cli.pipeline import TOKEN_SUFFIXES, open_audio, read_audio
        from espnet2_decodec.conversion.features import decode_features, extract_features

        if Path(path).suffix.lower() in TOKEN_SUFFIXES:
            return decode_features(self.codec, self.codes(path) if codes is None else codes)
        return extract_features(self.codec, read_audio(open_audio(Path(path), self.codec)))

    def background(self, path: str) -> Callable[[], Iterable["Tensor"]]:
        """Return a function that starts the sequence of background coordinates of a file, blocks [t, D]."""
        from espnet2_decodec.cli.pipeline import TOKEN_SUFFIXES, open_audio
        from espnet2_decodec.conversion.features import encode_background

        if Path(path).suffix.lower() in TOKEN_SUFFIXES:
            blocks, quantizer = self.tokens(path, background=True), self.codec.background_quantizer
            device = next(self.codec.parameters()).device
            return lambda: (quantizer.decode(codes.background.long().to(device))[0].T for codes in blocks)
        reader = open_audio(Path(path), self.codec)
        return lambda: encode_background(self.codec, reader)
