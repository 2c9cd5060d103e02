"""Tokens, decoded streams and scores of VERSA in job arrays, by a tiny codec with random weights."""

import re

import pytest

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import read_table

pytestmark = pytest.mark.slow

VERSA = """
import argparse, json
parser = argparse.ArgumentParser()
for name in ("pred", "gt", "score_config", "io", "output_file"):
    parser.add_argument(f"--{name}", required=True)
args = parser.parse_args()
read = lambda path: dict(line.split(maxsplit=1) for line in open(path))
predicted, references = read(args.pred), read(args.gt)
assert args.io == "soundfile" and predicted.keys() <= references.keys()
with open(args.output_file, "w") as file:
    for key in predicted:
        file.write(json.dumps({"key": key, "jobs": len(references) / len(predicted)}) + chr(10))
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, new_recipe, write_corpus):
    """The recipe after stages 1 to 3, 7 and 8."""
    folder = tmp_path_factory.mktemp("scoring")
    write_corpus(folder / "mine", count=2)
    DeCodec.from_config(TINY).save_pretrained(folder / "tiny")
    shared = ["--nj", "1", "--inference_nj", "2", "--per_condition", "1", "--seen_sets", "", "--stop_stage", "8"]
    shared += ["--download_model", str(folder / "tiny"), "--evaluate_systems", "mixture"]
    shared += ["--evaluate_opts", "--metrics si_sdr --limit 1"]
    own = {f"OWN_{stream.upper()}": str(folder / "mine" / stream) for stream in ("speech", "background")}
    return new_recipe(folder, shared, "codec_tiny_own", own).started()


def test_jobs_share_out_tokens_and_decoding(recipe):
    made = recipe.exp / "decode" / "test"
    assert {path.name for path in (made / "log").glob("*.[12].log")} == {
        f"{name}.{job}.log" for name in ("tokenize", "resynthesize") for job in (1, 2)
    }
    for table in ("tokens/codes_speech.scp", "tokens/utt2num_samples", "wav/both.scp", "scoring/both/ref.scp"):
        assert len(read_table(made / table)) == 7
    assert len(read_table(made / "scoring" / "background" / "ref.scp")) == 6


def test_versa_scores_the_streams_in_a_job_array(recipe, tmp_path, monkeypatch):
    options = ["--stage", "9", "--stop_stage", "9", "--versa", "true"]
    done = recipe.run(*options)
    assert done.returncode == 1 and "VERSA is not installed for" in done.stderr
    (tmp_path / "versa" / "bin").mkdir(parents=True)
    for path in ("versa/__init__.py", "versa/bin/__init__.py"):
        (tmp_path / path).touch()
    (tmp_path / "versa" / "bin" / "scorer.py").write_text(VERSA)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = recipe.run(*options)
    assert done.returncode == 0, done.stdout + done.stderr
    scoring = recipe.exp / "decode" / "test" / "scoring"
    assert "## speech\n\n| score | -5 | 0 | 5 | 10 | 20 | clean |\n" in (scoring / "versa.md").read_text()
    assert "Up to date" in recipe.run(*options).stdout


def test_jobs_share_out_the_evaluation_and_go_on_after_a_stop(recipe):
    test = recipe.exp / "decode" / "test"
    options = ["--stage", "9", "--stop_stage", "9", "--evaluate_opts", "--metrics sdr"]
    done = recipe.run(*options)
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [(test / "log" / f"evaluation.{name}log").read_text() for name in ("1.", "2.", "")]
    computed = [re.search(r"(\d+) estimates were computed", log)[1] for log in logs]
    assert computed == ["8", "6", "0"]  # 7 mixtures, and as many remixes
    scores = (test / "evaluation" / "scores.csv").read_bytes()
    (test / "evaluation" / ".done").unlink()
    caches = sorted((test / "evaluation" / "cache" / "mixture").glob("*.json"))
    caches[-1].unlink()  # as if a job had been stopped
    assert recipe.run(*options).returncode == 0
    logs = [(test / "log" / f"evaluation.{number}.log").read_text() for number in (1, 2)]
    assert sorted(re.search(r"(\d+) estimates were computed", log)[1] for log in logs) == ["0", "1"]
    assert (test / "evaluation" / "scores.csv").read_bytes() == scores
