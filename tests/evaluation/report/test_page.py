"""The page as HTML: complete, self-contained, escaped, and with the values of the CSV files."""

import csv
import filecmp
import re
import shutil

import pytest

from espnet2_decodec.evaluation.metrics.info import metric_info
from espnet2_decodec.evaluation.report.labels import format_value
from espnet2_decodec.evaluation.report.page import write_report
from espnet2_decodec.evaluation.report.results import read_results


def lines(path):
    """Rows of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def references(page):
    """Everything that a browser would load."""
    return [e[1][name] for e in page.elements for name in ("src", "href", "data", "srcset") if name in e[1]]


def test_every_reference_exists_and_none_leads_elsewhere(page):
    """Files beside the page, anchors within it, and an empty icon."""
    found = references(page)
    names = {e[1]["id"] for e in page.elements if "id" in e[1]}
    assert len(names) == len([e for e in page.elements if "id" in e[1]])
    for reference in found:
        if reference.startswith("#"):
            assert reference[1:] in names
        elif reference != "data:,":
            assert re.fullmatch(r"audio/[\w.+-]+", reference) and (page.folder / reference).is_file()
    assert len(page.all("audio")) == len(page.all("img")) - len(page.all("img", **{"class": "plot"})) > 100
    assert not re.search(r"https?:|//\w+\.\w+/|@import|url\(", page.text)
    files = {f"audio/{path.name}" for path in (page.folder / "audio").iterdir()}
    assert files == {reference for reference in found if reference.startswith("audio/")}


def test_names_are_escaped(page, fake):
    """A system that is called like a script is a text; so is the title."""
    assert len(page.all("script")) == 1 and "alert(" not in page.all("script")[0][2]
    assert page.all("title")[0][2] == "A <b> & C" and page.all("h1")[0][2] == "A <b> & C"
    assert page.all("th", scope="row", **{"data-value": fake.HOSTILE})[0][2] == fake.HOSTILE
    assert fake.HOSTILE in [e[2] for e in page.all("h3")]


def test_tables_hold_the_figures_of_the_summary(page, comparison):
    """Mean and interval of every line, exactly for sorting and rounded for reading; nothing besides."""
    wanted = {}
    for line in lines(comparison / "summary.csv"):
        if line["mean"]:
            key = line["target"], line["condition"], line["system"], metric_info(line["metric"]).heading
            shown = [format_value(line["metric"], float(line[name])) for name in ("mean", "low", "high")]
            wanted[key] = float(line["mean"]), f"{shown[0]}{shown[1]} to {shown[2]}"
    assert read_tables(page) == wanted


def read_tables(page):
    """(target, condition, system, heading) -> (figure for sorting, text)."""
    found, condition, target, headings, system, column = {}, None, None, [], None, 0
    for name, attributes, text in page.elements:
        if name == "div" and attributes.get("class") == "block":
            condition = attributes["data-condition"]
        elif name == "table":
            target, headings = attributes["data-target"], []
        elif name == "button":
            headings.append(re.sub(r" [↑↓], (higher|lower) is better$", "", text))
        elif name == "th" and attributes["scope"] == "row":
            system, column = text, 0
        elif name == "td":
            column += 1
            if column > 1 and attributes["data-value"]:
                text = re.sub(r"^★ best ", "", text)
                found[target, condition, system, headings[column]] = float(attributes["data-value"]), text
    return found


def test_the_best_of_each_column_is_marked(page, comparison):
    """The largest SI-SDR and the smallest mel distance; the smallest level, but only where the reference is silent."""
    data = read_results(comparison)
    columns = {}
    for (_, condition, target), values in data.means.items():
        for metric, figure in values.items():
            if metric != "level" or (condition, target) in {
                ("clean", "background"),
                ("background", "speech"),
            }:
                columns.setdefault((condition, target, metric), []).append(figure.mean)
    best = {key: (min if key[2] in ("mel", "level") else max)(means) for key, means in columns.items()}
    equal = [
        sum(format_value(k[2], mean) == format_value(k[2], best[k]) for mean in means) for k, means in columns.items()
    ]
    assert len(page.all("td", **{"class": "best"})) == page.text.count("best </span><b>") == sum(equal)
    table = page.text[page.text.index("Speech, SNR 0 dB") :]
    for metric, choose in (("si_sdr", max), ("mel", min)):
        best = choose(v[metric].mean for (_, c, t), v in data.means.items() if (c, t) == ("0", "speech"))
        assert f'data-value="{best!r}" class="best"' in table[: table.index("</table>")]


def test_head_and_meaning(page, fake):
    """Command, commit, date and machine; what the metrics mean, and which has no figure at all."""
    definitions = dict(zip((e[2] for e in page.all("dt")), (e[2] for e in page.all("dd"))))
    assert fake.HEAD.items() <= definitions.items() and "no" not in definitions
    assert "noisy input" in definitions["SI-SDRi (dB)"] and "DNSMOS OVRL" not in definitions
    assert "Left out, because no value is defined: DNSMOS OVRL." in page.text


def test_players_are_labelled(page):
    """Their accessible names have target, system and recording, and are unique."""
    labels = [e[1]["aria-label"] for e in page.all("audio")]
    assert len(set(labels)) == len(labels) and "mixture, reference, rec0_clean" in labels
    assert all("controls" in e[1] and float(e[1]["data-seconds"]) == 0.4 for e in page.all("audio"))
    assert all(e[1]["alt"].startswith("Spectrogram: ") for e in page.all("img") if e[1].get("class") != "plot")


def test_the_same_comparison_gives_the_same_bytes(small_comparison, tmp_path):
    """Page, audio and images; a second run into the same folder removes the files of the first."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        write_report(small_comparison, folder, title="A <b> & C")
    (second / "audio" / "left-over.wav").write_bytes(b"of an earlier page")
    write_report(small_comparison, second, title="A <b> & C")
    for a, b in ((first, second), (first / "audio", second / "audio")):
        names = sorted(p.name for p in a.iterdir())
        assert names == sorted(p.name for p in b.iterdir())
        _, different, lacking = filecmp.cmpfiles(a, b, [n for n in names if "." in n], shallow=False)
        assert not different and not lacking


def test_single_page_needs_no_file(single, page):
    """As many players, all within; nothing but the page is written."""
    assert [p.name for p in single.folder.iterdir()] == ["all.html"]
    assert all(reference.startswith(("#", "data:")) for reference in references(single))
    assert len(single.all("audio")) == len(page.all("audio"))


@pytest.mark.parametrize("missing", ["wav", "summary.md", "rates", "speech rows", "references"])
def test_what_is_missing_is_left_out_with_a_sentence(fake, tmp_path, missing, read_page):
    """The page is written all the same."""
    folder = fake.write_comparison(tmp_path / "in", each=1, keep=0 if missing == "wav" else 1, conditions=("0",))
    if missing == "summary.md":
        (folder / "summary.md").unlink()
    if missing == "references":
        shutil.rmtree(folder / "wav" / "_truth")
    for name in ("scores.csv", "summary.csv"):
        found = lines(folder / name)
        if missing == "rates":
            found = [line | {"kbps": ""} for line in found]
        if missing == "speech rows":
            found = [line for line in found if line["target"] != "speech"]
        fake.write_csv(folder / name, found)
    text = read_page(write_report(folder, tmp_path / "out")).text
    words = {
        "wav": "No audio was kept",
        "summary.md": "summary.md is missing",
        "rates": "There are no plots, because fewer than two systems have both a bit rate and a score.",
        "speech rows": "Not in the plots, because they have no bit rate: noisy input, a denoiser.",
        "references": "data-seconds",
    }
    assert words[missing] in text


def test_audio_without_scores_is_named_and_left_out(fake, tmp_path, read_page):
    """Audio in wav/ from an earlier benchmark is not shown."""
    folder = fake.write_comparison(tmp_path / "in", each=1, conditions=("0",))
    (folder / "wav" / "ours 4+4").rename(folder / "wav" / "ours_4+4")
    (folder / "wav" / "encodec 6").rename(folder / "wav" / "gone")
    (folder / "wav" / "_truth" / "rec0_0.speech.flac").rename(folder / "wav" / "_truth" / "rec9_0.speech.flac")
    page = read_page(write_report(folder, tmp_path / "out"))
    assert "there is audio but no score: gone, rec9_0." in page.text
    labels = [e[1]["aria-label"] for e in page.all("audio")]
    assert not [label for label in labels if "gone" in label or "encodec 6" in label or "rec9" in label]
    assert "speech, ours 4+4, rec0_0" in labels
