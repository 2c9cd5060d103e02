"""Types of options, and that every option with a number has one."""

from argparse import ArgumentTypeError
from pathlib import Path

import pytest
import torch

from espnet2_decodec.arguments import decibels, device, finite_float, positive_float, positive_int, random_seed

ROOT = Path(__file__).parents[1]


def test_numbers():
    assert (finite_float("-5e-4"), decibels("-60"), positive_float("0.5"), positive_int("3")) == (-5e-4, -60.0, 0.5, 3)


@pytest.mark.parametrize("kind", [finite_float, decibels, positive_float, positive_int])
@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "five", "", "NaN"])
def test_what_is_not_a_finite_number_is_refused(kind, text):
    with pytest.raises(ArgumentTypeError, match="is not a"):
        kind(text)


@pytest.mark.parametrize(
    ("kind", "text"), [(decibels, "1e9"), (decibels, "-301"), (positive_float, "0"), (positive_int, "0")]
)
def test_numbers_outside_the_range_are_refused(kind, text):
    with pytest.raises(ArgumentTypeError):
        kind(text)


@pytest.mark.parametrize("text", ["-1", "1.5", "4294967296", "99999999999999999999999"])
def test_seeds_beyond_32_bits_are_refused(text):
    assert random_seed("0") == 0 and random_seed("4294967295") == 2**32 - 1
    with pytest.raises(ArgumentTypeError, match=r"is not within 0\.\.4294967295|is not a whole number"):
        random_seed(text)


def test_no_option_takes_any_float():
    """`type=float` accepts nan and inf."""
    files = [
        path for folder in ("espnet2_decodec", "local", "benchmarks", "egs2") for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(files) > 100
    assert not [str(path) for path in files if " type=float" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", ["meta", "gpu", "cuda:999", "", "cpu:1:2", "fpga"])
def test_devices_that_cannot_compute_are_refused(name):
    with pytest.raises(ArgumentTypeError, match=f"^device {name!r} cannot be used: .+"):
        device(name)


def test_devices_that_compute():
    assert device("cpu") == "cpu" and device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
