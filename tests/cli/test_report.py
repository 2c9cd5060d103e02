"""decodec report: one page, and one line for each problem."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import soundfile


@pytest.fixture
def comparison(tmp_path):
    """A benchmark folder with one recording."""
    spec = spec_from_file_location("fake", Path(__file__).parents[1] / "evaluation" / "report" / "fake.py")
    fake = module_from_spec(spec)
    spec.loader.exec_module(fake)
    return fake.write_comparison(tmp_path / "out", each=1, seconds=0.1, conditions=("0",))


@pytest.fixture
def report(run):
    """The command without a model."""
    return lambda *arguments: run("report", *arguments, with_model=False)


def test_page_in_the_comparison(report, comparison):
    """The default folder; one line with the path, none with -q."""
    code, printed, lines = report(comparison)
    page = comparison / "report" / "index.html"
    assert (code, printed, len(lines)) == (0, "", 1) and page.is_file()
    assert lines[0].startswith(f"decodec: note: {page} is written, ")
    assert report(comparison, "-f", "-q") == (0, "", [])


def test_output_title_and_single(report, comparison, tmp_path):
    """-o is a folder, or a file with --single; both have the title."""
    assert report(comparison, "-o", tmp_path / "a" / "b", "--title", "Ours & theirs", "-q") == (0, "", [])
    assert report(comparison, "-o", tmp_path / "c.html", "--title", "Ours & theirs", "--single", "-q") == (
        0,
        "",
        [],
    )
    for page in (tmp_path / "a" / "b" / "index.html", tmp_path / "c.html"):
        assert "<title>Ours &amp; theirs</title>" in page.read_text(encoding="utf-8")
    assert report(comparison, "--single", "-q")[0] == 0 and (comparison / "report.html").is_file()


def test_nothing_is_overwritten_without_force(report, comparison, tmp_path):
    """A page, a file in its place, and a folder that might be somebody's music; with --force that music stays."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("precious")
    (tmp_path / "file").write_text("precious")
    (tmp_path / "music" / "audio").mkdir(parents=True)
    song = tmp_path / "music" / "audio" / "song.wav"
    song.write_text("precious")
    cases = [
        (("-o", tmp_path / "mine"), "index.html exists; add --force"),
        (("-o", tmp_path / "file"), "file is a file, but a folder is needed; --single writes one file"),
        (("-o", tmp_path / "music"), "audio exists; add --force"),
        (("-o", tmp_path / "file", "--single"), "file cannot be written: the suffix must be .html or .htm"),
        (("-o", tmp_path / "music", "--single"), "music is a folder"),
    ]
    for arguments, words in cases:
        code, printed, lines = report(comparison, *arguments)
        assert (code, printed, len(lines)) == (1, "", 1) and words in lines[0], lines
    assert report(comparison, "-o", tmp_path / "music", "-f", "-q") == (0, "", []) and song.read_text() == "precious"
    assert (tmp_path / "mine" / "index.html").read_text() == (tmp_path / "file").read_text() == "precious"


def test_broken_input_is_one_line(report, comparison, tmp_path):
    """No folder, no scores, wrong columns, a broken audio file: one line, and no page."""

    def refused(*arguments):
        code, printed, lines = report(*arguments)
        assert (code, printed, len(lines)) == (1, "", 1) and lines[0].startswith("decodec: error: "), lines
        return lines[0]

    assert "none is not a folder" in refused(tmp_path / "none")
    (comparison / "wav" / "_truth" / "rec0_0.speech.flac").write_text("no audio")
    assert "rec0_0.speech.flac is not audio" in refused(comparison)
    assert not (comparison / "report" / "index.html").exists()
    (comparison / "scores.csv").write_text("system,score\nours,1\n")
    assert "scores.csv lacks the column kbps, condition, seen, uttid, speaker, target" in refused(comparison, "-f")
    (comparison / "scores.csv").unlink()
    assert "scores.csv does not exist" in refused(comparison, "-f")


def test_missing_packages_are_named(report, comparison, monkeypatch):
    """One line with the command that installs them."""
    monkeypatch.setattr("espnet2_decodec.extras.find_spec", lambda name: None if name == "jinja2" else name)
    code, printed, lines = report(comparison)
    assert (code, printed) == (1, "") and not (comparison / "report").exists()
    assert lines == ["decodec: error: The page needs jinja2: pip install 'espnet2_decodec[report]'."]


def test_examples_on_the_page(report, comparison, tmp_path):
    """Several folders after one option; one that cannot be used is one line."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        soundfile.write(folder / "x.wav", [0.0, 0.1] * 4000, 16000)
        (folder / "examples.csv").write_text(f"group,example,label,file,note\n{folder.name},e,l,x.wav,\n")
    assert report(comparison, "-q", "--examples", *folders) == (0, "", [])
    text = (comparison / "report" / "index.html").read_text(encoding="utf-8")
    assert all(f'<section id="examples-{i}"><h2>{name}</h2>' in text for i, name in enumerate("ab"))
    code, printed, lines = report(comparison, "-f", "--examples", tmp_path / "none")
    assert (code, printed, len(lines)) == (1, "", 1) and "none is not a folder" in lines[0]
