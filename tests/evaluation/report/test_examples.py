"""Folders of examples: read, refused with one sentence, and shown with players that have unique names."""

import csv
import re
import shutil

import pytest

from espnet2_decodec.evaluation.examples import (
    Example,
    file_name,
    read_examples,
    remove_examples,
    write_examples,
)
from espnet2_decodec.evaluation.report.page import write_report


def section(page, title):
    """The elements of the section with this heading."""
    starts = [i for i, e in enumerate(page.elements) if e[0] == "section"]
    for start, end in zip(starts, [*starts[1:], None]):
        found = page.elements[start:end]
        if any(e[0] == "h2" and e[2] == title for e in found):
            return found
    raise AssertionError(title)


def test_every_group_is_a_section_with_its_players(page_with_examples, fake):
    """Linked from the top, after the recordings; labels, notes and names are escaped."""
    page = page_with_examples
    titles = [e[2] for e in page.all("h2")]
    assert titles[titles.index("Recordings") + 1 :] == ["Voice conversion", fake.HOSTILE, "Metrics"]
    links = {e[2]: e[1]["href"] for e in page.all("a")}
    for group in titles[-3:-1]:
        parts = section(page, group)
        assert links[group] == f"#{parts[0][1]['id']}"
        assert [e[2] for e in parts if e[0] == "b" and e[2].startswith("utt")] == ["utt 1", "utt 2"]
        folded = [e[1] for e in parts if e[0] == "details"]
        assert [("open" in attributes) for attributes in folded] == [True, False]
        assert all("data-condition" not in attributes for attributes in folded)
        audio = [e[1] for e in parts if e[0] == "audio"]
        assert [a["aria-label"] for a in audio[:2]] == [f"source, utt 1, {group}", f"converted, utt 1, {group}"]
        assert all("controls" in a and a["preload"] == "none" for a in audio) and len(audio) == 6
        captions = [e[2] for e in parts if e[0] == "figcaption"]
        assert captions[1] == "converted 0.4 s, similarity 0.61 & <more>" and captions[2] == "reference 0.9 s"
    labels = [e[1]["aria-label"] for e in page.all("audio")]
    assert len(set(labels)) == len(labels)


def test_files_are_copied_and_nothing_leads_elsewhere(page_with_examples):
    """All media are in the folder of the page; the same audio of two groups is stored once."""
    page = page_with_examples
    found = [e[1]["src"] for e in page.elements if "src" in e[1]]
    assert all(re.fullmatch(r"audio/[\w.+-]+", place) and (page.folder / place).is_file() for place in found)
    assert {f"audio/{path.name}" for path in (page.folder / "audio").iterdir()} == set(found)
    assert not re.search(r"https?:|url\(", page.text)
    first, second = (
        [e[1]["src"] for e in section(page, g) if e[0] == "audio"] for g in [e[2] for e in page.all("h2")][-3:-1]
    )
    assert first == second


def test_as_one_file(small_comparison, examples, tmp_path, read_page):
    page = read_page(write_report(small_comparison, tmp_path / "all.html", single=True, examples=[examples]))
    assert [path.name for path in tmp_path.iterdir()] == ["all.html"]
    assert all(e[1]["src"].startswith("data:") for e in page.elements if "src" in e[1])
    assert len([e for e in section(page, "Voice conversion") if e[0] == "audio"]) == 6


def test_a_page_without_recordings_has_the_choice_beside_the_examples(fake, examples, tmp_path, read_page):
    """It appears once, and not at all without players."""
    folder = fake.write_comparison(tmp_path / "in", each=1, keep=0, conditions=("0",))
    page = read_page(write_report(folder, tmp_path / "out", examples=[examples, examples]))
    assert len(page.all("input", id="together")) == 1
    assert [e for e in section(page, "Voice conversion") if e[1].get("id") == "together"]
    assert len([e for e in section(page, "Voice conversion") if e[0] == "details"]) == 4
    plain = read_page(write_report(folder, tmp_path / "plain"))
    assert not plain.all("input", id="together") and "examples-0" not in plain.text


def test_what_was_written_is_read(tmp_path):
    """Commas, quotes and line breaks too; removing leaves other files alone."""
    lines = [Example("g", "e", 'a "b", c', "one.wav", "x,\ny"), Example("g", "e", "d", "sub/two.wav")]
    write_examples(tmp_path, lines)
    (tmp_path / "sub").mkdir()
    for name in ("one.wav", "sub/two.wav", "mine.wav"):
        (tmp_path / name).touch()
    assert read_examples(tmp_path) == lines
    remove_examples(tmp_path)
    remove_examples(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine.wav", "sub"]
    assert file_name("a b/c", "..", "x,y") == "a-b-c.x.x-y.wav"


def change(folder, old, new):
    """The table with something else in it."""
    path = folder / "examples.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("group,example", "section,example", "lacks the column group"),
        ("source.wav", "gone.wav", "names gone.wav, which does not exist"),
        ("source.wav", "../source.wav", "line 2: ../source.wav is outside the folder of the table"),
        ("source.wav", "/source.wav", "line 2: /source.wav is outside the folder of the table"),
        (",converted,", ",source,", "the label 'source' of 'utt 1' is repeated"),
        (",converted,", ",,", "line 3 has no label"),
        (",reference,reference.wav,", ",reference,reference.wav", "line 4 does not have one field for each column"),
        (",reference,reference.wav,", ',"reference,reference.wav,', "is not a CSV file in UTF-8"),
    ],
)
def test_tables_that_cannot_be_used(small_comparison, examples, tmp_path, old, new, words):
    """The file and the line are named, and no page is left."""
    folder = shutil.copytree(examples, tmp_path / "examples")
    change(folder, old, new)
    with pytest.raises(ValueError, match=re.escape(words)) as problem:
        write_report(small_comparison, tmp_path / "out", examples=[folder])
    assert "examples.csv" in str(problem.value) and "\n" not in str(problem.value)
    assert not (tmp_path / "out").exists()


def test_folders_that_cannot_be_used(small_comparison, examples, tmp_path):
    """Missing, without a table, with an empty one, with a broken audio file."""
    with pytest.raises(ValueError, match="none is not a folder"):
        write_report(small_comparison, tmp_path / "out", examples=[tmp_path / "none"])
    with pytest.raises(ValueError, match=r"has no examples\.csv"):
        write_report(small_comparison, tmp_path / "out", examples=[tmp_path])
    write_examples(tmp_path, [])
    with pytest.raises(ValueError, match="contains no examples"):
        write_report(small_comparison, tmp_path / "out", examples=[tmp_path])
    folder = shutil.copytree(examples, tmp_path / "examples")
    (folder / "reference.wav").write_text("no audio")
    with pytest.raises(ValueError, match=r"reference\.wav is not audio"):
        write_report(small_comparison, tmp_path / "out", examples=[folder])
    assert not (tmp_path / "out" / "index.html").exists()


def test_the_columns_are_those_of_the_help(examples):
    """As the help of the command has them."""
    with open(examples / "examples.csv", newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["group", "example", "label", "file", "note"]
