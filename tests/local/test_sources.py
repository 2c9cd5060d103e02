"""Download, decoding and naming, as far as they can be tested without network."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from local import audio, debian, format_wav, g722
from local.corpora import asterisk, backgrounds, festvox, tuxpaint, voices
from local.recording import Recording, ascii_name, utterance_id


def recording(path, speaker="me", name="", **metadata):
    return Recording(path, "speech", metadata.pop("split", "train"), speaker, name or path.stem, **metadata)


def test_both_g722_decoders_give_the_same_samples(tmp_path):
    pytest.importorskip("av")
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    source, coded = tmp_path / "x.wav", tmp_path / "x.g722"
    audio.write(source, 0.3 * np.random.default_rng(0).standard_normal(16000).clip(-3, 3))
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-f", "g722", coded], check=True)
    decoded = g722.decode_pyav(coded)
    assert len(decoded) == 16000
    assert (decoded == g722.decode_ffmpeg(coded)).all()
    assert np.abs(g722.decode(coded)).max() <= 1


def test_a_missing_g722_decoder_is_reported_before_the_download(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ValueError, match="pip install av"):
        g722.find_decoder()


def test_missing_apt_get_is_reported_with_alternatives(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ValueError, match="apt-get, which downloads the recordings, is not installed.*--size mini"):
        debian.fetch(["festvox-ru"], tmp_path)


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not installed")
def test_a_package_is_unpacked_recorded_and_checked(tmp_path):
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: sounds\nVersion: 1\nArchitecture: all\nMaintainer: me\nDescription: x\n"
    )
    for name in ("a.OGG", "a.png", "copyright"):
        (tree / "usr").mkdir(exist_ok=True)
        (tree / "usr" / name).write_text(name)
    (tree / "usr" / "b.ogg").symlink_to("a.OGG")
    downloads = tmp_path / "downloads"
    (downloads / "debs").mkdir(parents=True)
    deb = downloads / "debs" / "sounds_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, deb], check=True, capture_output=True)
    root = debian.fetch(["sounds"], downloads)["sounds"]
    assert sorted(path.name for path in (root / "usr").iterdir()) == ["a.OGG", "copyright"]
    assert debian.read_checksums(downloads / "sha256.txt") == {deb.name: debian.sha256(deb)}
    deb.write_bytes(deb.read_bytes() + b"\n")
    with pytest.raises(ValueError, match="SHA-256 differs"):
        debian.fetch(["sounds"], downloads)


def test_every_package_of_standard_has_a_known_checksum():
    known = {name.split("_")[0] for name in debian.read_checksums(debian.KNOWN_CHECKSUMS)}
    used = {p for corpus in (asterisk, backgrounds, festvox, tuxpaint, voices) for p in corpus.PACKAGES}
    assert used == known


def test_no_background_package_is_in_two_sets():
    splits = {}
    for folder in backgrounds.FOLDERS:
        splits.setdefault(folder.package, set()).add(folder.split)
    assert all(len(split) == 1 for split in splits.values())


def test_ids_are_ascii_and_unlike_names_stay_apart(tmp_path):
    assert ascii_name("digits/h-6") == "digits_h_6"
    assert ascii_name("ㄅㄚ1") == "u3105u311a1"
    paths = [tmp_path / "a-b.wav", tmp_path / "a_b.wav", tmp_path / "a_b.ogg", tmp_path / "c.wav"]
    names = [name for name, _ in format_wav.assign_ids([recording(path) for path in paths])]
    assert len(set(names)) == 4
    assert names[3] == utterance_id(recording(paths[3])) == "me-c"


def test_of_duplicates_the_one_in_test_is_kept(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).write_bytes(b"the same")
    kept, duplicates = format_wav.remove_duplicates(
        [recording(tmp_path / "x"), recording(tmp_path / "y", split="test")]
    )
    assert [r.split for r in kept] == ["test"]
    assert [result.recording.split for result in duplicates] == ["train"]


def test_texts_are_read_as_the_packages_write_them(tmp_path):
    stamp = tmp_path / "cat.txt"
    stamp.write_text("A cat.\nes.utf8=Un  gato.\nes_MX.utf8=Otro.\n", encoding="utf-8")
    assert tuxpaint.description(stamp, "es") == "Un gato."
    assert tuxpaint.description(stamp, "ru") == tuxpaint.description(tmp_path / "dog.txt", "es") == ""
    assert asterisk.is_spoken("Activated.")
    assert not any(map(asterisk.is_spoken, ("", "[beep]", "(silence)", "<beep>")))


@pytest.mark.parametrize(("seconds", "parts"), [(1, 1), (44, 1), (46, 2), (95, 3)])
def test_chunks_are_equal_and_complete(seconds, parts):
    samples = np.arange(seconds * audio.SAMPLE_RATE)
    chunks = audio.split(samples)
    assert len(chunks) == parts
    assert (np.concatenate(chunks) == samples).all()
    assert max(map(len, chunks)) - min(map(len, chunks)) <= 1
