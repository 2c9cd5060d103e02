"""From a comparison folder to a page on disk."""

from collections.abc import Callable, Iterable
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.evaluation.report.comparison import read_comparison
from espnet2_decodec.evaluation.report.examples import read_groups
from espnet2_decodec.evaluation.report.media import FOLDER, Beside, Within
from espnet2_decodec.evaluation.report.page import GENERATOR, build

INDEX = "index.html"


def write_report(
    source: str | Path,
    out: str | Path,
    title: str = "Comparison",
    single: bool = False,
    progress: Callable[[Iterable], Iterable] = iter,
    examples: Iterable[str | Path] = (),
) -> Path:
    """Write the page of a comparison; the same comparison gives the same bytes.

    What an earlier page kept in its folder of sounds is removed first; the page itself comes last.

    Args:
        source: folder that `decodec evaluate` wrote.
        out: folder for index.html and the sounds, or the HTML file that holds all when `single`.
        title: of the page.
        single: one file.
        progress: wraps the recordings while they are worked on.
        examples: folders of `evaluation.examples`, each group of which is a section.

    Returns:
        The page.

    Raises:
        ValueError: if the comparison or a folder of examples cannot be used, or a recording cannot be read.
    """
    data, groups = read_comparison(source), read_groups(examples)
    page = Path(out) if single else Path(out) / INDEX
    if not single and is_report(page):
        for suffix in ("wav", "png"):
            for path in (page.parent / FOLDER).glob(f"*.{suffix}"):
                path.unlink()
    head = data.head
    if head is None:
        from espnet2_decodec.evaluation.environment import environment

        head = environment()
    text = build(data, Within() if single else Beside(page.parent), title, head, progress, groups)
    with atomic_write(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return page


def is_report(page: Path) -> bool:
    """Whether this is a page that was written here."""
    if not page.is_file():
        return False
    with open(page, encoding="utf-8", errors="replace") as file:
        return f'content="{GENERATOR}"' in file.read(1000)
