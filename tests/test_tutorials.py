"""Every command and snippet of the tutorials runs, in a folder that looks like a clone, and so does the notebook."""

import contextlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from espnet2_decodec.cli import main
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.training import __main__ as training
from espnet2_decodec.tts.synthesizer import Synthesizer
from local import prepare

ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))

SHORTER = {
    "python -m espnet2_decodec.training": "--set batch_size=2 trainer_conf.steps=5 trainer_conf.minutes=1 "
    "codec_conf.codec.backbone.channels=16 codec_conf.codec.quantizer.codebook_size=16 "
    "codec_conf.schedule.pretraining_steps=1 codec_conf.schedule.unquantized_steps=3 "
    "codec_conf.schedule.kmeans_frames=200 --device cpu",
    "decodec recipe make_mixtures": "--snrs 5 --seconds 0.5 1",
    "decodec evaluate": "--limit 1 --conditions 5 --metrics si_sdr",
}
"""Options that make a command shorter."""
NAMED = ("vm_opts", "winter_wind", "autumn_rain", "vm_tempgreeting2", "conf_nonextended")
"""Recordings that the tutorials name; of the others there are few."""
PROGRAMS = {"espnet2_decodec.training": training.main, "local.prepare": prepare.main}


@pytest.fixture
def clone(tmp_path, monkeypatch, vocoder_config):
    """A folder with some recordings and the configs of a clone, and a tiny text-to-speech model."""
    (tmp_path / "conf").symlink_to(ROOT / "conf")
    copied = tmp_path / "local" / "mini"
    for folder in (ROOT / "local" / "mini" / "audio").iterdir():
        files = sorted(folder.iterdir())
        named = [path for path in files if path.stem in NAMED] + files[: 4 if folder.name == "asterisk_en" else 1]
        for path in named:
            (copied / "audio" / folder.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copied / "audio" / folder.name)
    shutil.copy(ROOT / "local" / "mini" / "manifest.tsv", copied)
    torch.manual_seed(0)
    codec = DeCodec.from_config(vocoder_config).eval()
    for quantizer in (codec.speech_quantizer, codec.background_quantizer):
        quantizer.init_kmeans(0.2 * torch.randn(400, 12), 2)
    letters = CharacterTokenizer.from_texts(["The conference is now locked."]).tokens
    Synthesizer(list(letters), codec, {"channels": 16}).save_pretrained(tmp_path / "exp/tts/model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_command(line: str) -> None:
    """Run `decodec` and `python -m` in this process, and anything else by the shell."""
    shorter = next((options for start, options in SHORTER.items() if line.startswith(start)), "")
    words = shlex.split(f"{line} {shorter}", comments=True)
    if words[0] == "decodec":
        assert main(words[1:]) == 0, line
    elif words[:2] == ["python", "-m"]:
        PROGRAMS[words[2]](words[3:])
    else:
        subprocess.run(["bash", "-c", line], check=True)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorials_run(clone, path):
    blocks = re.findall(r"^```(bash|python)\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    names: dict = {}
    for language, block in blocks:
        with contextlib.redirect_stdout(io.StringIO()):
            if language == "python":
                exec(compile(block, path.name, "exec"), names)
            else:
                for line in filter(None, block.replace("\\\n", " ").splitlines()):
                    run_command(line)
    for output in re.findall(r" -o (\S+)", path.read_text(encoding="utf-8")):
        assert (clone / output).exists(), output
    if "losses" in names:
        assert names["losses"][-1] < 0.7 * names["losses"][0]


def test_the_notebook_runs(clone, monkeypatch, capsys):
    """Its code cells in order; IPython, which plays and shows, is replaced."""
    pytest.importorskip("matplotlib").use("Agg")
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython, ipython.version_info = lambda: None, (9, 0)
    display.Audio, shown = lambda data, rate: (data, rate), []
    display.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    notebook = json.loads((ROOT / "docs" / "tutorials" / "first_hour.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4 and not any(cell.get("outputs") for cell in notebook["cells"])
    names: dict = {}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    printed = capsys.readouterr().out
    gains = [float(value) for value in re.findall(r"SI-SDR of the speech, .+: (-?[\d.]+) dB", printed)]
    assert len(gains) == 3 and gains[2] > gains[0] + 2
    assert len(shown) == 8 and all(rate == 16000 and len(data) for data, rate in shown)
