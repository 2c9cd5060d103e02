"""decodec evaluate, as a user calls it."""

import csv
import json

import numpy as np
import pytest
import soundfile

from espnet2_decodec.cli import main
from espnet2_decodec.data.kaldi import write_table


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two recordings at 5 dB and two clean ones."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    tables = {name: {} for name in ("mixture.scp", "speech.scp", "background.scp", "utt2snr", "utt2spk")}
    for index in range(2):
        for condition in ("5", "clean"):
            key = f"anna_{index:03d}_{condition}"
            speech = 0.1 * rng.normal(size=9000)
            background = 0.05 * rng.normal(size=9000) * (condition != "clean")
            for stem, wav in (("mixture", speech + background), ("speech", speech), ("background", background)):
                path = folder / f"{key}.{stem}.wav"
                soundfile.write(path, wav, 16000, subtype="FLOAT")
                tables[f"{stem}.scp"][key] = path
            tables["utt2snr"][key], tables["utt2spk"][key] = condition, "anna"
    for name, table in tables.items():
        write_table(folder / name, table)
    return folder


def test_a_comparison(run, data, model, tmp_path):
    arguments = ["--data", data, "--out", tmp_path, "--metrics", "si_sdr", "sdr", "--keep", 1, "--systems"]
    code, out, err = run("evaluate", *arguments, "mixture", f"ours=decodec:{model}:levels=1..2", with_model=False)
    assert code == 0 and not out
    assert any("12 estimates were computed" in line for line in err)
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["system"] for row in rows} == {"mixture", "ours-1", "ours-2"}
    assert (tmp_path / "summary.csv").is_file() and "SI-SDR" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "wav" / "ours-2" / "anna_000_clean.mixture.flac").is_file()
    assert (tmp_path / "wav" / "_truth" / "anna_000_5.background.flac").is_file()
    before = (tmp_path / "scores.csv").read_bytes()
    code, _, err = run("evaluate", *arguments, "mixture", f"ours=decodec:{model}:levels=1..2", with_model=False)
    assert code == 0 and any("0 estimates were computed" in line for line in err)
    lines = json.loads(run("evaluate", *arguments, "mixture", "--json", with_model=False)[1])
    assert {(line["system"], line["condition"], line["count"]) for line in lines if line["metric"] == "sdr"} >= {
        ("mixture", "5", 2), ("mixture", "clean", 2),
    }  # fmt: skip
    code, _, err = run("evaluate", *arguments, "mixture", f"ours=decodec:{model}:levels=1..2", with_model=False)
    assert (tmp_path / "scores.csv").read_bytes() == before


def test_paired_tests_are_written_shown_on_the_page_and_removed(run, data, tmp_path):
    pytest.importorskip("scipy", reason="scipy is not installed")
    arguments = ["--data", data, "--out", tmp_path, "--metrics", "sdr", "--systems", "mixture", "silence"]
    assert run("evaluate", *arguments, "--paired", with_model=False)[0] == 0
    with open(tmp_path / "paired.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["system"], row["other"], row["condition"]) for row in rows if row["target"] == "speech"} == {
        ("mixture", "silence", "5"), ("mixture", "silence", "clean"),
    }  # fmt: skip
    code, _, err = run("evaluate", *arguments, "--paired", "nobody", with_model=False)
    assert code == 1 and "There is no system 'nobody' to compare" in err[-1]
    pytest.importorskip("jinja2", reason="the extra report is not installed")
    assert run("report", tmp_path, with_model=False)[0] == 0
    assert "<h2>Paired tests</h2>" in (tmp_path / "report" / "index.html").read_text()
    assert run("evaluate", *arguments, with_model=False)[0] == 0
    assert not list(tmp_path.glob("paired.*"))


def test_a_job_array_computes_what_one_process_does(run, data, tmp_path):
    arguments = ["--data", data, "--metrics", "si_sdr", "sdr", "--keep", 1, "--systems", "mixture", "silence"]
    assert run("evaluate", *arguments, "--out", tmp_path / "one", with_model=False)[0] == 0
    for part, count in (("2/3", 2), ("1/3", 4), ("2/3", 0), ("3/3", 2)):  # in any order, and again
        code, _, err = run("evaluate", *arguments, "--out", tmp_path / "array", "--part", part, with_model=False)
        assert code == 0 and f"{count} estimates were computed; part {part[0]} of 3 is complete" in err[-1]
    assert not (tmp_path / "array" / "scores.csv").exists()
    code, _, err = run("evaluate", *arguments, "--out", tmp_path / "array", with_model=False)
    assert code == 0 and "0 estimates were computed" in err[-1]
    one, array = ({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*") if path.suffix != ".md"}
                  for folder in (tmp_path / "one", tmp_path / "array"))  # fmt: skip
    assert one == array and any(path.suffix == ".flac" for path in one)


def test_what_is_missing_is_a_warning(run, data, tmp_path):
    systems = ["mixture", f"encodec:3:{tmp_path}"]
    code, _, err = run(
        "evaluate", "--data", data, "--out", tmp_path, "--metrics", "sdr", "--systems", *systems, with_model=False
    )
    assert code == 0 and sum("is skipped" in line for line in err) == 1
    assert "is skipped" in (tmp_path / "summary.md").read_text()
    code, _, err = run(
        "evaluate", "--data", data, "--out", tmp_path, "--metrics", "sdr", "--systems", systems[1], with_model=False
    )
    assert code == 1 and "error: None of the systems is available here" in err[-1]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--systems", "nonsense"], "There is no system 'nonsense'"),
        (["--systems", "mixture", "--metrics", "visqol"], "Unknown metric 'visqol'"),
        (["--systems", "mixture", "--conditions", "7"], "no condition '7'"),
        (["--systems", "mixture", "--keep", "-1"], "--keep takes 0 or more"),
        (["--systems", "decodec:nowhere"], "no folder"),
        (["--systems", "mixture", "--data", "{data}", "{data}"], "both have a recording anna_000_5"),
    ],
)
def test_bad_input_is_one_line(run, data, tmp_path, arguments, words):
    metrics = [] if "--metrics" in arguments else ["--metrics", "sdr"]
    arguments = [argument.format(data=data) for argument in arguments]
    code, _, err = run("evaluate", "--data", data, "--out", tmp_path, *metrics, *arguments, with_model=False)
    found = [line for line in err if "error:" in line]
    assert code == 1 and len(found) == 1 and words in found[0]
    assert not (tmp_path / "scores.csv").exists()


def test_a_folder_that_is_no_set(run, tmp_path):
    code, _, err = run("evaluate", "--data", tmp_path, "--out", tmp_path, "--systems", "mixture", with_model=False)
    assert code == 1 and "mixture.scp is not there" in err[-1]


def test_the_help_shows_rate_and_distortion(run, capsys):
    with pytest.raises(SystemExit) as stopped:
        run("evaluate", "--help", with_model=False)
    assert stopped.value.code == 0 and "levels=1..10" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--limit", "--nj"])
def test_counts_below_one_are_wrong_options(option, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--systems", "mixture", option, "0"])
    assert "'0' is not at least 1" in capsys.readouterr().err
