"""decodec completion: the script works in a shell, and a missing package is named."""

import subprocess

import pytest

from espnet2_decodec import extras

COMPLETE = """\
source "$1"
shift
COMP_WORDS=(decodec "$@")
COMP_CWORD=$#
function=$(complete -p decodec | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function decodec "${@: -1}" "${COMP_WORDS[$COMP_CWORD - 1]}"
echo "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """A function that completes words of a command line in bash."""
    from espnet2_decodec.cli import main

    path = tmp_path_factory.mktemp("completion") / "decodec.bash"
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lambda text, **_: lines.append(text))
        assert main(["completion", "bash"]) == 0
    path.write_text("\n".join(lines))

    def complete(folder, *words: str) -> list[str]:
        command = ["bash", "-c", COMPLETE, "bash", path, *words]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split()

    return complete


def test_commands_options_choices_and_files(script, tmp_path):
    (tmp_path / "noisy.wav").touch()
    (tmp_path / "notes").mkdir()
    assert script(tmp_path, "enc") == ["encode"]
    assert script(tmp_path, "decode", "a.dcd", "--format", "") == ["wav", "flac", "ogg", "opus", "m4a"]
    assert script(tmp_path, "recipe", "tts_sc") == ["tts_score"]
    assert {word.rstrip("/") for word in script(tmp_path, "encode", "no")} == {"noisy.wav", "notes"}
    assert not script(tmp_path, "evaluate", "--systems", "no")


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells(run, shell):
    code, printed, _ = run("completion", shell, with_model=False)
    assert code == 0 and "decodec" in printed and "separate" in printed


def test_a_missing_package_is_named(run, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    code, printed, lines = run("completion", "bash", with_model=False)
    assert (code, printed) == (1, "") and lines == [
        "decodec: error: The completion of shells needs shtab: pip install 'espnet2_decodec[completion]'."
    ]
