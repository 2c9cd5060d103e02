"""Scores of all kinds of systems and targets on the same mixtures."""

import math

import pytest
import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import PRETRAINED
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.evaluation.benchmark import SAMPLE_RATE, loop_frames, run_benchmark
from espnet2_decodec.evaluation.metrics.registry import METRICS
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.systems import specs

FAST = ("si_sdr", "sdr", "mel")


ALL_SYSTEMS = ("mixture", "silence", "codec=decodec:{0}", "free=decodec:{0}:unquantized", "top=decodec:{0}:ceiling",
               "rest=decodec:{0}:residual")  # fmt: skip


@pytest.fixture(scope="module")
def rows(mixtures, model, tmp_path_factory):
    """Everything that can be scored of a codec and of trivial baselines."""
    systems = [spec.format(model) for spec in ALL_SYSTEMS]
    out = tmp_path_factory.mktemp("out")
    return run_benchmark(mixtures, systems, out, FAST, ("speech", "background", "mixture", "remix")).rows


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


def test_a_residual_and_the_decoded_speech_add_up_to_the_mixture(mixtures, model):
    item = MixtureSet(mixtures).load(MixtureSet(mixtures).keys[0], SAMPLE_RATE)
    codec, residual = (specs.build(f"decodec:{model}{option}") for option in ("", ":residual"))
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


def test_fewer_levels(mixtures, model, tmp_path, rows):
    fewer = run_benchmark(mixtures, [f"codec=decodec:{model}:speech=1,background=0"], tmp_path, ("si_sdr",)).rows
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


def test_separation_stands_for_all_codecs_of_the_package_and_four_denoisers():
    named = specs.expand(["separation", "silence"])
    ours = {name: spec.split(":")[1] for name, spec in named.items() if name.startswith("decodec-")}
    assert ours == {folder.name: str(folder) for folder in PRETRAINED.glob("decodec-*")}
    assert [name for name in named if name not in ours] == [
        "mixture",
        "gtcrn",
        "deepfilternet",
        "dtln",
        "rnnoise",
        "silence",
    ]
    assert all(named[name].endswith(":unquantized") for name in ours)
