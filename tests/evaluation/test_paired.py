"""Paired tests: p-values that are what they should be, corrections that bound errors, and who is said to be ahead."""

import csv
import math

import numpy as np
import pytest

from espnet2_decodec.evaluation.metrics.paired import holm, signed_rank_p
from espnet2_decodec.evaluation.paired import POOLED, UNDECIDED, compare_systems, paired_markdown, write_paired

pytest.importorskip("scipy", reason="scipy is not installed")


def test_differences_of_one_sign_are_significant_and_symmetric_ones_are_not():
    assert signed_rank_p([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]) == pytest.approx(2 / 2**8)
    assert signed_rank_p([1.0, -1.0, 2.0, -2.0, 3.0, -3.0]) > 0.5
    assert signed_rank_p([0.0, 0.0]) == 1 and math.isnan(signed_rank_p([math.nan])) and math.isnan(signed_rank_p([]))
    assert signed_rank_p([1.0, math.nan, 2.0, 3.0]) == signed_rank_p([1.0, 2.0, 3.0])


def test_holm_multiplies_the_smallest_most_and_keeps_the_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0] and holm([]) == []
    corrected = holm([0.01, math.nan, 0.02])
    assert corrected[0] == pytest.approx(0.02) and math.isnan(corrected[1]) and corrected[2] == pytest.approx(0.02)


def test_without_differences_one_family_in_twenty_finds_one():
    rng = np.random.default_rng(0)
    families = [holm([signed_rank_p(rng.normal(size=15).tolist()) for _ in range(8)]) for _ in range(200)]
    assert np.mean([min(family) < 0.05 for family in families]) < 0.1


def rows_of(conditions=("music", "babble"), count=12):
    """Scores of three systems: `good` is better in each recording, `same` differs from `plain` by chance."""
    rng, rows = np.random.default_rng(1), []
    for condition in conditions:
        for i in range(count):
            pesq, error = rng.uniform(1, 3), rng.uniform(0.3, 0.6)
            for system, more in (("plain", 0.0), ("good", 0.5), ("same", 0.001 * (-1) ** i * rng.uniform(1, 2))):
                scores = {
                    "pesq": pesq + more,
                    "dwer": error - 0.2 * more,
                    "si_sdr": more,
                    "si_sdri": more,
                    "level": 9.0,
                }
                row = {"system": system, "kbps": None, "condition": condition, "seen": "", "speaker": "a"}
                rows.append(row | {"uttid": f"{condition}{i}", "target": "speech", **scores})
    return rows


def test_who_is_ahead():
    found = {(one.metric, one.condition, one.system, one.other): one for one in compare_systems(rows_of())}
    for condition in ("music", "babble", POOLED):
        for metric in ("pesq", "dwer", "si_sdri"):
            assert found[metric, condition, "plain", "good"].ahead == "good"
            assert found[metric, condition, "plain", "same"].ahead == UNDECIDED
    one = found["pesq", POOLED, "plain", "good"]
    assert one.interval.count == 24 and one.interval.mean == pytest.approx(-0.5) and one.p < one.p_corrected < 0.01
    assert one.verdict().startswith("behind: -0.50") and {key[0] for key in found} == {"pesq", "dwer", "si_sdri"}


def test_recordings_at_several_snrs_are_not_pooled_and_chosen_systems_come_first():
    found = compare_systems(rows_of(("0", "5")), ["same"])
    assert {(one.system, one.other) for one in found} == {("same", "plain"), ("same", "good")}
    assert {one.condition for one in found} == {"0", "5"}
    with pytest.raises(ValueError, match="no system 'other' to compare; there are plain, good, same"):
        compare_systems(rows_of(), ["other"])


def test_recordings_that_one_system_lacks_are_left_out():
    rows = [row for row in rows_of(("music",)) if row["system"] != "good" or row["uttid"] != "music3"]
    counts = {one.other: one.interval.count for one in compare_systems(rows, ["plain"])}
    assert counts == {"good": 11, "same": 12}


def test_the_tables(tmp_path):
    write_paired(tmp_path, compare_systems(rows_of()))
    with open(tmp_path / "paired.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 * 3 * 3 and {line["ahead"] for line in lines} == {"good", UNDECIDED}
    assert all(0 < float(line["p"]) <= float(line["p_corrected"]) <= 1 for line in lines)
    text = (tmp_path / "paired.md").read_text()
    assert "| plain | good |  | SI-SDRi; PESQ; dWER |  |" in text and "| plain | same |  |  | SI-SDRi" in text
    assert "## Speech: PESQ, higher is better" in text and "## Speech: dWER, lower is better" in text
    some = paired_markdown(
        compare_systems([row | {"pesq": 1.0} if row["condition"] == "music" else row for row in rows_of()])
    )
    assert "PESQ (babble, all)" in some and "PESQ (music)" in some
