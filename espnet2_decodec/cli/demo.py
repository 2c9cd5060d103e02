"""decodec demo: a page with what the model does to bundled recordings."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import output_file, output_folder
from espnet2_decodec.cli import parser as options
from espnet2_decodec.cli.report import add_output_flags, add_sections, require_packages

SUMMARY = "Write a page with bundled recordings, separated, coded, remixed and converted by the model"

EXAMPLES = """\
examples, in a clone of the repository:
  decodec demo demo                                       demo/index.html, within a minute
  decodec demo demo -f --tts exp/tts_mini/model           also text to speech
  decodec demo demo -f --results exp/results/test/evaluation --examples exp/results/test/conversion/examples
                                                          the same page with the results of the recipe below
"""
INTRODUCTION = (
    "DeCodec encodes a recording as two streams of tokens, one for the speech and one for the background. All output "
    "on this page was computed by the model {model} on the machine named at the end."
)
TRAINING_DATA = " The voices of these recordings were not in its training set; the backgrounds were."
NOTICE = (
    "The results below are from models that the recipe trained for a few minutes on a few minutes of recordings. They "
    "show that each of its stages works, not the quality that the method reaches."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("output", type=output_folder, metavar="OUT", help="folder of the page")
    options.add_model(parser)
    parser.add_argument(
        "--tts", metavar="FOLDER", help="text-to-speech model that the recipe exported (default: that of the package)"
    )
    parser.add_argument(
        "--text", default="The conference is now locked.", help="text that is synthesized (default: %(default)s)"
    )
    parser.add_argument(
        "--results", metavar="FOLDER", help="output folder of `decodec evaluate`, shown below as of a small training"
    )
    add_sections(parser)
    parser.add_argument(
        "--figure",
        type=output_file(".png"),
        metavar="PNG",
        help="also draw the spectrograms of the first mixture, its speech and its background",
    )
    add_output_flags(parser)


def run(args: Namespace) -> int:
    """Compute the examples and write the page; the exit code."""
    require_packages()
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from espnet2_decodec.cli.jobs import check_output
    from espnet2_decodec.cli.model import load_model
    from espnet2_decodec.cli.report import check_page_folder, print_page
    from espnet2_decodec.codec.decodec import DeCodec
    from espnet2_decodec.codec.serialization import DEFAULT_MODEL
    from espnet2_decodec.conversion.packaged import load_packaged_voice
    from espnet2_decodec.evaluation.report import demo
    from espnet2_decodec.evaluation.report.documents import read_documents
    from espnet2_decodec.evaluation.report.page import write_page
    from espnet2_decodec.evaluation.report.players import read_sections
    from espnet2_decodec.evaluation.report.results import read_results
    from espnet2_decodec.evaluation.report.spectrogram import SAMPLE_RATE, save_figure
    from espnet2_decodec.io.audio import read
    from espnet2_decodec.tts import TTS, VoiceTTS

    out = args.output
    check_page_folder(out, args.force)
    if args.figure:
        check_output(args.figure, force=args.force)
    results = read_results(args.results) if args.results else None
    sections, documents = read_sections(args.examples), read_documents(args.documents)
    recordings, codec = demo.find_recordings(), load_model(args)
    tts: TTS | VoiceTTS | None = None if args.model else VoiceTTS.packaged(args.device)
    if args.tts:
        tts = TTS.from_pretrained(args.tts, args.device)
    voice = None if args.model else load_packaged_voice(args.device)
    baseline = None if args.model else DeCodec.from_pretrained("decodec-16k").to(args.device)
    introduction = INTRODUCTION.format(model=Path(args.model or DEFAULT_MODEL).resolve().name)
    with TemporaryDirectory() as folder:
        examples = demo.demo_sections(codec, recordings, Path(folder), tts, args.text, voice, baseline)
        if args.figure:
            sounds = examples[0].examples[0][1][:3]
            save_figure(args.figure, {row.label: read(path, SAMPLE_RATE).numpy() for row, path in sounds})
        page = write_page(
            out,
            "DeCodec: a codec that separates speech from background",
            results,
            introduction=introduction + ("" if args.model else TRAINING_DATA),
            first_sections=examples,
            notice=NOTICE if results or sections or documents else "",
            sections=sections,
            documents=documents,
        )
    if not args.quiet:
        print_page(page)
    return 0
