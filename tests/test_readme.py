"""The README's own snippets run: its command lines and its Python, in their order, in one folder."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import main
from espnet2_decodec.codec import serialization
from espnet2_decodec.codec.config import TINY

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "egs2" / "decodec" / "README.md"]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str, language: str) -> list[list[str]]:
    """The words of each command line, comments left out."""
    lines = (line for block in blocks(text, language) for line in block.splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True))]


FILES = (("noisy", 2.3, 16000), ("street", 1.1, 44100), ("voice", 1.5, 16000), ("recordings/june/a", 0.7, 8000))
"""Names, seconds and sample rates of the recordings that the README speaks of."""


def recording(seconds: float, rate: int) -> np.ndarray:
    """[L, 2]: a tone that comes and goes, in noise."""
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.2 * np.sin(2 * np.pi * 200 * time) * (np.sin(2 * np.pi * 1.5 * time) > 0)
    return tone[:, None] + 0.02 * np.random.default_rng(0).standard_normal((len(time), 2))


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with recordings, and a model to take by default: the shipped one, or else one with random weights."""
    if not serialization.DEFAULT_MODEL.is_dir():
        codec = DeCodec.from_config({name: options for name, options in TINY.items() if name != "quantizer"})
        codec.save_pretrained(tmp_path / "model")
        monkeypatch.setattr(serialization, "DEFAULT_MODEL", tmp_path / "model")
    (tmp_path / "recordings" / "june").mkdir(parents=True)
    for name, seconds, rate in FILES:
        soundfile.write(tmp_path / f"{name}.wav", recording(seconds, rate), rate)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_command_lines_run(place, capsys):
    lines = commands(README, "bash")
    assert len(lines) > 5
    for words in lines:
        assert words[0] == "decodec", f"only decodec belongs in a bash block, which is run; not {words}"
        assert main(words[1:]) == 0, f"{words}: {capsys.readouterr().err}"
    written = "stems/noisy.speech.wav stems/noisy.background.wav tokens/june/a.speech.npy remix.wav converted.wav"
    for name in written.split():
        assert (place / name).stat().st_size, f"{name}, which the README names, was not written"
    assert soundfile.info("copy.wav").frames == soundfile.info("noisy.wav").frames
    assert Path("small.dcd").stat().st_size < Path("noisy.dcd").stat().st_size / 2


def test_python_runs(place):
    snippets = blocks(README, "python")
    assert len(snippets) == 3
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for snippet in snippets:
            exec(compile(snippet, "README.md", "exec"), names)
    length = soundfile.info("noisy.wav").frames
    assert names["whole"].shape == names["remix"].shape == names["stems"].speech.shape == (1, length)
    assert names["small"].speech.shape[1] == 4
    assert sum(len(samples) for samples in names["heard"]) == length
    assert int(names["second"].lengths[0]) == 12345


def test_the_tokens_of_a_batch_are_those_of_one_by_one(place):
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec("\n".join(blocks(README, "python")), names)
    alone = names["codec"].encode(names["batch"][1:, :12345])
    assert (alone.speech == names["second"].speech).all()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), f"{document.name} links to {target}, which is not there"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_set_up_commands_are_there(document):
    text = document.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    script = (ROOT / "egs2" / "decodec" / "run.sh").read_text(encoding="utf-8")
    options = set(re.findall(r"^([a-z_]+)=", script, re.MULTILINE))
    for words in commands(text, "sh"):
        program = next(word for word in words if "=" not in word)
        if program == "make":
            assert set(words[1:]) <= targets
        for word in words:
            if program.endswith("run.sh") and word.startswith("--") and " " not in word:
                assert word[2:] in options | {"help"}, f"run.sh has no option {word}"
    for module in re.findall(r"python -m (espnet2_decodec[\w.]*)", text):
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"there is no {module}"
    for config in re.findall(r"conf/[\w/]+\.yaml", text):
        assert (ROOT / config).exists(), f"there is no {config}"
