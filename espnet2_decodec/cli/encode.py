"""decodec encode: audio to tokens."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.cli import options

SUMMARY = "Encode audio files to tokens: bit-packed .dcd files, or .npy arrays"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    options.add_inputs(parser, "audio files of any rate and format")
    options.add_model(parser)
    options.add_levels(parser, "keep")
    parser.add_argument(
        "--gate",
        type=float,
        metavar="DB",
        help="leave a stream out of each second in which its level is below this, in dB of full scale (default: -60); "
        "it then costs nothing there",
    )
    parser.add_argument("--no-gate", action="store_true", help="keep all streams everywhere")
    parser.add_argument(
        "--npy",
        action="store_true",
        help="write NAME.speech.npy and NAME.background.npy, each (T, K) int16, in place of NAME.dcd",
    )


def run(args: Namespace) -> int:
    """Encode all inputs; the exit code."""
    from espnet2_decodec.cli import streams
    from espnet2_decodec.cli.files import Job, check_free, plan
    from espnet2_decodec.cli.gate import GATE, power
    from espnet2_decodec.cli.work import each, levels, load_model
    from espnet2_decodec.codec.streaming import concatenate
    from espnet2_decodec.io import dcd, npy
    from espnet2_decodec.io.audio import INPUT_SUFFIXES

    if args.npy and args.gate is not None:
        raise ValueError("--gate needs .dcd files; leave out --npy.")
    jobs = plan(args.inputs, args.output, INPUT_SUFFIXES, "" if args.npy else ".dcd", () if args.npy else (".dcd",))
    if args.no_gate and args.gate is not None:
        raise ValueError("--gate and --no-gate do not go together.")
    gate = GATE if args.gate is None else args.gate
    codec = load_model(args)
    wanted = levels(args, codec)

    def work(job: Job) -> None:
        check_free(*(npy.paths(job.target) if args.npy else [job.target]), force=args.force)
        blocks = streams.encode(codec, streams.open_audio(job.source, codec, args.quiet), wanted)
        if args.npy:
            npy.save(job.target, concatenate(c.to("cpu") for c in blocks))
            return
        with dcd.Writer(job.target, dcd.make_header(codec, **wanted)) as writer:
            for codes in blocks:
                writer.write(codes, *(() if args.no_gate else power(codec, codes, gate)))

    return each(jobs, work)
