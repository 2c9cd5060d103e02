"""Rules for every file that no linter checks: length, leftovers, machine paths, retired words, the map of packages."""

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 350
# Written in pieces, so that this file does not find itself.
LEFTOVERS = [
    "TO" + "DO", "FIX" + "ME", "X" + "XX", "breakpoint" + "(", "set_" + "trace",
    "strict=" + "False", "weights_only=" + "False", "<<<<" + "<<<", ">>>>" + ">>>",
]  # fmt: skip
PATHS = re.compile("|".join((r"/ho" + "me/", r"/ro" + "ot/", r"/wo" + r"rk/", r"/Us" + "ers/")))


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """All files of the repository, or below its root where git does not tell, with these suffixes."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    paths = [ROOT / line for line in listed.stdout.splitlines()] if listed.returncode == 0 else ROOT.rglob("*")
    skipped = {"site-packages", ".git", "build"}
    return tuple(
        path
        for path in paths
        if path.suffix in suffixes and path.is_file() and not path.is_symlink() and not skipped & set(path.parts)
    )


def named(path: Path) -> str:
    """For the report."""
    return str(path.relative_to(ROOT))


def lines_with(pattern: re.Pattern, suffixes: tuple[str, ...]) -> list[str]:
    """File and line of everything that a pattern finds."""
    return [
        f"{named(path)}:{number}: {line.strip()[:100]}"
        for path in files(*suffixes)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_there_is_something_to_check():
    assert len(files(".py")) > 50


def test_no_file_is_too_long():
    counts = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files(".py", ".sh")}
    assert not {name: count for name, count in counts.items() if count > LONGEST}


def test_no_leftovers():
    pattern = re.compile("|".join(map(re.escape, LEFTOVERS)))
    assert not lines_with(pattern, (".py", ".sh", ".yaml", ".toml", ".md", ".cff"))


def test_no_paths_of_one_machine():
    assert not lines_with(PATHS, (".py", ".sh", ".yaml", ".toml", ".md", ".cff"))


def test_no_blanks_at_line_ends_and_a_newline_at_the_end():
    assert not lines_with(re.compile(r"[ \t]+$"), (".py", ".sh", ".yaml", ".toml", ".md"))
    assert not [named(path) for path in files(".py", ".sh", ".yaml", ".toml") if not ends_well(path)]


def ends_well(path: Path) -> bool:
    """Empty, or one newline at the end."""
    text = path.read_text(encoding="utf-8")
    return not text or (text.endswith("\n") and not text.endswith("\n\n"))


RETIRED = """
    lapped relap made_up evenness liveliness combed vocoded_gain first_dim revive_below SteeredBlock TextToCoordinates
    begin_with decode_apart decodes_streams_apart say_all leveled speak_all
""".split()
"""Private words that once stood for standard terms: mdct, residual, latent regression, init_from, ..."""


def test_retired_words_stay_out_of_the_package():
    pattern = re.compile(rf"\b({'|'.join(RETIRED)})\b")
    assert not [line for line in lines_with(pattern, (".py",)) if line.startswith("espnet2_decodec/")]


def test_the_map_of_contributing_has_the_layers_that_the_linter_checks():
    layers = re.search(r"^layers = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)[1]
    checked = [set(re.findall(r"\w+", line)) for line in re.findall(r'"(.+?)"', layers)]
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == checked
