"""decodec remix: the speech of one recording over the background of another."""

from argparse import ArgumentParser, Namespace
from math import log10
from pathlib import Path

from espnet2_decodec.arguments import decibels
from espnet2_decodec.cli import parser as options

SUMMARY = "Combine the speech of one file with the background of another"

LARGE_GAIN = 40.0
"""dB beyond which a gain that an SNR needs is stated: speech and background of a recording seldom differ by more."""

EXAMPLES = """\
examples:
  decodec remix noisy.wav street.wav -o remix.wav
  decodec remix noisy.dcd street.wav -o louder.wav --snr 0
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("speech", metavar="SPEECH", help="audio or token file that gives the speech and the duration")
    parser.add_argument(
        "background", metavar="BACKGROUND", help="audio or token file that gives the background, repeated or cut"
    )
    options.add_output(parser, "output audio file")
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--snr", type=decibels, metavar="DB", help="speech to background power ratio of the output")
    level.add_argument("--gain", type=decibels, metavar="DB", help="gain of the background")
    options.add_model(parser, default_help=options.TOKENS_DEFAULT)
    options.add_levels(parser, "use")
    options.add_rescale(parser)


def run(args: Namespace) -> int:
    """Remix and return the exit code.

    By default the tokens of both streams are decoded together. With --snr or --gain the streams are decoded separately,
    and their waveforms are added.
    """
    from espnet2_decodec.cli import pipeline
    from espnet2_decodec.cli.console import warn
    from espnet2_decodec.cli.jobs import check_output, plan_job
    from espnet2_decodec.cli.model import load_model, selected_levels
    from espnet2_decodec.cli.remixing import Remix

    job = plan_job(args.output, args.speech, args.background)
    check_output(job.target, force=args.force)
    codec = load_model(args, args.speech, args.background)
    levels = selected_levels(args, codec)
    speech, background = (
        pipeline.collect_tokens(codec, Path(getattr(args, stream)), levels, (stream,))
        for stream in ("speech", "background")
    )
    remix = Remix(codec, speech, background)
    if args.snr is None and args.gain is None:
        blocks = remix.decode()
    else:
        silent = remix.silent_stream()
        if silent and args.snr is not None:
            raise ValueError(f"--snr cannot be reached: the {silent} is silent.")
        if silent:
            warn(f"the {silent} is silent.")
        gain = args.gain if args.snr is None else 20 * log10(remix.gain_for_snr(args.snr))
        if args.snr is not None and abs(gain) > LARGE_GAIN:
            warn(f"the background is scaled by {gain:+.0f} dB for this SNR: one of the two may be nothing but noise.")
        blocks = remix.decode_sum(10 ** (gain / 20))
    pipeline.write_audio(job.target, blocks, codec, args.rescale, remix.seconds, never_clip=True)
    return 0
