"""The utilities of the recipe."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RECIPE = Path(__file__).resolve().parents[2] / "egs2" / "decodec"
UTILS = RECIPE / "utils"
SHELLCHECK = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def run(*command, cwd=RECIPE, text=None, **kwargs) -> subprocess.CompletedProcess:
    """Run a command and return its exit status and output."""
    command = [str(part) for part in command]
    return subprocess.run(command, cwd=cwd, input=text, capture_output=True, text=True, check=False, **kwargs)


def python(name, *arguments, **kwargs) -> subprocess.CompletedProcess:
    """Run a program of utils with this interpreter."""
    return run(sys.executable, UTILS / name, *arguments, **kwargs)


def test_run_substitutes_the_job_number_in_arguments_and_log(tmp_path):
    done = python("run.py", "JOB=2:4", tmp_path / "log" / "x.JOB.log", "echo", "part.JOB")
    assert done.returncode == 0
    for number in (2, 3, 4):
        log = (tmp_path / "log" / f"x.{number}.log").read_text()
        assert f"\npart.{number}\n" in log
        assert "# Ended (code 0)" in log


def test_run_reports_a_failed_job_with_the_end_of_its_log(tmp_path):
    program = "import sys; sys.exit('no such thing' if sys.argv[1] == '2' else 0)"
    done = python("run.py", "JOB=1:3", tmp_path / "x.JOB.log", sys.executable, "-c", program, "JOB")
    assert done.returncode == 1
    assert "1 of 3 jobs failed" in done.stderr
    assert str(tmp_path / "x.2.log") in done.stderr
    assert "no such thing" in done.stderr
    assert "(code 1)" in (tmp_path / "x.2.log").read_text()
    assert "(code 0)" in (tmp_path / "x.3.log").read_text()


def test_run_accepts_the_options_of_clusters(tmp_path):
    done = python("run.py", "--gpu", "1", "--mem", "4G", "--num_threads", "2", tmp_path / "x.log", "echo", "JOB a  b")
    assert done.returncode == 0
    assert "\nJOB a  b\n" in (tmp_path / "x.log").read_text()


def test_run_shows_the_progress_of_a_job(tmp_path):
    line = "tokens: 50 % (3 of 6 files), 00:02 left"
    program = f"import time; print('some output'); print({line!r}, flush=True); time.sleep(1.5)"
    done = python("run.py", tmp_path / "x.log", sys.executable, "-c", program)
    assert done.returncode == 0 and done.stderr == line + "\n"
    assert f"some output\n{line}\n" in (tmp_path / "x.log").read_text()


def test_run_limits_the_number_of_parallel_jobs(tmp_path):
    program = "import os, sys, time; os.mkdir(sys.argv[1]); time.sleep(0.1); os.rmdir(sys.argv[1])"
    lock = tmp_path / "alone"
    log = tmp_path / "x.JOB.log"
    done = python("run.py", "--max-jobs-run", "1", "JOB=1:3", log, sys.executable, "-c", program, lock)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["JOB=1:2", "one.log", "true"], "must contain JOB"),
        (["JOB=3:1", "x.JOB.log", "true"], "no job"),
        (["only.log"], "log file and a command"),
        (["--gpu"], "needs a value"),
        (["--max-jobs-run", "many", "x.log", "true"], "many"),
    ],
)
def test_run_rejects_invalid_command_lines(tmp_path, arguments, message):
    done = python("run.py", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_run_reports_a_missing_program(tmp_path):
    done = python("run.py", tmp_path / "x.log", "no-such-program")
    assert done.returncode == 1
    assert "no-such-program" in done.stderr


@pytest.mark.parametrize(("options", "kept"), [([], "b 2\n"), (["--exclude"], "a 1\nc 3\n")])
def test_filter_scp(tmp_path, options, kept):
    (tmp_path / "list").write_text("b something\nz\n")
    assert python("filter_scp.py", *options, tmp_path / "list", text="a 1\nb 2\nc 3\n").stdout == kept


def test_spk2utt_is_sorted_by_speaker():
    assert python("utt2spk_to_spk2utt.py", text="b-1 b\na-2 a\nB-1 B\na-1 a\n").stdout == "B B-1\na a-2 a-1\nb b-1\n"


def data_dir(folder: Path) -> Path:
    """An unsorted data directory with inconsistent tables."""
    folder.mkdir()
    (folder / "wav.scp").write_text("b-1 /b1.wav\na-1 /a1.wav\nc-1 /c1.wav\n")
    (folder / "utt2spk").write_text("a-1 a\nb-1 b\nd-1 d\n")
    (folder / "text").write_text("c-1 only here\n")
    (folder / "utt2dur").write_text("b-1 2\na-1 1\nc-1 3\n")
    return folder


def test_fix_data_dir_sorts_and_keeps_common_utterances(tmp_path):
    folder = data_dir(tmp_path / "data")
    done = run("bash", UTILS / "fix_data_dir.sh", folder)
    assert done.returncode == 0, done.stderr
    contents = {path.name: path.read_text() for path in folder.iterdir()}
    assert contents == {
        "wav.scp": "a-1 /a1.wav\nb-1 /b1.wav\n",
        "utt2spk": "a-1 a\nb-1 b\n",
        "spk2utt": "a a-1\nb b-1\n",
        "utt2dur": "a-1 1\nb-1 2\n",
    }


def test_fix_data_dir_rejects_tables_without_common_utterances(tmp_path):
    folder = data_dir(tmp_path / "data")
    (folder / "utt2spk").write_text("x x\n")
    done = run("bash", UTILS / "fix_data_dir.sh", folder)
    assert done.returncode == 1
    assert "no utterance" in done.stderr


OPTIONS = """
set -euo pipefail
help_message="the help"
some_name=default flag=false
. utils/parse_options.sh
echo "${some_name}|${flag}|$*"
"""


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ([], "default|false|\n"),
        (["--some-name", "a b"], "a b|false|\n"),
        (["--some_name", "", "--flag", "true", "rest"], "|true|rest\n"),
        (["--help"], "the help\n"),
    ],
)
def test_parse_options(arguments, output):
    done = run("bash", "-c", OPTIONS, "script", *arguments)
    assert (done.returncode, done.stdout) == (0, output)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unknown", "1"], "unknown option --unknown"),
        (["--PATH", "x"], "unknown option"),
        (["--some_name"], "needs a value"),
        (["--flag", "yes"], "must be true or false"),
    ],
)
def test_parse_options_rejects(arguments, message):
    done = run("bash", "-c", OPTIONS, "script", *arguments)
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.skipif(not SHELLCHECK, reason="shellcheck is not installed: the shell scripts are not checked")
def test_shell_scripts_are_clean():
    root = RECIPE.parents[1]
    folders = (RECIPE, RECIPE / "stages", UTILS, root / "local")
    scripts = [path for folder in folders for path in folder.glob("*.sh")]
    done = run(SHELLCHECK, "-x", *scripts, root / ".ci" / "run", cwd=RECIPE)
    assert done.returncode == 0, done.stdout


def test_help_lists_stages_and_options_from_another_folder(tmp_path):
    answer = run("bash", Path(os.path.relpath(RECIPE, tmp_path), "run.sh"), "--help", cwd=tmp_path)
    assert answer.returncode == 0 and "--stop_stage [21] Last stage." in answer.stdout and not answer.stderr
    stages = re.findall(r"^ +(\d+)  \S.* \((?:data_prep|train|eval)\)$", answer.stdout, re.MULTILINE)
    assert stages == [str(number) for number in range(1, 22)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_all_jobs_of_a_run(tmp_path, number):
    """A stage of run.sh whose job sleeps, and does not end by itself on SIGTERM."""
    job = tmp_path / "python"
    job.write_text(
        f'#!/usr/bin/env bash\ncase $1 in utils/*) exec {sys.executable} "$@" ;; esac\n'
        f"trap '' TERM INT HUP QUIT\necho $$ > {tmp_path}/pid\nwhile true; do sleep 1; done\n"
    )
    job.chmod(0o755)
    command = [
        RECIPE / "run.sh",
        "--python",
        job,
        "--size",
        "own",
        "--stage",
        "3",
        "--stop_stage",
        "3",
        "--seen_sets",
        "",
    ]
    places = [part for name in ("data", "dump", "exp") for part in (f"--{name}dir", tmp_path / name)]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        [*map(str, [*command, *places])], env={**os.environ, "PATH": path}, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    for _ in range(600):
        if (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().strip():
            break
        time.sleep(0.1)
    sleeping = int((tmp_path / "pid").read_text())
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert f"Stopped by {number.name}; the same command continues." in errors
    state = Path(f"/proc/{sleeping}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] in "ZX"
