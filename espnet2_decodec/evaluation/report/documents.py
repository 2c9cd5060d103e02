"""Markdown files, such as the RESULTS.md of a recognizer, as sections of a page."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup


@dataclass(frozen=True)
class Document:
    """A rendered Markdown file: the text of its first heading, or its name without one, and the HTML of the rest."""

    title: str
    html: Markup


def read_documents(paths: Iterable[str | Path]) -> list[Document]:
    """Render Markdown files with tables. HTML in them is escaped, images are not loaded.

    Raises:
        ValueError: if a file does not exist or is not text in UTF-8.
    """
    return [_render(Path(path)) for path in paths]


def _render(path: Path) -> Document:
    """Render one file; its headings become h3 and below."""
    if not path.is_file():
        raise ValueError(f"{path} is not a file; pass Markdown files such as the RESULTS.md of a recognizer.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8: {error}.") from None
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = markdown.parse(text)
    title = path.stem
    if tokens and tokens[0].tag == "h1":
        title, tokens = tokens[1].content, tokens[3:]
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    return Document(title, Markup(markdown.renderer.render(tokens, markdown.options, {})))
