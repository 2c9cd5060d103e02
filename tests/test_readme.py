"""Command lines and Python snippets of README and documentation run, and their links and options exist."""

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
from espnet2_decodec.voice.default_voice import DEFAULT_VOICE

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "egs2" / "decodec").glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str, language: str) -> list[list[str]]:
    """The words of each command line, comments left out."""
    lines = (line for block in blocks(text, language) for line in block.replace("\\\n", " ").splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True))]


FILES = (("noisy", 2.3, 16000), ("street", 1.1, 44100), ("recordings/june/a", 0.7, 8000))
"""Names, seconds and sample rates of the recordings that the README speaks of, beside voice.wav."""


def recording(seconds: float, rate: int) -> np.ndarray:
    """[L, 2]: a tone that comes and goes, in noise."""
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.2 * np.sin(2 * np.pi * 200 * time) * (np.sin(2 * np.pi * 1.5 * time) > 0)
    return tone[:, None] + 0.02 * np.random.default_rng(0).standard_normal((len(time), 2))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with recordings, and a model to take by default: the shipped one, or else one with random weights."""
    if not serialization.DEFAULT_MODEL.is_dir():
        codec = DeCodec.from_config({name: options for name, options in TINY.items() if name != "quantizer"})
        codec.save_pretrained(tmp_path / "model")
        monkeypatch.setattr(serialization, "DEFAULT_MODEL", tmp_path / "model")
    (tmp_path / "recordings" / "june").mkdir(parents=True)
    for name, seconds, rate in FILES:
        soundfile.write(tmp_path / f"{name}.wav", recording(seconds, rate), rate)
    soundfile.write(tmp_path / "voice.wav", *soundfile.read(DEFAULT_VOICE))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_command_lines_run(folder, capsys):
    lines = commands(README, "bash")
    assert len(lines) > 5
    for words in lines:
        assert words[0] == "decodec", f"only decodec belongs in a bash block, which is run; not {words}"
        assert main(words[1:]) == 0, f"{words}: {capsys.readouterr().err}"
    written = "stems/noisy.speech.wav stems/noisy.background.wav tokens/june/a.speech.npy remix.wav converted.wav"
    for name in written.split():
        assert (folder / name).stat().st_size, f"{name}, which the README names, was not written"
    assert soundfile.info("copy.wav").frames == soundfile.info("noisy.wav").frames
    assert Path("small.dcd").stat().st_size < Path("noisy.dcd").stat().st_size / 2


def run_python(text: str) -> dict:
    """The names that the Python blocks of a document leave."""
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for snippet in blocks(text, "python"):
            exec(compile(snippet, "snippet", "exec"), names)
    return names


def test_python_of_the_readme_runs(folder):
    names = run_python(README)
    length = soundfile.info("noisy.wav").frames
    assert names["speech"].shape == names["remix"].shape == names["stems"].speech.shape == (1, length)
    assert names["codes"].speech.shape[1] == 6
    assert names["content"].shape[2] == names["tokens"].shape[2] == names["codes"].speech.shape[2]


def test_python_of_the_documentation_runs(folder):
    names = run_python((ROOT / "docs" / "python.md").read_text(encoding="utf-8"))
    length = soundfile.info("noisy.wav").frames
    assert names["speech"].shape == names["converted"].shape == (1, length)
    assert sum(len(samples) for samples in names["decoded"]) == length
    assert int(names["second"].lengths[0]) == 12345
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
            assert {word for word in words[1:] if "=" not in word} <= targets
        for word in words:
            if program.endswith("run.sh") and word.startswith("--") and " " not in word:
                assert word[2:] in options | {"help"}, f"run.sh has no option {word}"
    for module in re.findall(r"python -m (espnet2_decodec[\w.]*)", text):
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"there is no {module}"
    for config in re.findall(r"conf/[\w/]+\.yaml", text):
        assert (ROOT / config).exists(), f"there is no {config}"
