"""decodec decode: tokens to audio."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace

from espnet2_decodec.cli import options

SUMMARY = "Decode tokens (.dcd, or pairs of .npy) to audio files"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    options.add_inputs(parser, ".dcd files, or NAME.speech.npy with its NAME.background.npy")
    options.add_model(parser)
    options.add_levels(parser, "use")
    options.add_audio_output(parser)
    parser.add_argument("--only", choices=("speech", "background"), help="decode one stream, without the other")


def run(args: Namespace) -> int:
    """Decode all inputs; the exit code."""
    from espnet2_decodec.cli import streams
    from espnet2_decodec.cli.files import Job, check_free, plan
    from espnet2_decodec.cli.work import each, levels, load_model
    from espnet2_decodec.io.audio import OUTPUT_FORMATS

    jobs = plan(args.inputs, args.output, (".dcd", ".speech.npy"), f".{args.format}", tuple(OUTPUT_FORMATS))
    codec = load_model(args)
    wanted = levels(args, codec)
    heard = args.only != "background", args.only != "speech"

    def work(job: Job) -> None:
        check_free(job.target, force=args.force)
        codes, seconds = streams.open_codes(job.source, codec)
        codes = _first(streams.codes_bar(codes, seconds, job.source.name), **wanted)
        streams.write(job.target, streams.decode(codec, codes, *heard), codec, args.rescale)

    return each(jobs, work)


def _first(codes: Iterable, speech_levels: int | None, background_levels: int | None) -> Iterator:
    """Blocks of codes with the first levels only."""
    for block in codes:
        yield replace(block, speech=block.speech[:, :speech_levels], background=block.background[:, :background_levels])
