"""Damaged files through the readers: the errors of the package, or the content of the whole file."""

import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.io import audio, dcd, errors, npy

from .mutations import damage, damage_json, damage_npy, damage_safetensors

_spec = spec_from_file_location("formats", Path(__file__).parents[1] / "io" / "conftest.py")
formats = module_from_spec(_spec)
_spec.loader.exec_module(formats)
make = formats.make


def refusal(error: Exception, path) -> bool:
    """Check the message of an error of the package: one sentence that names the file."""
    text = str(error)
    assert str(path) in text and "\n" not in text and text.endswith("."), text
    assert "memory" not in text, text
    return True


def content(function, path, allowed=errors.FileError):
    """Return what a reader gives of a file, None if it refuses it."""
    try:
        return function(path)
    except allowed as error:
        refusal(error, path)
        return None


def test_dcd(make_cases, originals, codec, tmp_path):
    """The checksum covers all: what is read is what was written."""
    original, path = originals["dcd"], tmp_path / "a.dcd"
    whole, data = dcd.load(original, codec), original.read_bytes()
    cases, read = make_cases(200), 0
    for rng in cases:
        path.write_bytes(damage(data, rng))
        with cases.case(path):
            codes = content(lambda file: dcd.load(file, codec), path)
            if codes is not None:
                read += 1
                assert path.read_bytes() == data
                assert torch.equal(codes.speech, whole.speech) and torch.equal(codes.background, whole.background)
    assert read < cases.index / 4


@pytest.mark.parametrize("fields", [False, True])
def test_npy(make_cases, originals, codec, tmp_path, fields):
    """There is no checksum: what is read has the shape of the header, and as many bytes as the file."""
    data, path = originals["npy"].read_bytes(), tmp_path / "a.speech.npy"
    shutil.copy(originals["npy"].with_name("a.background.npy"), tmp_path)
    cases = make_cases(120)
    for rng in cases:
        path.write_bytes((damage_npy if fields else damage)(data, rng))
        with cases.case(path):
            codes = content(lambda file: npy.load(file, 16000, codec.hop), path)
            if codes is not None:
                assert codes.speech.shape[2] == 120 and codes.background.shape == (1, 2, 120)
                assert path.stat().st_size == len(data)


CHECKSUMS = ("flac", "ogg")
"""Formats with checksums."""
HEADERS = {"wav": 44, "aiff": 54, "w64": 128}
"""Formats with the length of the samples, and the size of their headers in bytes."""


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "aiff", "w64"])
def test_audio(make_cases, originals, tmp_path, kind):
    """Where a checksum or a length can tell, what is read are the samples of the whole file."""
    original, path = originals[kind], tmp_path / f"a.{kind}"
    data, whole = original.read_bytes(), audio.read(original).numpy()
    cases = make_cases(80)
    for rng in cases:
        changed = damage(data, rng)
        path.write_bytes(changed)
        with cases.case(path):
            wav = content(audio.read, path)
            if wav is None:
                continue
            wav = wav.numpy()
            assert len(wav) and np.isfinite(wav).all()
            if kind in CHECKSUMS:
                assert np.array_equal(wav, whole)
            elif kind in HEADERS and changed[: HEADERS[kind]] == data[: HEADERS[kind]]:
                assert len(wav) == len(whole)


@pytest.mark.parametrize("kind", [*formats.SNDFILE, *formats.FFMPEG])
def test_all_formats(make_cases, make, kind):
    """Damage anywhere: finite samples, at most a few times as many as there were, or one of the errors."""
    path = make(kind, formats.chirp(0.5))
    data = path.read_bytes()
    cases = make_cases(4)
    for rng in cases:
        path.write_bytes(damage(data, rng))
        with cases.case(path):
            wav = content(audio.read, path)
            assert wav is None or np.isfinite(wav.numpy()).all()


def load_model(folder):
    """Load a model, encode and decode."""
    codec = DeCodec.from_pretrained(folder)
    return codec.decode(codec.encode(0.1 * torch.ones(1, 5000)))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("fields", [False, True])
def test_models(make_cases, originals, tmp_path, name, fields):
    """A model that loads encodes and decodes."""
    folder = shutil.copytree(originals["model"], tmp_path / "model")
    path, data = folder / name, (originals["model"] / name).read_bytes()
    cases = make_cases(80)
    for rng in cases:
        if not fields:
            path.write_bytes(damage(data, rng))
        elif name == "config.json":
            path.write_text(damage_json(data.decode(), rng))
        else:
            path.write_bytes(damage_safetensors(data, rng))
        with cases.case(path):
            content(load_model, folder, (ValueError, FileNotFoundError))
