"""decodec report: a comparison of systems as one page with tables, plots and players."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

SUMMARY = "Make one page to read and listen to from a comparison, without a server"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("comparison", metavar="OUT", help="folder that `decodec evaluate` wrote")
    parser.add_argument(
        "-o",
        "--output",
        metavar="REPORT",
        help="folder of the page, or the file with --single (default: OUT/report, OUT/report.html)",
    )
    parser.add_argument(
        "--examples",
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="folders with examples.csv and sounds beside it (group,example,label,file,note), as score_conversion --keep "
        "and tts_score --keep write them; each group is a section with players",
    )
    parser.add_argument("--title", metavar="TEXT", default="Comparison of codecs", help="of the page")
    parser.add_argument("--single", action="store_true", help="one HTML file that holds all sounds and pictures")
    parser.add_argument(
        "-f",
        "--force",
        action="store_true",
        help="overwrite a page that is there; what it kept in audio/ goes",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="errors and warnings only")


def run(args: Namespace) -> int:
    """Write the page; the exit code."""
    import sys

    from tqdm import tqdm

    from espnet2_decodec.cli.files import check_free
    from espnet2_decodec.cli.messages import note
    from espnet2_decodec.evaluation.report.media import FOLDER
    from espnet2_decodec.evaluation.report.writing import INDEX, write_report
    from espnet2_decodec.io.errors import FileError

    out = Path(args.output or Path(args.comparison) / ("report.html" if args.single else "report"))
    if args.single:
        check_free(out, force=args.force)
    elif out.exists() and not out.is_dir():
        raise FileError(f"{out} is a file, but a folder is needed; --single writes one file.")
    else:
        check_free(out / INDEX, force=args.force)
        if (out / FOLDER).exists() and not (out / INDEX).exists() and not args.force:
            raise FileError(f"{out / FOLDER} exists; add --force to write into it.")

    def progress(items):
        return tqdm(items, desc="recordings", delay=2, disable=None, leave=False, file=sys.stderr)

    page = write_report(args.comparison, out, args.title, args.single, progress, args.examples)
    if not args.quiet:
        size = page.stat().st_size + (
            0 if args.single else sum(path.stat().st_size for path in (out / FOLDER).glob("*"))
        )
        note(f"{page} is written, {size / 1e6:.1f} MB in all; open it in a browser.")
    return 0
