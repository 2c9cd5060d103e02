"""The examples of each --help are run as they stand, in a folder with the files that they name."""

import re
import shlex
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import EXAMPLES, build_parser, main
from espnet2_decodec.cli.recipe import STEPS
from espnet2_decodec.codec import serialization
from espnet2_decodec.data.kaldi import write_table
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.evaluation.systems import decodec as decodec_system
from espnet2_decodec.tts.synthesizer import Synthesizer
from espnet2_decodec.voice.default_voice import DEFAULT_VOICE

SHORTER = {
    "evaluate": "--limit 1 --conditions 5 --metrics si_sdr",
    "librispeech": "--limit 1 --systems recordings=mixture decodec --metrics stoi --recognizer none",
    "probe": "--probes tokens",
    "push": "--dry-run not-uploaded",
}
"""Options that make an example shorter."""


def examples(text: str) -> list[str]:
    """Return the command lines of an epilog, without the explanations behind them."""
    lines = re.findall(r"^  (decodec .*)$", re.sub(r" *\\\n *", " ", text or ""), re.MULTILINE)
    return [re.split(r" {3,}", line)[0] for line in lines]


def epilogs() -> dict[str, str]:
    """Return the epilog of each command, and of each step of the recipe."""
    (commands,) = (action for action in build_parser()._actions if action.dest == "command")
    found = {"decodec": EXAMPLES} | {name: parser.epilog for name, parser in commands.choices.items()}
    (steps,) = (action for action in commands.choices["recipe"]._actions if action.dest == "step")
    assert steps.choices.keys() == STEPS.keys()
    for name, parser in steps.choices.items():
        parser.add_pending()
        found[f"recipe {name}"] = parser.epilog
    return found


LINES = [(name, line) for name, text in epilogs().items() for line in examples(text)]


@pytest.fixture(scope="module")
def files(tmp_path_factory, vocoder_config):
    """A folder with all files that the examples name, and a tiny model with as many levels as that of the package."""
    folder, rng = tmp_path_factory.mktemp("examples"), np.random.default_rng(0)
    torch.manual_seed(0)
    quantizer = {"speech_levels": 10, "background_levels": 6, "codebook_size": 16}
    codec = DeCodec.from_config({**vocoder_config, "quantizer": quantizer}).eval()
    for part in (codec.speech_quantizer, codec.background_quantizer):
        part.init_kmeans(0.2 * torch.randn(400, 12), 2)
    codec.save_pretrained(folder / "exp/model")
    voice = Synthesizer(
        list(CharacterTokenizer.from_texts(["Good morning. The conference is now locked."]).tokens),
        codec,
        {"channels": 16},
    )
    voice.save_pretrained(folder / "exp/tts/model")
    shutil.copytree(folder / "exp/tts", folder / "exp/tts_mini")
    for name in ("noisy", "street", "voice", "recordings/a", "recordings/b"):
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / f"{name}.wav", 0.1 * rng.normal(size=20000), 16000)
    speech = soundfile.read(DEFAULT_VOICE)[0][8000:48000]
    for name in ("noisy", "voice"):
        soundfile.write(folder / f"{name}.wav", speech + 0.002 * rng.normal(size=len(speech)), 16000)
    (folder / "chapter.txt").write_text("Good morning.\n", encoding="utf-8")
    (folder / "noisy.raw").write_bytes((3000 * rng.normal(size=8000)).astype("<i2").tobytes())
    (folder / "LibriSpeech/test-clean/1/2").mkdir(parents=True)
    soundfile.write(folder / "LibriSpeech/test-clean/1/2/1-2-0000.flac", 0.1 * rng.normal(size=16000), 16000)
    (folder / "LibriSpeech/test-clean/1/2/1-2.trans.txt").write_text("1-2-0000 A WORD\n")
    fake = _load_fake()
    fake.write_comparison(folder / "exp/results/test/evaluation", each=1, seconds=0.1, conditions=("0",))
    (folder / "exp/results/test/conversion/examples").mkdir(parents=True)
    fake.write_examples(folder / "exp/results/test/conversion/examples", "Voice conversion")
    for name in ("test", "test_seen"):
        _write_mixtures(folder / "dump/standard" / name, rng, "" if name == "test" else "_seen")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serialization, "DEFAULT_MODEL", folder / "exp/model")
        assert main(["encode", str(folder / "noisy.wav"), "-o", str(folder / "noisy.dcd"), "-q"]) == 0
        assert main(["encode", str(folder / "recordings"), "-o", str(folder / "tokens"), "--npy", "-q"]) == 0
    return folder


def _load_fake():
    """The module that writes results of a benchmark without computing them."""
    spec = spec_from_file_location("fake", Path(__file__).parents[1] / "evaluation" / "report" / "fake.py")
    fake = module_from_spec(spec)
    spec.loader.exec_module(fake)
    return fake


def _write_mixtures(folder, rng, suffix):
    """Write a set of test mixtures with two speakers."""
    folder.mkdir(parents=True)
    tables = {}
    for index, who in enumerate(("asterisk_en", "boris") * 2):
        for condition in ("5", "clean"):
            key = f"{who}_{index}_{condition}{suffix}"
            speech, background = 0.1 * rng.normal(size=8000), 0.05 * rng.normal(size=8000) * (condition != "clean")
            values = {"utt2snr": condition, "utt2spk": who, "text": "a word"}
            for stem, wav in (("mixture", speech + background), ("speech", speech), ("background", background)):
                soundfile.write(folder / f"{key}.{stem}.wav", wav, 16000, subtype="FLOAT")
                values[f"{stem}.scp"] = folder / f"{key}.{stem}.wav"
            for name, value in values.items():
                tables.setdefault(name, {})[key] = value
    for name, table in tables.items():
        write_table(folder / name, table)


@pytest.mark.parametrize("name", sorted({name for name, _ in LINES}))
def test_examples_of_the_help(files, tmp_path, monkeypatch, capsys, name):
    """All examples of one help, one after another in one folder: none writes what another has written."""
    for module in (serialization, decodec_system):
        monkeypatch.setattr(module, "DEFAULT_MODEL", files / "exp/model")
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    if name == "app":
        pytest.importorskip("gradio")
        monkeypatch.setattr("espnet2_decodec.cli.app._wait", lambda: None)
    if name == "export":
        pytest.importorskip("onnx")
    lines = [line for owner, line in LINES if owner == name and "COMMAND" not in line]
    outputs = [match[1] for line in lines if (match := re.search(r" -o (\S+)", line))]
    names = [output for output in outputs if "." in output]
    assert lines and len(names) == len(set(names))
    for output in outputs:
        if output == "tokens":
            shutil.rmtree(output)
        elif (tmp_path / output).exists():
            (tmp_path / output).unlink()
    for line in lines:
        command = shlex.split(line)[1]
        shorter = "" if "--dry-run" in line else SHORTER.get(command, "")
        code = main(shlex.split(f"{line} {shorter}")[1:])
        output = capsys.readouterr()
        assert code == 0 and "error" not in output.err, (line, output.err)
    assert all((tmp_path / output).exists() for output in outputs)
