"""decodec convert: voice conversion of one recording to the voice of another."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from espnet2_decodec.arguments import decibels, positive_float, random_seed
from espnet2_decodec.cli import parser as options

if TYPE_CHECKING:
    from torch import Tensor

    from espnet2_decodec.codec.decodec import DeCodec
    from espnet2_decodec.voice.voice_model import VoiceModel

SUMMARY = "Convert the speech of one file to the voice of another"

METHODS = ("voice", "knn_shift", "knn_codes", "swap_codes")
"""The best one first."""

EXAMPLES = """\
examples:
  decodec convert noisy.wav voice.wav -o converted.wav
  decodec convert noisy.wav voice.wav -o over-street.wav --background street.wav --snr 10
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
    options.add_model(parser, default_help="that which encoded a .dcd file, else the codec of the voice model")
    parser.add_argument("--voice-model", metavar="FOLDER", help="model for --method voice (default: voice-16k)")
    parser.add_argument(
        "--background",
        default="drop",
        metavar="drop|keep|FILE",
        help="background of the output: none (default), that of the source, or that of an audio or token file",
    )
    level = parser.add_mutually_exclusive_group()
    level.add_argument(
        "--snr", type=decibels, metavar="DB", help="speech to background power ratio of the output, with --method voice"
    )
    level.add_argument("--gain", type=decibels, metavar="DB", help="gain of the background, with --method voice")
    parser.add_argument(
        "--method",
        choices=METHODS,
        help="predict mel envelope and f0 by the voice model, shift them by kNN regression, take the upper levels of "
        "the nearest reference frames, or take them frame by frame (default: the first one that the models can do, "
        "with a warning if that is not voice)",
    )
    parser.add_argument(
        "--no-quantize",
        action="store_true",
        help="skip the quantizers, with knn_shift only, which is then the default: more similar and more intelligible, "
        "without a bit rate; the features of a token file are decoded from its tokens",
    )
    parser.add_argument("--keep-pitch", action="store_true", help="keep the median f0 of the source")
    parser.add_argument(
        "--statistics", type=positive_float, metavar="SECONDS",
        help="with --method voice: duration of SOURCE on which its f0, level and voice are measured (default: 60)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=random_seed, default=0, metavar="N",
        help="random seed of --method voice, and of the excerpt of a long background (default: 0)",
    )  # fmt: skip
    options.add_rescale(parser)


def run(args: Namespace) -> int:
    """Convert and return the exit code."""
    from espnet2_decodec.cli.console import warn
    from espnet2_decodec.cli.jobs import check_output, plan_job
    from espnet2_decodec.cli.model import load_model
    from espnet2_decodec.cli.pipeline import write_audio
    from espnet2_decodec.voice.tagging import COMMENT

    backgrounds = () if args.background in ("drop", "keep") else (args.background,)
    job = plan_job(args.output, args.source, args.reference, *backgrounds)
    check_output(job.target, force=args.force)
    _check_options(args)
    voice_model = _load_voice_model(args)
    default = None if voice_model is None else voice_model.options["codec"]
    codec = load_model(args, args.source, args.reference, args.background, default=default)
    method, reason = (args.method, "") if args.method else _default_method(codec, voice_model, args)
    _check_method(method, args, reason)
    if reason:
        warn(f"converting by {method}, not by voice, which is better: {reason}")
    if method == "voice":
        assert voice_model is not None
        blocks, seconds = _convert_by_model(codec, voice_model, args)
    elif args.no_quantize:
        blocks, seconds = _convert_features(codec, args)
    else:
        blocks, seconds = _convert_tokens(codec, args, method)
    comment = COMMENT if method == "voice" else ""
    write_audio(job.target, blocks, codec, args.rescale, seconds, never_clip=True, comment=comment)
    return 0


def _load_voice_model(args: Namespace) -> "VoiceModel | None":
    """The voice model; None if the options exclude it, or if they do not name it and the package has none.

    Raises:
        FileNotFoundError, ValueError: if it cannot be used.
    """
    from espnet2_decodec.codec.serialization import packaged_model
    from espnet2_decodec.voice.voice_model import DEFAULT_VOICE_MODEL, VoiceModel

    is_default = args.method is None and not args.no_quantize
    if args.method == "voice" or (is_default and (args.voice_model or packaged_model(DEFAULT_VOICE_MODEL))):
        return VoiceModel.from_pretrained(args.voice_model or DEFAULT_VOICE_MODEL).to(args.device)
    return None


def _default_method(codec: "DeCodec", voice_model: "VoiceModel | None", args: Namespace) -> tuple[str, str]:
    """The first of `METHODS` that is possible, and why it is not the voice model; empty if no option leads to that.

    Raises:
        ValueError: if --voice-model does not fit the codec.
    """
    from espnet2_decodec.voice.voice_model import DEFAULT_VOICE_MODEL

    reason = ""
    if voice_model is not None:
        try:
            voice_model.check_codec(codec)
            return "voice", ""
        except ValueError as problem:
            if args.voice_model:
                raise
            reason = str(problem)
    elif not args.no_quantize:
        reason = f"This installation comes without {DEFAULT_VOICE_MODEL}; --voice-model names another one."
    return ("knn_shift" if codec.parametric_levels else "knn_codes"), reason


def _check_options(args: Namespace) -> None:
    """Check the options before any model is loaded.

    Raises:
        ValueError: if one is not for the method that they select, or a level is given without background.
    """
    from espnet2_decodec.voice.mixing import MixedBackground

    method = "knn_shift" if args.no_quantize and args.method is None else args.method
    if method is not None:
        _check_method(method, args)
    if args.background == "drop":
        MixedBackground(None, args.gain, args.snr).check()


def _check_method(method: str, args: Namespace, reason: str = "") -> None:
    """Check that the options are for this method.

    Args:
        method: one of `METHODS`.
        args: of the command.
        reason: why a default method is not the voice model.

    Raises:
        ValueError: if one is not.
    """
    if args.no_quantize and method != "knn_shift":
        cause = f"--method {method} exchanges tokens" if args.method else "this model has no parametric levels"
        if method == "voice":
            cause = "the voice model does not quantize"
        raise ValueError(f"--no-quantize is not possible: {cause}.")
    voice_options = ("voice_model", "snr", "gain", "statistics")
    for option, value in ((f"--{name.replace('_', '-')}", getattr(args, name)) for name in voice_options):
        if value is not None and method != "voice":
            raise ValueError(f"{option} is for --method voice, not for {method}. {reason}".strip())


def _convert_by_model(codec: "DeCodec", model: "VoiceModel", args: Namespace) -> tuple[Iterator["Tensor"], float]:
    """Return blocks of samples of a conversion by the voice model, and its duration in seconds."""
    from espnet2_decodec.cli.console import warn
    from espnet2_decodec.cli.voice_files import VoiceFiles
    from espnet2_decodec.voice.converter import VoiceConverter, statistics_frames
    from espnet2_decodec.voice.mixing import MixedBackground, mix_blocks
    from espnet2_decodec.voice.sources import convert_source

    model.check_codec(codec)
    if args.statistics:
        statistics_frames(codec, args.statistics)  # before any file is read
    files = VoiceFiles(codec)
    path = {"drop": None, "keep": args.source}.get(args.background, args.background)
    background = None if path is None else files.background(path)
    mixed = MixedBackground(background, args.gain, args.snr, None if args.background == "keep" else args.seed)
    mixed.check()
    options = {"statistics_seconds": args.statistics} if args.statistics else {}
    converter = VoiceConverter(
        model, codec, files.prompt(args.reference), not args.keep_pitch, seed=args.seed, **options
    )
    source, seconds = files.source(args.source)

    def speech() -> Iterator["Tensor"]:
        yield from convert_source(converter, source)
        if not source.is_voiced:
            warn(f"{args.source}: there is no voiced speech to be converted.")

    if background is None:
        return speech(), seconds
    return (wav + background_wav for wav, background_wav in mix_blocks(speech(), mixed, codec.sample_rate)), seconds


def _convert_tokens(codec: "DeCodec", args: Namespace, method: str) -> tuple[Iterator["Tensor"], float]:
    """Return blocks of samples of a conversion between tokens, and its duration in seconds."""
    from espnet2_decodec.cli.pipeline import decode
    from espnet2_decodec.cli.remixing import Remix
    from espnet2_decodec.cli.voice_files import FeatureFiles
    from espnet2_decodec.conversion import convert_codes

    files = FeatureFiles(codec)
    keeps = args.background == "keep"
    source = files.codes(args.source, keeps, ("background",) if keeps else ())
    reference = files.codes(args.reference, False)
    features = None
    if method == "knn_shift" and codec.parametric_levels:
        features = files.features(args.source, source), files.features(args.reference, reference)
    converted = convert_codes(codec, source, reference, method, not args.keep_pitch, features).to("cpu")
    seconds = int(converted.lengths[0]) / codec.sample_rate
    if args.background in ("drop", "keep"):
        return decode(codec, [converted], background=keeps), seconds
    background = files.blocks(args.background, required=("background",))
    return Remix(codec, [converted], background).decode(), seconds


def _convert_features(codec: "DeCodec", args: Namespace) -> tuple[Iterator["Tensor"], float]:
    """Return blocks of samples of a conversion without quantization, and its duration in seconds.

    The audio file of the background is read again while they are synthesized.
    """
    from espnet2_decodec.cli.voice_files import FeatureFiles
    from espnet2_decodec.conversion.features import cycle_blocks, synthesize
    from espnet2_decodec.conversion.shift import shift_voice

    files = FeatureFiles(codec)
    background: Iterable[Tensor] = ()
    path = {"drop": None, "keep": args.source}.get(args.background, args.background)
    if path is not None:
        background = cycle_blocks(files.background(path))
    source, reference = files.features(args.source), files.features(args.reference)
    converted = shift_voice(source, reference, codec.sample_rate, not args.keep_pitch)
    return synthesize(codec, converted, background), converted.num_samples / codec.sample_rate
