"""Models by name: downloaded once, found in the cache without network, and every failure is one clear line."""

import socket

import pytest
import torch
from huggingface_hub import constants

from espnet2_decodec import DeCodec, extras
from espnet2_decodec.cli import main
from espnet2_decodec.codec import serialization
from espnet2_decodec.hub import parse_name


@pytest.fixture
def shared(hub, model_files):
    """The stand-in with a model that has two revisions."""
    other = {**model_files, "README.md": b"# other", "notes.bin": b"not part of a model"}
    hub.files["owner/name"] = {"main": dict(model_files), "v1": other}
    return hub


def test_names():
    assert parse_name("owner/name") == ("owner/name", None)
    assert parse_name("owner/my.name@v1.0") == ("owner/my.name", "v1.0")
    for text in ("name", "./name", "../name", "/owner/name", "a/b/c", "owner/", "owner/name@", "owner/na me", ""):
        assert parse_name(text) is None


def test_a_model_is_downloaded_once(shared, model, monkeypatch):
    codec, local = DeCodec.from_pretrained("owner/name"), DeCodec.from_pretrained(model)
    for name, tensor in local.state_dict().items():
        assert torch.equal(tensor, codec.state_dict()[name])
    shared.requests.clear()
    DeCodec.from_pretrained("owner/name")
    assert not [line for line in shared.requests if "safetensors" in line and "GET" in line]
    shared.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    DeCodec.from_pretrained("owner/name")
    assert not shared.requests


def test_revisions(shared):
    for folder in (
        serialization.model_folder("owner/name", "v1"),
        serialization.model_folder("owner/name@v1"),
        serialization.model_folder("owner/name", shared.commit_id("owner/name", "v1")),
    ):
        assert {path.name for path in folder.iterdir()} == {"README.md", "config.json", "model.safetensors"}
    assert not (serialization.model_folder("owner/name") / "README.md").exists()
    with pytest.raises(FileNotFoundError, match="owner/name of the Hugging Face Hub has no revision v2"):
        DeCodec.from_pretrained("owner/name", revision="v2")
    with pytest.raises(ValueError, match="contradict"):
        DeCodec.from_pretrained("owner/name@v1", revision="v2")


def test_a_revision_of_a_folder_is_refused(model):
    with pytest.raises(ValueError, match="needs the name of a model on the Hugging Face Hub, not a folder"):
        DeCodec.from_pretrained(model, revision="v1")


def test_a_folder_of_the_same_name_is_preferred(hub, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "name").symlink_to(model)
    assert DeCodec.from_pretrained("owner/name") and not hub.requests


def refused(name: str, capsys) -> str:
    """The only line of `decodec info` for a model that cannot be had."""
    assert main(["info", name]) == 1
    output = capsys.readouterr()
    lines = [line for line in output.err.splitlines() if line.startswith("decodec: ")]
    assert not output.out and len(lines) == 1 and "Traceback" not in output.err
    return lines[0]


def test_unknown_models(shared, capsys):
    line = refused("owner/other", capsys)
    assert "There is no folder owner/other" in line and "not on the Hugging Face Hub, or is private" in line


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_hub_that_refuses(shared, capsys, status, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    shared.status = status
    line = refused("owner/name", capsys)
    assert "owner/name" in line and ("status 500" if status == 500 else "hf auth login") in line


def test_without_a_connection(shared, capsys, use_endpoint):
    """What is cached loads; what is not is refused."""
    DeCodec.from_pretrained("owner/name")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        use_endpoint(f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert DeCodec.from_pretrained("owner/name")
        line = refused("owner/other", capsys)
    assert "not in the cache" in line and "cannot be reached" in line


def test_offline(shared, capsys, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    line = refused("owner/name", capsys)
    assert "not in the cache" in line and "HF_HUB_OFFLINE forbids" in line and not shared.requests


def test_a_cached_copy_that_is_incomplete(shared, capsys, monkeypatch):
    """It is completed when there is a connection; without one it is refused. The revision that is missing is named."""
    DeCodec.from_pretrained("owner/name")
    (serialization.model_folder("owner/name") / "model.safetensors").unlink()
    with monkeypatch.context() as offline:
        offline.setattr(constants, "HF_HUB_OFFLINE", True)
        line = refused("owner/name", capsys)
        assert "owner/name" in line and "in the cache" in line
        assert "owner/name at v2 is not in the cache" in refused("owner/name@v2", capsys)
    assert DeCodec.from_pretrained("owner/name")


def test_an_address_is_no_name(hub, capsys):
    assert "or owner/name on the Hugging Face Hub" in refused("https://huggingface.co/owner/name", capsys)
    assert not hub.requests


def test_a_download_that_breaks_off(shared, capsys, monkeypatch):
    """Nothing incomplete is loaded, and the next attempt succeeds."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    shared.cut = 100
    assert "owner/name was not downloaded" in refused("owner/name", capsys)
    shared.cut = None
    assert DeCodec.from_pretrained("owner/name")


def test_another_server_answers(shared, capsys, monkeypatch):
    """Such as the page of a network that asks for a login."""
    monkeypatch.setattr(type(shared), "page", b"<html></html>")
    assert "not downloaded: the answer is not one of the Hugging Face Hub" in refused("owner/other", capsys)


def test_a_cache_that_cannot_be_written(shared, capsys, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file"))
    line = refused("owner/name", capsys)
    assert "owner/name was not downloaded" in line and "Not a directory" in line


def test_repositories_without_a_model(shared, capsys):
    shared.files["owner/text"] = {"main": {"README.md": b"# text"}}
    assert "no config.json" in refused("owner/text", capsys)
    shared.files["owner/empty"] = {"main": {"config.json": shared.files["owner/name"]["main"]["config.json"]}}
    assert "owner/empty in the cache has no model.safetensors" in refused("owner/empty", capsys)
    shared.files["owner/bert"] = {"main": {"config.json": b"{}"}}
    assert "is not the config of a codec of this package" in refused("owner/bert", capsys)


def test_a_missing_package_is_named(capsys, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    line = refused("owner/name", capsys)
    assert "There is no folder owner/name" in line and "pip install 'espnet2_decodec[hub]'" in line
