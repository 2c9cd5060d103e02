"""decodec decode: tokens to audio files."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from espnet2_decodec.cli import parser as options

SUMMARY = "Decode tokens (.dcd, or pairs of .npy) to audio files"

EXAMPLES = """\
examples:
  decodec decode noisy.dcd -o decoded.wav
  decodec decode noisy.dcd -o speech.wav --only speech
  decodec decode tokens -o decoded --format flac
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    options.add_inputs(parser, ".dcd files, or NAME.speech.npy with its NAME.background.npy")
    options.add_model(parser, default_help=options.TOKENS_DEFAULT)
    options.add_levels(parser, "decode")
    options.add_audio_output(parser)
    parser.add_argument(
        "--only",
        choices=("speech", "background"),
        help="decode this stream without the other; a file that was encoded without its levels is an error, "
        "one whose gate left all of it out gives silence",
    )


def run(args: Namespace) -> int:
    """Decode all inputs and return the exit code."""
    from espnet2_decodec.cli import pipeline
    from espnet2_decodec.cli.jobs import Job, check_output, plan_jobs, run_jobs
    from espnet2_decodec.cli.model import CodecsOfTokens, check_only, selected_levels, selects_levels
    from espnet2_decodec.io.audio import OUTPUT_FORMATS

    check_only(args)
    inputs = _once_for_each_pair(args.inputs)
    jobs = plan_jobs(inputs, args.output, (".dcd", ".speech.npy"), f".{args.format}", tuple(OUTPUT_FORMATS))
    codecs = CodecsOfTokens(args)
    if args.model is not None or selects_levels(args):
        selected_levels(args, codecs.default)  # an error once, not for each file
    speech, background = args.only != "background", args.only != "speech"

    def process(job: Job) -> None:
        check_output(job.target, force=args.force)
        codes, seconds, codec = pipeline.open_tokens_and_codec(job.source, codecs)
        pipeline.require_streams(job.source, codes, () if args.only is None else (args.only,))
        levels = selected_levels(args, codec)
        blocks = pipeline.decode(codec, pipeline.first_levels(codes, **levels), speech, background)
        pipeline.write_audio(job.target, blocks, codec, args.rescale, seconds)

    return run_jobs(jobs, process, "decode", args.skip_existing)


def _once_for_each_pair(inputs: Sequence[str]) -> list[str]:
    """The inputs, in which NAME.speech.npy stands for a pair of .npy files."""
    from espnet2_decodec.io import npy

    is_background = [path.endswith(".background.npy") for path in inputs]
    speech = [
        str(npy.path(npy.stem_of(path), "speech")) if other else path for path, other in zip(inputs, is_background)
    ]
    return list(dict.fromkeys(speech))
