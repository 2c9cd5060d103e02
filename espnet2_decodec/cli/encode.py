"""decodec encode: audio files to tokens."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import decibels
from espnet2_decodec.cli import parser as options

SUMMARY = "Encode audio files to tokens: bit-packed .dcd files, or NumPy arrays"

EXAMPLES = """\
examples:
  decodec encode noisy.wav -o noisy.dcd
  decodec encode recordings -o tokens --npy
  decodec encode noisy.wav -o small.dcd --speech-levels 4 --background-levels 2
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    options.add_inputs(parser, "audio files of any sample rate and format")
    options.add_model(parser)
    options.add_levels(parser, "keep")
    parser.add_argument(
        "--gate",
        type=decibels,
        metavar="DB",
        help="omit a stream, at no bit cost, from each second in which its level is below this threshold in dBFS "
        "(default: where it is digital silence or leakage from the other stream, whatever the recording's level)",
    )
    parser.add_argument("--no-gate", action="store_true", help="keep both streams everywhere")
    parser.add_argument(
        "--npy",
        action="store_true",
        help="write NAME.speech.npy and NAME.background.npy, each (T, K) int16, instead of NAME.dcd",
    )


def run(args: Namespace) -> int:
    """Encode all inputs and return the exit code."""
    from espnet2_decodec.cli import pipeline
    from espnet2_decodec.cli.jobs import Job, check_output, plan_jobs, run_jobs
    from espnet2_decodec.cli.model import load_model, selected_levels
    from espnet2_decodec.codec.streaming import concatenate
    from espnet2_decodec.io import dcd, npy
    from espnet2_decodec.io.audio import INPUT_SUFFIXES
    from espnet2_decodec.io.gate import Gate
    from espnet2_decodec.io.stream_power import blocks_with_powers, silence_power

    if args.npy and args.gate is not None:
        raise ValueError("--gate needs .dcd files; leave out --npy.")
    if args.no_gate and args.gate is not None:
        raise ValueError("--gate and --no-gate do not go together; give one of them.")
    suffix, output_suffixes = ("", ()) if args.npy else (".dcd", (".dcd",))
    jobs = plan_jobs(args.inputs, args.output, INPUT_SUFFIXES, suffix, output_suffixes)
    codec = load_model(args)
    levels = selected_levels(args, codec)
    is_relative = not (args.npy or args.no_gate) and args.gate is None
    floor = silence_power(codec) if is_relative else 0.0

    def process(job: Job) -> None:
        check_output(*(npy.paths(job.target) if args.npy else [job.target]), force=args.force)
        blocks = pipeline.encode(codec, pipeline.open_audio(job.source, codec), levels)
        if args.npy:
            npy.save(job.target, concatenate(codes.to("cpu") for codes in blocks))
            return
        gate = None if args.no_gate else Gate(args.gate, floor)
        with dcd.Writer(job.target, dcd.make_header(codec, **levels), gate) as writer:
            measured = ((codes,) for codes in blocks) if gate is None else blocks_with_powers(codec, blocks)
            for codes, *powers in measured:
                writer.write(codes, *powers)

    return run_jobs(jobs, process, "encode", args.skip_existing)
