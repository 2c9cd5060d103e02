"""decodec report: the results of `decodec evaluate` as one HTML page."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from espnet2_decodec.arguments import file_problem, folder_problem
from espnet2_decodec.extras import require

SUMMARY = "Write one HTML page from a benchmark: tables, rate-distortion plots and audio players"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("benchmark", metavar="OUT", help="output folder of `decodec evaluate`")
    parser.add_argument(
        "-o",
        "--output",
        metavar="REPORT",
        help="folder of the page, or the file with --single (default: OUT/report, OUT/report.html)",
    )
    add_sections(parser)
    parser.add_argument("--title", metavar="TEXT", default="Comparison of codecs", help="title of the page")
    parser.add_argument("--single", action="store_true", help="one HTML file with all audio and images inside")
    add_output_flags(parser)


def add_sections(parser: ArgumentParser) -> None:
    """Add --examples and --documents."""
    parser.add_argument(
        "--examples",
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="folders with audio files and a table examples.csv (columns group,example,label,file,note), as "
        "`decodec recipe score_conversion --keep` and `tts_score --keep` write them; each group becomes a section",
    )
    parser.add_argument(
        "--documents",
        nargs="+",
        default=[],
        metavar="FILE",
        help="Markdown files, such as the RESULTS.md of recognizers and synthesizers; each becomes a section",
    )


def add_output_flags(parser: ArgumentParser) -> None:
    """Add --force and --quiet."""
    parser.add_argument(
        "-f", "--force", action="store_true", help="overwrite an existing page, and remove its media in audio/"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors and warnings only")


def run(args: Namespace) -> int:
    """Write the page; the exit code."""
    require_packages()
    from espnet2_decodec.cli.jobs import check_output
    from espnet2_decodec.evaluation.report.page import write_report
    from espnet2_decodec.io.errors import FileError

    out = Path(args.output or Path(args.benchmark) / ("report.html" if args.single else "report"))
    target = args.output or str(out)
    problem = file_problem(target, (".html", ".htm")) if args.single else folder_problem(target)
    if problem:
        raise FileError(f"{problem}." if args.single else f"{problem}; --single writes one file.")
    if args.single:
        check_output(out, force=args.force)
    else:
        check_page_folder(out, args.force)
    page = write_report(args.benchmark, out, args.title, args.single, args.examples, args.documents)
    if not args.quiet:
        print_page(page)
    return 0


def require_packages() -> None:
    """Check that the packages of the extra `report` are installed.

    Raises:
        ImportError: if one is missing.
    """
    require("report", "The page", "jinja2", "markdown_it", "matplotlib")


def check_page_folder(folder: Path, force: bool) -> None:
    """Refuse to overwrite files in the folder of a page.

    Raises:
        FileError: if it holds a page or media and `force` is False.
    """
    from espnet2_decodec.cli.jobs import check_output
    from espnet2_decodec.evaluation.report.media import FOLDER
    from espnet2_decodec.evaluation.report.page import INDEX
    from espnet2_decodec.io.errors import FileError

    check_output(folder / INDEX, force=force)
    if (folder / FOLDER).exists() and not (folder / INDEX).exists() and not force:
        raise FileError(f"{folder / FOLDER} exists; add --force to write into it.")


def print_page(page: Path) -> None:
    """Print where the page is, and the size of the page with its media."""
    from espnet2_decodec.cli.console import note
    from espnet2_decodec.evaluation.report.media import FOLDER

    media = (page.parent / FOLDER).glob("*") if page.name == "index.html" else ()
    size = page.stat().st_size + sum(path.stat().st_size for path in media)
    note(f"{page} is written, {size / 1e6:.1f} MB in all; open {page.resolve().as_uri()} in a browser.")
