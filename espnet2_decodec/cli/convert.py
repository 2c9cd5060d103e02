"""decodec convert: what one recording says, in the voice of another."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.cli import options

SUMMARY = "Say what one file says in the voice of another"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("source", metavar="SOURCE", help="audio or .dcd file: what is said, how, and how long")
    parser.add_argument("reference", metavar="REFERENCE", help="audio or .dcd file: the voice; some seconds are enough")
    options.add_output(parser, "audio file")
    options.add_model(parser)
    parser.add_argument(
        "--background", default="drop", metavar="B", help="drop, keep (the source's), or an audio or .dcd file (default: drop)"
    )
    parser.add_argument(
        "--method",
        choices=("shift", "matched", "levels"),
        help="how: move envelope and pitch, take the upper levels of matching frames, or of frames in a row "
        "(default: shift, and matched for models without parametric levels)",
    )
    parser.add_argument("--keep-pitch", action="store_true", help="do not move the pitch to the reference's")
    parser.add_argument("--rescale", action="store_true", help="make a file that would clip quieter")


def run(args: Namespace) -> int:
    """Convert; the exit code."""
    from espnet2_decodec.cli import streams
    from espnet2_decodec.cli.files import check_free, plan
    from espnet2_decodec.cli.remixing import Remix, collect
    from espnet2_decodec.cli.work import load_model
    from espnet2_decodec.codec.streaming import concatenate
    from espnet2_decodec.conversion import convert
    from espnet2_decodec.io.audio_writer import FORMATS

    (job,) = plan([args.source], args.output, (), ".wav", tuple(FORMATS))
    check_free(job.target, force=args.force)
    codec = load_model(args)
    everything = {"speech_levels": None, "background_levels": None}

    def read(path: str, background: bool) -> list:
        wanted = everything if background else everything | {"background_levels": 0}
        return collect(codec, path, wanted, args.quiet)

    device = next(codec.parameters()).device
    source = _long(concatenate(read(args.source, args.background == "keep")).to(device))
    reference = _long(concatenate(read(args.reference, False)).to(device))
    method = args.method or ("shift" if codec.parametric_levels else "matched")
    voices = tuple(_voice(codec, *pair) for pair in ((args.source, source), (args.reference, reference)))
    converted = convert(codec, source, reference, method, not args.keep_pitch, voices if method == "shift" else None).to("cpu")
    if args.background in ("drop", "keep"):
        blocks = streams.decode(codec, [converted], background=args.background == "keep")
    else:
        blocks = Remix(codec, [converted], read(args.background, True)).together()
    streams.write(job.target, blocks, codec, args.rescale)
    return 0


def _long(codes):
    """Codes as they are looked up."""
    from dataclasses import replace

    return replace(codes, speech=codes.speech.long(), background=codes.background.long())


def _voice(codec, path: str, codes):
    """What is heard in an audio file, or what the tokens of a file tell."""
    from pathlib import Path

    from espnet2_decodec.conversion import listen, voice
    from espnet2_decodec.io.audio import AudioReader

    if not codec.parametric_levels:
        return None
    if Path(path).suffix.lower() in (".dcd", ".npy"):
        return voice(codec, codes)
    return listen(codec, AudioReader(path, codec.sample_rate))
