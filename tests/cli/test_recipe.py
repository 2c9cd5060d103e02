"""decodec recipe: the table of steps, exit codes, and one line for each error."""

import subprocess
import sys
from importlib import import_module

import pytest

from espnet2_decodec.cli import main
from espnet2_decodec.cli.recipe import STEPS, run_step


@pytest.mark.parametrize("step", STEPS)
def test_each_step_has_help_and_a_function(step, capsys):
    """--help imports the module of the step, and prints its options."""
    with pytest.raises(SystemExit) as end:
        main(["recipe", step, "--help"])
    assert end.value.code == 0 and f"decodec recipe {step}" in capsys.readouterr().out
    assert callable(getattr(import_module(f"espnet2_decodec.cli.recipe.{STEPS[step][0]}"), step))


def test_the_list_of_steps_needs_no_torch():
    """decodec recipe --help lists all steps without importing their modules."""
    script = (
        "import sys\nfrom espnet2_decodec.cli import main\n"
        "try:\n    main(['recipe', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'numpy', 'soundfile'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert all(step in done.stdout for step in STEPS)


def test_exit_codes(tmp_path, capsys):
    """2 for wrong arguments, 1 for an error in the step, 0 for success; an error is one line."""
    for arguments in (["recipe"], ["recipe", "nothing"], ["recipe", "asr_token_list"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        printed = capsys.readouterr().err
        assert end.value.code == 2 and printed.startswith("decodec: error: ") and printed.count("\n") == 1
    arguments = ["--text", str(tmp_path / "text"), "--out", str(tmp_path / "out")]
    assert main(["recipe", "asr_token_list", *arguments]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("decodec: error: ") and printed.count("\n") == 1
    (tmp_path / "text").write_text("a some text\n")
    assert main(["recipe", "asr_token_list", *arguments]) == 0
    assert capsys.readouterr().out.endswith("tokens\n")


def test_run_step_raises_the_exceptions_of_the_step(tmp_path):
    with pytest.raises((ValueError, FileNotFoundError)):
        run_step("asr_token_list", ["--text", tmp_path / "text", "--out", tmp_path / "out"])
