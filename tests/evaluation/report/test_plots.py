"""Rate-distortion plots: which systems make a line, where points are, labels that do not overlap."""

import re

import pytest

from espnet2_decodec.evaluation.report.axes import spread, ticks
from espnet2_decodec.evaluation.report.comparison import read_comparison
from espnet2_decodec.evaluation.report.plots import GAP, families_of, family, plots, without_rate


@pytest.mark.parametrize(
    "system, name",
    [
        ("decodec-levels4", "decodec"),
        ("decodec-16k-speech4-background2", "decodec-16k"),
        ("ours-1", "ours"),
        ("ours 4+4", "ours"),
        ("encodec-1.5", "encodec"),
        ("opus 12 kbps", "opus"),
        ("opus (12 kbit/s)", "opus"),
        ("gtcrn+encodec-3", "gtcrn+encodec"),
        ("decodec-v2", "decodec-v2"),
        ("rnnoise", "rnnoise"),
        ("12", "12"),
    ],
)
def test_a_family_is_the_name_without_levels_and_rates(system, name):
    """What a letter stands before stays."""
    assert family(system) == name


@pytest.mark.parametrize("low, high", [(0, 8), (-3.2, 11.7), (0.612, 0.633), (5, 5), (0, 0), (-60, -20), (0, 1e-3)])
def test_ticks_are_few_and_around(low, high):
    """Three to eight, evenly apart."""
    found = ticks(low, high)
    steps = {round(b - a, 9) for a, b in zip(found, found[1:])}
    assert found[0] <= low + 1e-9 and found[-1] >= high - 1e-9 and 3 <= len(found) <= 8 and len(steps) == 1


def test_labels_are_kept_apart():
    """In order, with a gap, and within the field while there is room."""
    found = spread([50, 51, 10, 99, 98], 14, 0, 100)
    order = sorted(found)
    assert all(b - a >= 14 - 1e-9 for a, b in zip(order, order[1:])) and order[0] >= 0 and order[-1] <= 100
    assert found[2] < found[0] < found[1] < found[4] < found[3]
    assert spread([10, 60], 14, 0, 100) == [10, 60]
    crowded = spread([5] * 20, 14, 0, 100)
    assert min(crowded) == 0 and sorted(crowded) == crowded


def test_one_line_for_a_family_with_legend_and_names(comparison, fake):
    """Points run from low rate to high; names stand in the legend and at the lines; systems without a rate are named."""
    data = read_comparison(comparison)
    assert families_of(data) == ["ours", "encodec", "a denoiser, then opus", fake.HOSTILE]
    assert without_rate(data, "speech") == ["untouched mixture", "a denoiser"]
    found = plots(data, "speech", "0")
    assert found.count('role="img"') == 4 and found.count("<li>") == 4 and "SI-SDR dB, higher is better" in found
    assert "<script" not in found and found.count(">encodec</text>") == 4
    first = found[found.index('role="img"') :].split("</svg>")[0]
    courses = re.findall(r'd="M([^"]+)" class="line"', first)
    assert [course.count("L") for course in courses] == [3, 1, 0, 0]
    for course in courses:
        across = [float(point.split()[0]) for point in course.split("L")]
        assert across == sorted(across)
    heights = [float(y) for y in re.findall(r'x="299" y="([\d.]+)"', first)]
    assert len(heights) == 4 and all(b - a >= GAP - 0.2 for a, b in zip(sorted(heights), sorted(heights)[1:]))


def test_no_plot_where_nothing_is_defined(comparison):
    """The speech of background alone has a level only."""
    assert plots(read_comparison(comparison), "speech", "background") is None
