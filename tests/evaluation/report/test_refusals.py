"""Benchmark folders that cannot be read: one sentence that names the file."""

import pytest

from espnet2_decodec.evaluation.report.page import write_report
from espnet2_decodec.evaluation.report.results import read_results


def replaced(folder, name, old, new):
    """Replace text in a file of the benchmark."""
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("name", ["scores.csv", "summary.csv"])
def test_tables_that_cannot_be_used(fake, tmp_path, name):
    """Not there, empty, without a column, with a short line, with a word for a number, not text at all."""
    folder = fake.write_comparison(tmp_path, each=1, keep=0)
    replaced(folder, name, "kbps,", "rate,")
    with pytest.raises(ValueError, match=f"{name} lacks the column kbps; it has system, rate"):
        read_results(folder)
    replaced(folder, name, "rate,", "kbps,")
    read_results(folder)
    good = (folder / name).read_text(encoding="utf-8")
    cut = good[: good.rindex(",")]
    for content, words in (
        (cut, rf"{name}, line \d+: \d+ fields for \d+ columns"),
        (good.replace("-5,", "-5,,", 1), rf"{name}, line 2: \d+ fields"),
        (good.splitlines()[0], "contains no scores"),
        ("", "contains no scores"),
    ):
        (folder / name).write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=words):
            read_results(folder)
    lines = good.splitlines()
    lines[1] = lines[1][: lines[1].rindex(",")] + ",many"
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=f"{name}, line 2: .* is 'many', which is not a number"):
        read_results(folder)
    (folder / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not a CSV file in UTF-8"):
        read_results(folder)
    (folder / name).unlink()
    with pytest.raises(ValueError, match=f"{name} does not exist; pass the output folder of `decodec evaluate`"):
        read_results(folder)


def test_broken_audio_stops_the_page(fake, tmp_path):
    """The file is named, and no page is left that would look whole."""
    folder = fake.write_comparison(tmp_path / "in", each=1, conditions=("0",))
    broken = folder / "wav" / "_truth" / "rec0_0.speech.flac"
    broken.write_bytes(b"no audio")
    with pytest.raises(ValueError, match=r"rec0_0\.speech\.flac is not audio"):
        write_report(folder, tmp_path / "out")
    assert not (tmp_path / "out" / "index.html").exists()


def test_values_that_are_not_finite_are_undefined(fake, tmp_path):
    """As empty ones are."""
    folder = fake.write_comparison(tmp_path, each=1, keep=0)
    before = read_results(folder).means["ours 8+8", "0", "speech"]
    line = next(
        t for t in (folder / "summary.csv").read_text().splitlines() if t.startswith("ours 8+8,8,0,speech,pesq,")
    )
    replaced(folder, "summary.csv", line, "ours 8+8,8,0,speech,pesq,nan,-inf,,0")
    after = read_results(folder).means["ours 8+8", "0", "speech"]
    assert "pesq" in before and before.keys() - after.keys() == {"pesq"}
