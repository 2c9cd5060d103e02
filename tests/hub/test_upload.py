"""`push_to_hub` and `decodec push`: a model comes back as it was, with a card; failures are one clear line."""

import re

import numpy as np
import pytest
import soundfile
import torch
import yaml
from huggingface_hub import constants

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import main
from espnet2_decodec.codec.card import NOT_STATED, Card, CardMetric
from espnet2_decodec.evaluation.summary import markdown, summarize, write_scores, write_summary

METRIC = CardMetric("PESQ", "decodec", "speech", "clean speech", 5.0, 2.137, 2, 20)


def read_card(text: str) -> tuple[dict, dict[str, str]]:
    """Metadata and sections of a model card."""
    _, head, body = text.split("---\n", 2)
    parts = re.split(r"^## (.+)$", body, flags=re.MULTILINE)
    return yaml.safe_load(head), dict(zip(parts[1::2], parts[2::2]))


def test_round_trip(hub, model):
    codec = DeCodec.from_pretrained(model)
    address = codec.push_to_hub("owner/name", Card("cc-by-4.0", "LibriTTS", ["Only English."], [METRIC]))
    assert address.endswith(hub.commit_id("owner/name", "main"))
    assert sorted(hub.files["owner/name"]["main"]) == ["README.md", "config.json", "model.safetensors"]
    loaded = DeCodec.from_pretrained("owner/name")
    assert loaded.resolved_config() == codec.resolved_config()
    assert all(torch.equal(tensor, loaded.state_dict()[name]) for name, tensor in codec.state_dict().items())
    head, sections = read_card(hub.files["owner/name"]["main"]["README.md"].decode())
    assert (head["license"], head["library_name"]) == ("cc-by-4.0", "espnet2_decodec")
    result = head["model-index"][0]["results"][0]["metrics"][0]
    assert (result["type"], result["value"]) == ("PESQ", 2.14)
    assert 'from_pretrained("owner/name")' in sections["Use"] and "LibriTTS" in sections["Training data"]
    assert "Only English." in sections["Limits"] and "not causal" in sections["Limits"]
    assert "| PESQ | decodec | speech | clean speech | 5 | 2.14 | 20 |" in sections["Metrics"]


def test_a_later_upload_replaces_the_weights(hub, model):
    codec = DeCodec.from_pretrained(model)
    codec.push_to_hub("owner/name")
    hub.files["owner/name"]["main"] |= {"model-00001-of-00002.safetensors": b"old", "notes.txt": b"kept"}
    codec.push_to_hub("owner/name", revision="v2")
    assert set(hub.files["owner/name"]["v2"]) == {"README.md", "config.json", "model.safetensors", "notes.txt"}
    assert "model-00001-of-00002.safetensors" in hub.files["owner/name"]["main"]
    _, sections = read_card(hub.files["owner/name"]["v2"]["README.md"].decode())
    assert NOT_STATED in sections["Training data"] and NOT_STATED in sections["Metrics"]


@pytest.fixture
def scores(tmp_path):
    """An output folder of `decodec evaluate`."""
    common = {"condition": "clean", "seen": "", "speaker": "anna", "target": "speech"}
    rows = [
        {"system": "decodec", "kbps": 5.0, "uttid": f"anna_{i}", "pesq": 2.0 + i, "stoi": float("nan")} | common
        for i in range(2)
    ]
    lines, folder = summarize(rows), tmp_path / "scores"
    folder.mkdir()
    write_scores(folder / "scores.csv", rows)
    write_summary(folder / "summary.csv", lines)
    head = {"command": "decodec evaluate --data set --out scores", "date": "2026-01-01"}
    (folder / "summary.md").write_text(markdown(rows, lines, head, []))
    return folder


def test_command(hub, model, scores, tmp_path, capsys):
    soundfile.write(tmp_path / "voice.wav", np.zeros(1600), 16000)
    options = ["--license", "mit", "--data", "My recordings", "--limits", "One voice.", "--languages", "de"]
    options += ["--scores", str(scores), "--samples", str(tmp_path / "voice.wav")]
    assert main(["push", str(model), "owner/name", *options]) == 0
    assert capsys.readouterr().out.startswith("https://huggingface.co/owner/name/commit/")
    files = hub.files["owner/name"]["main"]
    assert files["samples/voice.wav"] == (tmp_path / "voice.wav").read_bytes()
    head, sections = read_card(files["README.md"].decode())
    assert head["language"] == ["de"] and "(samples/voice.wav)" in sections["Audio samples"]
    assert "- command: `decodec evaluate --data set --out scores`" in sections["Metrics"]
    assert "| PESQ | decodec | speech | clean speech | 5 | 2.50 | 2 |" in sections["Metrics"]
    assert "STOI" not in sections["Metrics"]


def test_a_dry_run_needs_no_network(hub, model, tmp_path, capsys):
    (tmp_path / "card.md").write_text("# My card\n")
    arguments = ["push", str(model), "owner/name", "--dry-run", str(tmp_path / "out"), "--card", f"{tmp_path}/card.md"]
    assert main(arguments) == 0 and not hub.requests
    assert (tmp_path / "out/README.md").read_text() == "# My card\n" and DeCodec.from_pretrained(tmp_path / "out")
    capsys.readouterr()
    assert main(arguments) == 1 and "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["name"], "'name' is no name on the Hugging Face Hub: it is owner/name"),
        (["owner/name@v1"], "it is owner/name"),
        (["owner/name", "--scores", "nothing"], "nothing is not a folder"),
        (["owner/name", "--samples", "nothing.wav"], "nothing.wav"),
        (["owner/name", "--card", "nothing.md"], "nothing.md: No such file"),
    ],
)
def test_wrong_arguments(hub, model, capsys, arguments, message):
    assert main(["push", str(model), *arguments]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and message in lines[0] and not hub.requests


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_hub_that_refuses(hub, model, capsys, monkeypatch, status):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.status = status
    assert main(["push", str(model), "owner/name"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "owner/name was not uploaded" in line and ("status 500" if status == 500 else "hf auth login") in line


def test_offline(hub, model, capsys, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert main(["push", str(model), "owner/name"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "owner/name was not uploaded: HF_HUB_OFFLINE forbids the use of the network" in line and not hub.requests
