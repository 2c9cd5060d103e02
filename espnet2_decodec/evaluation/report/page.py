"""The page: assembles tables, plots and players, renders the template and writes the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.mixtures import condition_order
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.metrics.info import metric_info
from espnet2_decodec.evaluation.paired import MARKDOWN_FILE
from espnet2_decodec.evaluation.report.documents import Document, read_documents
from espnet2_decodec.evaluation.report.labels import target_title
from espnet2_decodec.evaluation.report.media import FOLDER, InlineMedia, Media, MediaFolder
from espnet2_decodec.evaluation.report.players import (
    ExampleSection,
    PlayerGroup,
    example_players,
    read_sections,
    recording_players,
)
from espnet2_decodec.evaluation.report.rate_distortion import plot_svg, systems_without_rate
from espnet2_decodec.evaluation.report.results import BenchmarkResults, read_results
from espnet2_decodec.evaluation.report.tables import Table, score_table
from espnet2_decodec.evaluation.tables import condition_title
from espnet2_decodec.progress import progress

INDEX = "index.html"
GENERATOR = "decodec report"
"""Content of a meta element of every page, by which `is_report` recognizes it."""
HERE = Path(__file__).parent


@dataclass(frozen=True)
class ScoreBlock:
    """Table and plots of one target in one condition."""

    condition: str
    table: Table
    plot: str | None
    plot_text: str


@dataclass(frozen=True)
class TargetSection:
    """All tables and plots of one target."""

    title: str
    blocks: list[ScoreBlock]
    notes: list[str]


def write_report(
    source: str | Path,
    out: str | Path,
    title: str = "Comparison",
    single: bool = False,
    examples: Iterable[str | Path] = (),
    documents: Iterable[str | Path] = (),
) -> Path:
    """Write the page of a benchmark; the same inputs give the same bytes.

    Args:
        source: output folder of `decodec evaluate`; its paired.md, if there is one, becomes a section.
        out: folder for index.html and its media, or the HTML file if `single`.
        title: title of the page.
        single: store everything in one file.
        examples: folders of `evaluation.examples`; each group becomes a section.
        documents: Markdown files; each becomes a section.

    Returns:
        The path of the page.

    Raises:
        ValueError: if the benchmark, a folder of examples, an audio file or a document cannot be read.
    """
    results, sections = read_results(source), read_sections(examples)
    paired = Path(source) / MARKDOWN_FILE
    texts = read_documents([*([paired] if paired.is_file() else []), *documents])
    return write_page(out, title, results, sections=sections, documents=texts, single=single)


def write_page(
    out: str | Path,
    title: str,
    results: BenchmarkResults | None = None,
    *,
    introduction: str = "",
    first_sections: Sequence[ExampleSection] = (),
    notice: str = "",
    sections: Sequence[ExampleSection] = (),
    documents: Sequence[Document] = (),
    single: bool = False,
) -> Path:
    """Write a page; media of an earlier page in the same folder are removed first, and the page itself is written last.

    Args:
        out: folder for index.html and its media, or the HTML file if `single`.
        title: title of the page.
        results: benchmark to show, if any.
        introduction: text below the title.
        first_sections: examples before the benchmark.
        notice: text between the first sections and the benchmark with its sections.
        sections: examples after the benchmark.
        documents: texts after these examples.
        single: store everything in one file.

    Returns:
        The path of the page.

    Raises:
        ValueError: if an audio file cannot be read.
    """
    page = Path(out) if single else Path(out) / INDEX
    if not single and is_report(page):
        for suffix in ("wav", "png", "svg"):
            for path in (page.parent / FOLDER).glob(f"*.{suffix}"):
                path.unlink()
    media: Media = InlineMedia() if single else MediaFolder(page.parent)
    recordings = progress(results.recordings, desc="recordings", unit="recordings") if results else ()
    groups = [recording_players(results, recording, media) for recording in recordings] if results else []
    examples = [*first_sections, *sections]
    players = [example_players(section, media) for section in progress(examples, desc="examples", unit="sections")]
    shown = [
        {"title": section.title, "text": section.text, "groups": found, "anchor": f"examples-{i}"}
        for i, (section, found) in enumerate(zip(examples, players))
    ]
    html = _render(
        title=title,
        introduction=introduction,
        notice=notice,
        metadata=results.metadata if results and results.metadata is not None else environment(),
        results=results,
        first_sections=shown[: len(first_sections)],
        sections=shown[len(first_sections) :],
        documents=documents,
        targets=[_target_section(results, target, media) for target in results.targets] if results else [],
        recordings=groups,
        **(_benchmark_context(results, groups) if results else {}),
    )
    with atomic_write(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return page


def is_report(page: Path) -> bool:
    """Whether a file is a page that `write_page` wrote."""
    if not page.is_file():
        return False
    with open(page, encoding="utf-8", errors="replace") as file:
        return f'content="{GENERATOR}"' in file.read(1000)


def _render(**context: object) -> str:
    """Render the template; all text is escaped."""
    templates = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    style, script = (Markup((HERE / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))
    return templates.get_template("page.html").render(generator=GENERATOR, style=style, script=script, **context)


def _target_section(results: BenchmarkResults, target: str, media: Media) -> TargetSection:
    """Tables and plots of one target in all conditions."""
    blocks = []
    for condition in results.conditions:
        table = score_table(results, target, condition)
        if table is not None:
            svg = plot_svg(results, target, condition)
            image = None if svg is None else media.add_image(f"plot.{target}.{condition}", svg, ".svg")
            text = (
                f"{target_title(target)}, {condition_title(condition)}: metrics over kbit/s. The table has the values."
            )
            blocks.append(ScoreBlock(condition, table, image, text))
    without_rate = systems_without_rate(results, target)
    notes = []
    if not blocks:
        notes.append("No score is defined for this target.")
    elif not any(block.plot for block in blocks):
        notes.append("There are no plots, because fewer than two systems have both a bit rate and a score.")
    elif without_rate:
        notes.append(f"Not in the plots, because they have no bit rate: {', '.join(without_rate)}.")
    return TargetSection(target_title(target), blocks, notes)


def _benchmark_context(results: BenchmarkResults, groups: Sequence[PlayerGroup]) -> dict[str, object]:
    """Conditions and metrics as the template takes them."""
    with_audio = {group.condition for group in groups}
    undefined = results.undefined_metrics
    return {
        "conditions": [(condition, condition_title(condition)) for condition in results.conditions],
        "first_condition": min(
            results.conditions, key=lambda c: (condition_order(c)[0], abs(condition_order(c)[1])), default=None
        ),
        "without_audio": [(c, condition_title(c)) for c in results.conditions if c not in with_audio],
        "metrics": [metric_info(metric) for metric in results.metrics if metric not in undefined],
        "undefined_metrics": [metric_info(metric).heading for metric in undefined],
    }
