"""The page as a whole."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import Template

from espnet2_decodec.data.mixtures import condition_order
from espnet2_decodec.evaluation.report.comparison import Comparison
from espnet2_decodec.evaluation.report.examples import Item, section
from espnet2_decodec.evaluation.report.markup import Markup, element, join
from espnet2_decodec.evaluation.report.measures import condition_title, measure, target_title
from espnet2_decodec.evaluation.report.media import Beside, Within
from espnet2_decodec.evaluation.report.players import recording
from espnet2_decodec.evaluation.report.plots import plots, without_rate
from espnet2_decodec.evaluation.report.tables import table

HERE = Path(__file__).parent
GENERATOR = "decodec report"
"""Stands in every page, by which it is known again."""

PLAYING = (
    "Sounds and pictures are at 16 kHz, 0 to 8 kHz from bottom to top; within one recording all pictures share "
    "one scale of 80 dB from dark to bright. Nothing is made louder or quieter. One player plays at a time; "
    "a click into a picture plays from there."
)


def build(
    data: Comparison,
    media: Beside | Within,
    title: str,
    head: dict[str, str],
    progress: Callable[[Iterable], Iterable] = iter,
    groups: Mapping[str, list[Item]] | None = None,
) -> str:
    """The HTML of the page; sounds and pictures go through `media` on the way.

    Args:
        data: what it shows.
        media: where sounds and pictures go.
        title: of the page.
        head: command, commit, date, machine and the like.
        progress: wraps the recordings while they are worked on.
        groups: examples to show beside them.

    Raises:
        ValueError: if a recording cannot be read.
    """
    groups = groups or {}
    choice = _together()
    listening = _listening(data, media, progress, choice)
    examples = [
        section(group, items, f"examples-{i}", media, None if i or data.recordings else choice)
        for i, (group, items) in enumerate(progress(list(groups.items())) if groups else ())
    ]
    sections = [_target(data, target) for target in data.targets]
    top = _top(title, head, data, list(groups))
    body = join([top, _filter(data.conditions), *sections, listening, *examples, _glossary(data)])
    parts = {"style": "page.css", "script": "page.js"}
    texts = {name: (HERE / file).read_text(encoding="utf-8") for name, file in parts.items()}
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(texts, generator=GENERATOR, title=join([title]), body=body)


def _top(title: str, head: dict[str, str], data: Comparison, groups: list[str]) -> Markup:
    """Title, what the figures must be read with, and ways into the page."""
    about = element("dl", *(element("div", element("dt", k), element("dd", v)) for k, v in head.items()))
    note = None
    if data.head is None:
        note = element("p", "summary.md is not there, so this tells how the page was made and not how the scores were.")
    links = [("target-" + str(i), target_title(t)) for i, t in enumerate(data.targets)]
    links += [("listen", "Listen"), *((f"examples-{i}", group) for i, group in enumerate(groups))]
    links += [("meaning", "What the figures mean")]
    nav = element("nav", *(element("a", text, href=f"#{anchor}") for anchor, text in links), aria_label="Sections")
    return element("header", element("h1", title), note, about, nav)


def _filter(conditions: list[str]) -> Markup:
    """One choice for each condition, and all of them."""
    choices = [
        element(
            "label",
            element("input", type="radio", name="condition", value=c, checked=c == _first(conditions)),
            element("span", condition_title(c)),
        )
        for c in conditions
    ]
    all_of_them = element(
        "label", element("input", type="radio", name="condition", data_all=True), element("span", "all")
    )
    legend = element("legend", "Condition")
    return element("fieldset", legend, *choices, all_of_them, id="filter", hidden=True)


def _first(conditions: list[str]) -> str:
    """The condition to begin with: the SNR nearest to 0 dB, else the first."""
    return min(conditions, key=lambda c: (condition_order(c)[0], abs(condition_order(c)[1])))


def _target(data: Comparison, target: str) -> Markup:
    """Tables and plots of one target."""
    blocks = []
    for condition in data.conditions:
        found = table(data, target, condition)
        if found is not None:
            blocks.append(
                element("div", found, plots(data, target, condition), class_="block", data_condition=condition)
            )
    notes = []
    if not any("<svg" in block for block in blocks):
        notes.append("There are no plots: no two systems have a rate and a figure to plot.")
    unrated = without_rate(data, target)
    if blocks and unrated and not notes:
        notes.append(f"Not in the plots, because they have no rate: {', '.join(unrated)}.")
    if not blocks:
        notes = ["No figure is defined here."]
    title = element("h2", target_title(target))
    paragraphs = [element("p", note, class_="faint") for note in notes]
    return element("section", title, *blocks, *paragraphs, id=f"target-{data.targets.index(target)}")


def _together() -> Markup:
    """The choice whether players go on where another one was."""
    box = element("input", type="checkbox", id="together", checked=True)
    words = "A player that is started while another one of the same recording plays goes on from the same moment, if it is as long"
    return element("label", box, element("span", words), class_="choice", hidden=True)


def _listening(
    data: Comparison, media: Beside | Within, progress: Callable[[Iterable], Iterable], choice: Markup
) -> Markup:
    """The recordings, or why there are none."""
    title = element("h2", "Listen")
    if not data.recordings:
        words = "No recordings were kept; decodec evaluate keeps some of each condition with --keep."
        return element("section", title, element("p", words), id="listen")
    items = [recording(data, item, media) for item in progress(data.recordings)]
    strange = None
    if data.strange:
        words = f"Left out, because there are sounds but no scores of them: {', '.join(data.strange)}."
        strange = element("p", words, class_="faint")
    heard = {item.condition for item in data.recordings}
    silent = [
        element("p", f"No recording was kept: {condition_title(c)}.", class_="faint", data_condition=c)
        for c in data.conditions
        if c not in heard
    ]
    return element("section", title, element("p", PLAYING), choice, *items, *silent, strange, id="listen")


def _glossary(data: Comparison) -> Markup:
    """What each metric means; those that are defined nowhere are named."""
    empty = data.empty_metrics
    entries = []
    for metric in (m for m in data.metrics if m not in empty):
        known = measure(metric)
        direction = f" {known.better.capitalize()} is better." if known.better else ""
        entries.append(element("div", element("dt", known.heading), element("dd", known.meaning + direction)))
    words = (
        "Each figure is the mean over the recordings for which it is defined, with its 95 % bootstrap interval; \u2605 marks the "
        "best of its column (a ceiling, which is told the clean stem, is not counted). Where intervals overlap, the order is not "
        "certain. kbit/s is the total rate of the output. Each system's own delay is taken off before. "
        "A denoiser's background is the mixture less its speech; a codec that does not separate answers with the decoded "
        "mixture. A click on a heading sorts by it."
    )
    missing = None
    if empty:
        missing = element(
            "p",
            f"Left out, because they are defined nowhere: {', '.join(measure(m).heading for m in empty)}.",
        )
    content = [element("h2", "What the figures mean"), element("p", words), element("dl", *entries), missing]
    return element("section", *content, id="meaning")
