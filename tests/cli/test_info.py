"""decodec info, and the help of all commands."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from espnet2_decodec.cli import COMMANDS, EXAMPLES, build_parser, main
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec


def test_model(run, codec, model):
    """Parameters, latency and the rates of each number of levels."""
    code, printed, lines = run("info", model, with_model=False)
    assert code == 0 and not lines
    assert "not causal" in printed and "0.6" in printed and "16000 Hz" in printed and "16 codes" in printed


def test_content_encoder_is_counted_separately(run, tmp_path):
    """The other lines are those of the model without it."""
    DeCodec.from_config({**TINY, "content": {"dim": 4, "channels": 32}}).save_pretrained(tmp_path / "with")
    DeCodec.from_config(TINY).save_pretrained(tmp_path / "without")
    listed, plain = (run("info", tmp_path / name, with_model=False)[1].splitlines() for name in ("with", "without"))
    assert listed[2:-1] == plain[2:] and listed[-1].startswith("content       4 features")
    content = {"dim": 4, "channels": 32, "levels": 2, "codebook_size": 16}
    DeCodec.from_config({**TINY, "content": content}).save_pretrained(tmp_path / "tokens")
    last = run("info", tmp_path / "tokens", with_model=False)[1].splitlines()[-1]
    assert "tokens: 0.4 kbit/s in total, 16 codes" in last


def test_file(run, make_wav, tmp_path):
    """Header and bit rates."""
    run("encode", make_wav("a.wav", 32000), "-o", tmp_path / "a.dcd", "--background-levels", 1)
    code, printed, _ = run("info", tmp_path / "a.dcd", with_model=False)
    size = (tmp_path / "a.dcd").stat().st_size
    assert code == 0 and f"{size * 8 / 2 / 1000:.3f} kbit/s" in printed
    assert "3 levels, 0.600 kbit/s, present in 2 of 2" in printed and "1 levels, 0.200 kbit/s" in printed
    assert "2.000 s, 32000 samples at 16000 Hz" in printed


def test_json(run, codec, model, make_wav, tmp_path):
    """The same properties for programs."""
    found = json.loads(run("info", model, "--json", with_model=False)[1])
    assert found["parameters"] == sum(p.numel() for p in codec.parameters()) and found["hop"] == codec.hop
    assert found["speech_kbps"] == [codec.kbps(k + 1) for k in range(codec.speech_levels)] and not found["causal"]
    run("encode", make_wav("a.wav", 32000), "-o", tmp_path / "a.dcd", "--background-levels", 1)
    file = json.loads(run("info", tmp_path / "a.dcd", "--json", with_model=False)[1])
    assert (file["samples"], file["seconds"], file["model_id"]) == (32000, 2.0, found["model_id"])
    assert file["speech"]["levels"] == 3 and file["background"] | {"kbps": 0} == {
        "levels": 1, "kbps": 0, "present_blocks": 2, "blocks": 2,
    }  # fmt: skip


def test_errors_are_one_line(run, make_wav, tmp_path, monkeypatch):
    """Without a model in the package the message states how to get one."""
    for path, words in (
        (make_wav("a.wav"), "not a .dcd file"),
        (tmp_path / "none", "does not exist"),
        (tmp_path, "no config"),
    ):
        code, printed, lines = run("info", path, with_model=False)
        assert (code, printed, len(lines)) == (1, "", 1) and words in lines[0]
    monkeypatch.setattr("espnet2_decodec.codec.serialization.DEFAULT_MODEL", tmp_path / "none")
    code, _, lines = run("info", with_model=False)
    assert code == 1 and len(lines) == 1 and "train one" in lines[0]


def test_help_needs_no_torch():
    """The parser of all commands is built without importing torch."""
    script = (
        "import sys\nfrom espnet2_decodec.cli import build_parser\n"
        "p = build_parser(); p.format_help()\nassert not {'torch', 'numpy', 'soundfile'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command, capsys):
    """--help prints the usage and exits with 0."""
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0 and f"decodec {command}" in capsys.readouterr().out


def test_wrong_arguments_are_one_line(capsys):
    """Exit code 2, and a reference to --help."""
    for arguments in ([], ["fly"], ["encode"], ["encode", "a", "-o", "b", "--speech-levels", "x"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        printed = capsys.readouterr().err
        assert end.value.code == 2 and printed.startswith("decodec: error: ")
        assert printed.count("\n") == 1 and "--help" in printed


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_examples_of_the_help_are_valid(command, capsys):
    """Every line of an example can be parsed."""
    text = EXAMPLES.replace("decodec COMMAND --help", "decodec info")
    if command:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        text = capsys.readouterr().out.partition("options:")[2].replace("\\\n", " ")
    for line in re.findall(r"^  decodec (.+)$", text, re.MULTILINE):
        words = shlex.split(re.split(r" {3,}(?=\S+$|\w)", line)[0])
        assert build_parser().parse_args(words).command == words[0]
