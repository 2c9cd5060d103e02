"""Command lines in the documents can be parsed, and the steps of the recipe that they name exist."""

import re
import shlex
from pathlib import Path

import pytest

from espnet2_decodec.cli import COMMANDS, build_parser
from espnet2_decodec.cli.recipe import STEPS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("egs2/decodec/*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_command_lines_are_valid(document):
    text = document.read_text(encoding="utf-8")
    assert set(re.findall(r"`decodec ([a-z]+)", text)) <= set(COMMANDS)
    assert set(re.findall(r"decodec recipe ([a-z_]+)", text)) <= set(STEPS)
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^decodec .+$", block.replace("\\\n", " "), re.MULTILINE):
            assert build_parser().parse_args(shlex.split(line, comments=True)[1:])
