"""Damaged files through the command: one line for each error, and no output of a file that is refused."""

import shutil

import pytest

from espnet2_decodec.cli import main

from .mutations import damage, damage_json, damage_npy, damage_safetensors

COMMANDS = {
    "info a.dcd": ("dcd", damage),
    "decode a.dcd -o out/x.wav --rescale": ("dcd", damage),
    "decode a.speech.npy -o out/x.wav --rescale": ("npy", damage),
    "decode a.speech.npy -o out/x.flac --rescale": ("npy", damage_npy),
    "remix a.dcd other.dcd -o out/x.wav": ("dcd", damage),
    "encode a.wav -o out/x.dcd": ("wav", damage),
    "separate a.flac -o out --rescale": ("flac", damage),
    "encode other.dcd -o out/x.dcd": ("dcd", damage),
    "encode other.wav -o out/x.dcd": ("config", damage_json),
    "encode other.wav -o out --npy": ("safetensors", damage_safetensors),
    "info": ("config", damage),
}
"""Command -> kind of the damaged file and the damage."""


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(make_cases, originals, tmp_path, monkeypatch, capsys, command):
    kind, change = COMMANDS[command]
    monkeypatch.chdir(tmp_path)
    shutil.copytree(originals["model"], "model")
    shutil.copy(originals["npy"].with_name("a.background.npy"), tmp_path)
    shutil.copy(originals["dcd"], "other.dcd")
    shutil.copy(originals["wav"], "other.wav")
    damaged = {"npy": "a.speech.npy", "config": "model/config.json", "safetensors": "model/model.safetensors"}
    path = tmp_path / damaged.get(kind, f"a.{kind}")
    data = path.read_bytes() if path.exists() else originals[kind].read_bytes()
    arguments = command.split()
    if arguments[0] != "info":
        arguments += ["--model", "model", "--device", "cpu"]
    elif kind != "dcd":
        arguments += ["model"]
    cases = make_cases(25)
    for rng in cases:
        changed = change(data.decode(), rng).encode() if change is damage_json else change(data, rng)
        path.write_bytes(changed)
        with cases.case(path):
            code = main(arguments)
            output = capsys.readouterr()
            written = [file for file in tmp_path.glob("out/**/*") if file.is_file()]
            lines = [line for line in output.err.splitlines() if line and "%|" not in line]
            assert all(line.startswith("decodec: ") for line in lines), lines
            failures = [line for line in lines if line.startswith("decodec: error: ")]
            if code:
                assert code == 1 and len(failures) == 1 and not written and not output.out
                assert "not enough memory" not in failures[0]
            else:
                assert not failures and (written or output.out)
            shutil.rmtree("out", ignore_errors=True)
