"""decodec remix: the speech of one recording with the background of another."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.cli import options

SUMMARY = "Put the speech of one file over the background of another"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("speech", metavar="SPEECH", help="audio or .dcd file whose speech, and length, is taken")
    parser.add_argument("background", metavar="BACKGROUND", help="audio or .dcd file whose background is taken")
    options.add_output(parser, "audio file")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--snr", type=float, metavar="DB", help="speech to background power ratio of the result")
    loudness.add_argument("--gain", type=float, metavar="DB", help="amplify the background by this much")
    options.add_model(parser)
    options.add_levels(parser, "use")
    parser.add_argument("--rescale", action="store_true", help="make a file that would clip quieter")


def run(args: Namespace) -> int:
    """Remix; the exit code.

    Without --snr and --gain the tokens of both streams are decoded together; with them the streams are
    decoded apart, and added as waveforms.
    """
    from espnet2_decodec.cli import streams
    from espnet2_decodec.cli.files import check_free, plan
    from espnet2_decodec.cli.remixing import Remix, collect
    from espnet2_decodec.cli.work import levels, load_model
    from espnet2_decodec.io.audio import OUTPUT_FORMATS

    (job,) = plan([args.speech], args.output, (), ".wav", tuple(OUTPUT_FORMATS))
    check_free(job.target, force=args.force)
    codec = load_model(args)
    wanted = levels(args, codec)

    remix = Remix(codec, *(collect(codec, path, wanted, args.quiet) for path in (args.speech, args.background)))
    if args.snr is None and args.gain is None:
        blocks = remix.together()
    else:
        blocks = remix.apart(remix.gain_for(args.snr) if args.gain is None else 10 ** (args.gain / 20))
    streams.write(job.target, blocks, codec, args.rescale)
    return 0
