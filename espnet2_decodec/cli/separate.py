"""decodec separate: audio to its speech and its background."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.cli import options

SUMMARY = "Separate audio files into NAME.speech.wav and NAME.background.wav"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help="audio files, or folders of them (their tree is kept)")
    options.add_output(parser, "folder")
    options.add_model(parser)
    options.add_levels(parser, "use")
    options.add_audio_output(parser)
    parser.add_argument("--no-quantize", action="store_true", help="leave the quantizers out: stems without a bit rate")


def run(args: Namespace) -> int:
    """Separate all inputs; the exit code."""
    from espnet2_decodec.cli import streams
    from espnet2_decodec.cli.files import Job, check_free, plan
    from espnet2_decodec.cli.work import each, levels, load_model
    from espnet2_decodec.io.audio import INPUT_SUFFIXES, AudioWriter

    jobs = plan(args.inputs, args.output, INPUT_SUFFIXES, "")
    codec = load_model(args)
    wanted = levels(args, codec)

    def work(job: Job) -> None:
        names = [f"{job.target.name}.{stream}.{args.format}" for stream in ("speech", "background")]
        paths = [job.target.with_name(name) for name in names]
        check_free(*paths, force=args.force)
        blocks = streams.separate(
            codec, streams.open_audio(job.source, codec, args.quiet), not args.no_quantize, wanted
        )
        writers = [AudioWriter(path, codec.sample_rate, args.rescale) for path in paths]
        with writers[0], writers[1]:
            for stems in blocks:
                writers[0].write(stems.speech[0])
                writers[1].write(stems.background[0])
        for writer in writers:
            streams.warn_of_clipping(writer)

    return each(jobs, work)
