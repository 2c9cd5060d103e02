"""decodec export: encoder and decoder as files for other programs."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import output_folder
from espnet2_decodec.cli import parser as options

SUMMARY = "Export a model to ONNX, or to a program of torch.export"

EXAMPLES = """\
examples:
  decodec export -o deployed
  decodec export -o small --speech-levels 4 --background-levels 1
  decodec export -o live --streaming

files in OUT: encoder.onnx and decoder.onnx (or .pt2), and export.json with sample rate, hop and numbers of levels.
The encoder maps samples wav [1, T * hop] to tokens speech [1, K, T] and background [1, K, T], int64; the decoder maps
tokens and gains [2], 1 or 0 for each stream, to samples wav [1, T * hop]. T is any number of frames, 3 or
more in .pt2.

--streaming adds encoder_step and decoder_step for the next frames of a recording: they have an input valid [1, T], 1
for frames of the recording and 0 for those that follow its end, and state [1, S], zeros at its start, which the output
next_state replaces for the next call. Their results are older than their input by the delay in export.json, in frames.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("-o", "--output", type=output_folder, required=True, metavar="OUT", help="output folder")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    parser.add_argument("-q", "--quiet", action="store_true", help="print only errors and warnings")
    options.add_model(parser)
    options.add_levels(parser, "export")
    parser.add_argument("--streaming", action="store_true", help="write graphs for live use, too, with their state")
    parser.add_argument("--format", choices=("onnx", "pt2"), default="onnx", help="format (default: onnx)")


def run(args: Namespace) -> int:
    """Export and return the exit code."""
    from espnet2_decodec.cli.console import note
    from espnet2_decodec.cli.jobs import check_output
    from espnet2_decodec.cli.model import load_model, selected_levels
    from espnet2_decodec.codec.export import export_codec
    from espnet2_decodec.codec.export.write import file_names

    for name in file_names(args.format, args.streaming):
        check_output(args.output / name, force=args.force)
    codec = load_model(args)
    levels = selected_levels(args, codec)
    for path in export_codec(codec, args.output, args.format, **levels, streaming=args.streaming):
        note(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0
