"""decodec convert: what one recording says, in the voice of another."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.cli import options

SUMMARY = "Say what one file says in the voice of another"
TOKENS = (".dcd", ".npy")
"""Suffixes of files of tokens."""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("source", metavar="SOURCE", help="audio or .dcd file: what is said, how, and how long")
    parser.add_argument("reference", metavar="REFERENCE", help="audio or .dcd file: the voice; some seconds are enough")
    options.add_output(parser, "audio file")
    options.add_model(parser)
    parser.add_argument(
        "--background",
        default="drop",
        metavar="B",
        help="drop, keep (the source's), or an audio or .dcd file (default: drop)",
    )
    parser.add_argument(
        "--method",
        choices=("knn_shift", "knn_codes", "swap_codes"),
        help="shift mel envelope and f0 by kNN regression, take the upper levels of the nearest frames, or of frames in a "
        "row (default: knn_shift, or knn_codes for models without parametric levels)",
    )
    parser.add_argument(
        "--no-quantize",
        action="store_true",
        help="leave the quantizers out, with knn_shift only: nearer to the voice, better understood, and without a bit rate "
        "(of a .dcd file there are only its tokens to go by)",
    )
    parser.add_argument("--keep-pitch", action="store_true", help="do not move the pitch to the reference's")
    parser.add_argument("--rescale", action="store_true", help="make a file that would clip quieter")


def run(args: Namespace) -> int:
    """Convert; the exit code."""
    from espnet2_decodec.cli import streams
    from espnet2_decodec.cli.files import check_free, plan
    from espnet2_decodec.cli.work import load_model
    from espnet2_decodec.io.audio import OUTPUT_FORMATS

    (job,) = plan([args.source], args.output, (), ".wav", tuple(OUTPUT_FORMATS))
    check_free(job.target, force=args.force)
    codec = load_model(args)
    method = args.method or ("knn_shift" if codec.parametric_levels else "knn_codes")
    if args.no_quantize and method != "knn_shift":
        why = f"--method {method} exchanges tokens" if args.method else "this model has no parametric levels"
        raise ValueError(f"--no-quantize is not possible: {why}.")
    blocks = _without_tokens(codec, args) if args.no_quantize else _with_tokens(codec, args, method)
    streams.write(job.target, blocks, codec, args.rescale)
    return 0


def _with_tokens(codec, args: Namespace, method: str):
    """Blocks of samples of a conversion that could be stored as tokens."""
    from espnet2_decodec.cli import streams
    from espnet2_decodec.cli.remixing import Remix
    from espnet2_decodec.conversion import convert_codes

    source, reference = _codes(codec, args.source, args, args.background == "keep"), _codes(codec, args.reference, args)
    voices = None
    if method == "knn_shift" and codec.parametric_levels:
        voices = _voice(codec, args.source, args, source), _voice(codec, args.reference, args, reference)
    converted = convert_codes(codec, source, reference, method, not args.keep_pitch, voices).to("cpu")
    if args.background in ("drop", "keep"):
        return streams.decode(codec, [converted], background=args.background == "keep")
    return Remix(codec, [converted], _collect(codec, args.background, args, True)).together()


def _without_tokens(codec, args: Namespace):
    """Blocks of samples of a conversion that was never quantized; an audio file of which the background is heard is read again
    for it while they are made.
    """
    from espnet2_decodec.conversion.features import cycle_blocks, synthesize
    from espnet2_decodec.conversion.shift import shift_voice

    path, background = {"drop": None, "keep": args.source}.get(args.background, args.background), ()
    if path is not None:
        background = cycle_blocks(_backgrounds(codec, path, args))
    spoken, wanted = (_voice(codec, path, args) for path in (args.source, args.reference))
    return synthesize(codec, shift_voice(spoken, wanted, codec.sample_rate, not args.keep_pitch), background)


def _collect(codec, path: str, args: Namespace, background: bool) -> list:
    """Blocks of tokens of a file, with those of the background or without."""
    from espnet2_decodec.cli.remixing import collect

    return collect(codec, path, {"speech_levels": None, "background_levels": None if background else 0}, args.quiet)


def _codes(codec, path: str, args: Namespace, background: bool = False):
    """All tokens of a file as they are looked up."""
    from dataclasses import replace

    from espnet2_decodec.codec.streaming import concatenate

    codes = concatenate(_collect(codec, path, args, background), codec).to(next(codec.parameters()).device)
    return replace(codes, speech=codes.speech.long(), background=codes.background.long())


def _voice(codec, path: str, args: Namespace, codes=None):
    """What is heard in an audio file, or what the tokens of a file tell."""
    from pathlib import Path

    from espnet2_decodec.cli.messages import progress
    from espnet2_decodec.cli.streams import open_audio
    from espnet2_decodec.conversion.features import decode_features, extract_features

    if Path(path).suffix.lower() in TOKENS:
        return decode_features(codec, _codes(codec, path, args) if codes is None else codes)
    reader = open_audio(Path(path), codec, args.quiet or codes is not None)
    return extract_features(
        codec, progress(reader, reader.seconds, reader.path.name, lambda wav: len(wav) / codec.sample_rate)
    )


def _backgrounds(codec, path: str, args: Namespace):
    """A function that gives the blocks of background coordinates of a file, as often as wanted."""
    from pathlib import Path

    from espnet2_decodec.cli.streams import open_audio
    from espnet2_decodec.conversion.features import encode_background

    if Path(path).suffix.lower() in TOKENS:
        blocks, quantizer = _collect(codec, path, args, True), codec.background_quantizer
        device = quantizer.codebooks.device
        return lambda: (quantizer.decode(codes.background.long().to(device))[0].T for codes in blocks)
    reader = open_audio(Path(path), codec, args.quiet or path == args.source)
    return lambda: encode_background(codec, reader)
