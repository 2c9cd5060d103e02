"""Rules that hold for every file: short, documented, without leftovers."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

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
    skipped = {".venv", ".git", "build"}
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


def public(tree: ast.AST, prefix: str = "") -> list[tuple[str, ast.AST]]:
    """Public classes, functions and methods: those of private classes and of functions are nobody else's business."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            found.append((prefix + node.name, node))
            if isinstance(node, ast.ClassDef):
                found += public(node, f"{node.name}.")
    return found


@pytest.mark.parametrize("folder", ["espnet2_decodec", "local", "egs2"])
def test_everything_public_has_a_docstring(folder):
    missing = []
    for path in files(".py"):
        if path.relative_to(ROOT).parts[0] != folder:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if tree.body and not ast.get_docstring(tree):
            missing.append(named(path))
        missing += [f"{named(path)}: {name}" for name, node in public(tree) if not ast.get_docstring(node)]
    assert not missing


def test_the_codec_and_its_training_do_not_import_espnet():
    """Only the named glue may; SEANet's layers are imported where they are built."""
    allowed = {"seanet.py"}
    importing = re.compile(r"^(from|import) (espnet2?|espnetez)\b")
    for path in files(".py"):
        place = path.relative_to(ROOT).parts
        if place[:2] in {("espnet2_decodec", "codec"), ("espnet2_decodec", "training")} and path.name not in allowed:
            found = [line for line in path.read_text(encoding="utf-8").splitlines() if importing.search(line)]
            assert not found, f"{named(path)}: {found}"
