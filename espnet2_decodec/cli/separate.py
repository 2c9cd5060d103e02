"""decodec separate: audio files to their speech and their background."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import positive_float
from espnet2_decodec.cli import parser as options

SUMMARY = "Separate audio files into NAME.speech.wav and NAME.background.wav"

EXAMPLES = """\
examples:
  decodec separate noisy.wav -o stems
  decodec separate recordings -o stems --no-quantize --format flac
  decodec separate noisy.wav -o partial --no-quantize --max-attenuation-db 12
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "inputs", nargs="+", metavar="IN", help="audio files, or folders of them; their structure is kept in OUT"
    )
    options.add_output(parser, "output folder")
    options.add_skip_existing(parser)
    options.add_model(parser)
    options.add_levels(parser, "use")
    options.add_audio_output(parser)
    parser.add_argument(
        "--no-quantize", action="store_true", help="skip the quantizers: better stems, which have no bit rate"
    )
    parser.add_argument(
        "--max-attenuation-db",
        type=positive_float,
        metavar="DB",
        help="leave some background in the speech, by so much softer than it was; it is missing in the background",
    )


def run(args: Namespace) -> int:
    """Separate all inputs and return the exit code."""
    from espnet2_decodec.atomic import atomic_group
    from espnet2_decodec.cli import pipeline
    from espnet2_decodec.cli.jobs import Job, check_output, plan_jobs, run_jobs
    from espnet2_decodec.cli.model import load_model, selected_levels
    from espnet2_decodec.io.audio import INPUT_SUFFIXES, AudioWriter, share_gain

    jobs = plan_jobs(args.inputs, args.output, INPUT_SUFFIXES, "")
    codec = load_model(args)
    levels = selected_levels(args, codec)

    def process(job: Job) -> None:
        names = [f"{job.target.name}.{stream}.{args.format}" for stream in ("speech", "background")]
        paths = [job.target.with_name(name) for name in names]
        check_output(*paths, force=args.force)
        reader = pipeline.open_audio(job.source, codec)
        speech, background = (AudioWriter(path, codec.sample_rate, args.rescale) for path in paths)
        share_gain([speech, background])
        with atomic_group(), speech, background:
            for stems in pipeline.separate(codec, reader, not args.no_quantize, levels):
                if args.max_attenuation_db is not None:
                    stems = stems.limit_attenuation(args.max_attenuation_db)
                speech.write(stems.speech[0])
                background.write(stems.background[0])
        pipeline.warn_of_level(speech, args.rescale)
        pipeline.warn_of_level(background, args.rescale)

    return run_jobs(jobs, process, "separate", args.skip_existing)
