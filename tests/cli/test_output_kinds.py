"""Every command and every step of the recipe refuses an output of the wrong kind before it does anything."""

import pytest

from espnet2_decodec.cli import build_parser, main
from espnet2_decodec.cli.recipe import STEPS

FOLDERS = {
    "demo": "{}",
    "evaluate": "--data d --out {}",
    "probe": "--data d --out {}",
    "recipe make_mixtures": "--speech s --background b --out {}",
    "recipe make_kinds": "--speech s --background b --out {}",
    "recipe export_codec": "--train_config c --model_file m {}",
    "recipe tokenize": "--scp s --out {}",
    "recipe resynthesize": "--tokens t --out {}",
    "recipe score_conversion": "--data d --references r --out {}",
    "recipe shards": "--data d --out {}",
    "recipe scoring_dirs": "--mixtures m --decoded d --out {}",
    "recipe ablation": "--data d --config c --seconds 1 --out {}",
    "recipe asr_data": "--speech s --background b --out {}",
    "recipe denoise": "--sets s --system gtcrn --out {}",
    "recipe asr_token_list": "--text t --out {}",
    "recipe asr_score": "--sets s --recognized r --out {}",
    "recipe tts_data": "--data d --out {}",
    "recipe tts_prompts": "--data d --background b --out {}",
    "recipe tts_export": "--train_config c --model_file m {}",
    "recipe tts_copy_synthesis": "--model m --tokens t --out {}",
    "recipe tts_unseparated_prompts": "--model m --prompts p --out {}",
    "recipe tts_score": "--systems a=b --text t --references r --out {}",
}
FILES = {
    "demo": "page --figure {}",
    "recipe export_teacher": "{}",
    "recipe versa_summary": "folder --conditions c --out {}",
}


def refused(capsys, command: str, arguments: str) -> str:
    """Run a command that has wrong arguments, and return its only line."""
    with pytest.raises(SystemExit) as end:
        main([*command.split(), *arguments.split()])
    lines = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("command", FOLDERS)
def test_files_where_a_folder_is_needed(capsys, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").write_text("precious")
    for name in ("a.csv", "sub/b.wav", "model.safetensors"):
        assert f"{name} has the suffix of a file" in refused(capsys, command, FOLDERS[command].format(name))
    assert "results is a file, but a folder is needed" in refused(capsys, command, FOLDERS[command].format("results"))
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@pytest.mark.parametrize("command", FILES)
def test_folders_where_a_file_is_needed(capsys, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name in ("folder", "other/"):
        assert f"{name} is a folder, but a file is needed" in refused(capsys, command, FILES[command].format(name))
    assert "the suffix must be" in refused(capsys, command, FILES[command].format("a.csv"))


def test_reports(capsys, tmp_path, monkeypatch):
    """--single decides whether its output is a file."""
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        ("-o page.html", "page.html has the suffix of a file, but a folder is needed here"),
        ("-o page --single", "page cannot be written: the suffix must be .html or .htm"),
        ("-o page/ --single", "page/ is a folder, but a file is needed"),
    ):
        assert main(["report", "results", *arguments.split()]) == 1
        assert message in capsys.readouterr().err


def test_all_steps_with_a_folder_are_tested():
    (commands,) = (action for action in build_parser()._actions if action.dest == "command")
    (steps,) = (action for action in commands.choices["recipe"]._actions if action.dest == "step")
    for name in STEPS:
        steps.choices[name].add_pending()
        has_folder = any(action.dest == "out" or action.dest == "folder" for action in steps.choices[name]._actions)
        tested = {command.removeprefix("recipe ") for command in FOLDERS | FILES}
        assert name in tested or not has_folder or name == "check_training", name
