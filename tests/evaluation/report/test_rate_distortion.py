"""Rate-distortion plots: which systems form a line, where points are, labels that do not overlap."""

from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from espnet2_decodec.evaluation.report.rate_distortion import (
    STYLE,
    families,
    family,
    plot,
    plot_svg,
    systems_without_rate,
)
from espnet2_decodec.evaluation.report.results import read_results


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
    """Numbers after a letter stay."""
    assert family(system) == name


def test_one_line_for_a_family_with_legend(comparison, fake):
    """Points run from low rate to high, with a confidence interval each; systems without a rate are named."""
    results = read_results(comparison)
    assert families(results) == ["ours", "encodec", "a denoiser, then opus", fake.HOSTILE]
    assert systems_without_rate(results, "speech") == ["noisy input", "a denoiser"]
    figure = plot(results, "speech", "0")
    assert [axes.get_title().split("\n")[0] for axes in figure.axes] == ["SI-SDR (dB)", "mel distance", "PESQ", "STOI"]
    assert [axes.get_title().split("\n")[1][:6] for axes in figure.axes] == ["higher", "lower ", "higher", "higher"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == families(results)
    for axes in figure.axes:
        rates = [list(container.lines[0].get_xdata()) for container in axes.containers]
        assert rates == [[1, 2, 4, 8], [1.5, 6], [12], [3]] and axes.get_xlim()[0] == 0
        assert all(
            len(container.lines[2][0].get_segments()) == len(container.lines[0].get_xdata())
            for container in axes.containers
        )
    values = axes.containers[1].lines[0].get_ydata()
    assert list(values) == [results.means[f"encodec {rate}", "0", "speech"]["stoi"].mean for rate in ("1.5", "6")]


def test_texts_of_a_plot_are_apart(comparison):
    """Titles, tick labels and legend do not overlap and lie within the figure."""
    with matplotlib.rc_context(STYLE):
        figure = plot(read_results(comparison), "speech", "0")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label)]
    texts += figure.legends[0].get_texts()
    for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        low, high = axis.get_view_interval()
        texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = [text.get_window_extent(renderer) for text in texts]
    assert len(boxes) > 20
    for i, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[i + 1 :]), texts[i]


def test_a_plot_is_an_image_that_follows_the_theme(comparison, fake):
    """Valid SVG in which names are escaped and text takes the color of the page."""
    svg = plot_svg(read_results(comparison), "speech", "0")
    root = ElementTree.fromstring(svg)
    texts = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert fake.HOSTILE in texts and "kbit/s" in texts
    assert b"prefers-color-scheme" in svg and b"currentColor" in svg and b"<script" not in svg


def test_no_plot_where_nothing_is_defined(comparison):
    """The speech of a background alone has a level only."""
    results = read_results(comparison)
    assert plot(results, "speech", "background") is None and plot_svg(results, "speech", "background") is None
