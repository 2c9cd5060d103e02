"""Step of the recipe: scores of voice conversion on test mixtures."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import device, finite_float, output_folder, positive_int
from espnet2_decodec.cli.recipe.options import add_nj
from espnet2_decodec.evaluation.conversion_report import ConversionTest, report_conversion


def score_conversion_arguments(parser: ArgumentParser) -> None:
    """Add the options of `score_conversion`."""
    parser.add_argument(
        "--data", required=True, help="folder that make_mixtures wrote, with its table text for word error rates"
    )
    parser.add_argument(
        "--references", nargs="+", required=True, help="Kaldi directories of clean speech of target speakers"
    )
    parser.add_argument(
        "--targets",
        nargs="+",
        default=[],
        help="target speakers in those directories (default: the first --num_targets of them with enough speech); "
        "a recording is never converted to its own speaker",
    )
    parser.add_argument(
        "--num_targets", type=positive_int, default=2, help="number of target speakers without --targets (default: 2)"
    )
    parser.add_argument("--speakers", nargs="+", default=[], help="source speakers of the mixtures (default: all)")
    parser.add_argument(
        "--conditions", nargs="+", default=[], help="some of those of the set (default: all with speech)"
    )
    parser.add_argument("--limit", type=positive_int, help="the first recordings of each condition only")
    parser.add_argument(
        "--keep", type=int, default=0, help="recordings of each condition to write to the folder examples (default: 0)"
    )
    parser.add_argument(
        "--seconds", type=finite_float, default=8.0, help="duration of a reference, and of the prompts for similarity"
    )
    parser.add_argument(
        "--recognizer", default="moonshine-tiny.en", help="see decodec probe --help; none for no word error rates"
    )
    parser.add_argument("--language", default="en", help="ISO 639-1 code of the texts (default: en)")
    parser.add_argument(
        "--denoiser", default="gtcrn", help="first system of a cascade, see decodec evaluate --help; or none"
    )
    parser.add_argument("--model", help="folder of the codec (default: the model in the package)")
    parser.add_argument("--device", type=device, default="cpu", help="device of the codec, e.g. cuda (default: cpu)")
    add_nj(parser)
    parser.add_argument(
        "--out", type=output_folder, required=True, help="output folder for conversion.csv, conversion.md and examples"
    )


def score_conversion(args: Namespace) -> None:
    """Convert noisy recordings to other speakers, and write word error rates and speaker similarities."""
    report_conversion(
        ConversionTest(
            data=args.data,
            references=args.references,
            targets=args.targets,
            num_targets=args.num_targets,
            sources=args.speakers,
            conditions=args.conditions,
            limit=args.limit,
            keep=args.keep,
            seconds=args.seconds,
            recognizer=None if args.recognizer == "none" else args.recognizer,
            language=args.language,
            denoiser=None if args.denoiser == "none" else args.denoiser,
            model=args.model,
            device=args.device,
        ),
        args.out,
        args.nj,
    )
