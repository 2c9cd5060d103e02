"""Markdown files as sections of the page."""

import pytest

from espnet2_decodec.evaluation.report.documents import read_documents
from espnet2_decodec.evaluation.report.page import write_report

TEXT = """# Error rates of <asr>

Some *text* with <script>alert(1)</script> and ![an image](https://example.org/x.png).

## CER

| set | clean |
| :-- | --: |
| test | 12.3 |
"""


def test_a_document_is_a_section(fake, tmp_path, read_page):
    """Its first heading is the title, its tables are tables, and nothing in it is run or loaded."""
    (tmp_path / "RESULTS.md").write_text(TEXT)
    (tmp_path / "plain.md").write_text("No heading.")
    folder = fake.write_comparison(tmp_path / "in", each=1, keep=0, conditions=("0",))
    page = read_page(write_report(folder, tmp_path / "out", documents=[tmp_path / "RESULTS.md", tmp_path / "plain.md"]))
    titles = [e[2] for e in page.all("h2")]
    assert titles[-3:] == ["Error rates of <asr>", "plain", "Metrics"]
    assert {e[1]["href"] for e in page.all("a")} >= {"#document-0", "#document-1"}
    assert "CER" in [e[2] for e in page.all("h3")] and page.all("td", style="text-align:right")[-1][2] == "12.3"
    assert len(page.all("script")) == 1 and not [e for e in page.all("img") if "example.org" in str(e)]
    assert "<em>text</em>" in page.text and "No heading." in page.text


def test_documents_that_cannot_be_read(tmp_path):
    """Missing, and not text: one sentence with the path."""
    with pytest.raises(ValueError, match="none.md is not a file; pass Markdown files"):
        read_documents([tmp_path / "none.md"])
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="binary.md is not text in UTF-8"):
        read_documents([tmp_path / "binary.md"])
