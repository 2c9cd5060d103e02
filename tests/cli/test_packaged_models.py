"""Commands without --model: the default codec of the package, or the one in the package that encoded a .dcd file."""

import shutil

import pytest
import soundfile

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import parser
from espnet2_decodec.cli.librispeech import SYSTEMS
from espnet2_decodec.codec.serialization import DEFAULT_MODEL, PRETRAINED
from espnet2_decodec.evaluation.systems.decodec import DeCodecSystem
from espnet2_decodec.io import dcd
from espnet2_decodec.io.identity import packaged_codec
from espnet2_decodec.voice.default_voice import DEFAULT_VOICE

pytestmark = pytest.mark.skipif(not DEFAULT_MODEL.is_dir(), reason="this tree comes without a trained model")

OTHER = "decodec-16k"


@pytest.fixture
def files(run, tmp_path):
    """Folder with a recording, and its tokens by the default and by another codec of the package."""
    samples, rate = soundfile.read(DEFAULT_VOICE)
    soundfile.write(tmp_path / "a.wav", samples[: 2 * rate], rate)
    for name, options in (("default", ()), ("other", ("--model", OTHER))):
        command = "encode", tmp_path / "a.wav", "-o", tmp_path / f"tokens/{name}.dcd", "--device", "cpu", *options
        assert run(*command, with_model=False) == (0, "", [])
    return tmp_path


def test_the_help_names_the_default():
    assert parser.DEFAULT == DEFAULT_MODEL.name and any(DEFAULT_MODEL.name in system for system in SYSTEMS)


def test_the_codec_of_a_file_is_found(files):
    found = {
        name: packaged_codec(dcd.Reader(files / f"tokens/{name}.dcd").header.codec_id) for name in ("default", "other")
    }
    assert found == {"default": DEFAULT_MODEL, "other": PRETRAINED / OTHER}
    assert packaged_codec(bytes(8)) is None


def test_only_the_codec_of_the_file_is_loaded(run, files, monkeypatch):
    loaded, from_pretrained = [], DeCodec.from_pretrained

    def noted(path=None, revision=None):
        loaded.append(path)
        return from_pretrained(path, revision)

    monkeypatch.setattr(DeCodec, "from_pretrained", noted)
    for name, folder in (("default", DEFAULT_MODEL), ("other", PRETRAINED / OTHER)):
        command = "decode", files / f"tokens/{name}.dcd", "-o", files / f"{name}.wav", "--device", "cpu"
        assert run(*command, with_model=False)[0] == 0
        assert loaded == [folder]
        loaded.clear()


def test_each_file_is_decoded_by_the_codec_that_encoded_it(run, files):
    """A folder with tokens of two models, without --model; with it, tokens of another model are refused in one line."""
    assert run("decode", files / "tokens", "-o", files / "decoded", with_model=False)[0] == 0
    for name, model in (("default", DEFAULT_MODEL.name), ("other", OTHER)):
        tokens, target = files / f"tokens/{name}.dcd", files / f"{name}.wav"
        assert run("decode", tokens, "-o", target, "--model", model, with_model=False)[0] == 0
        assert target.read_bytes() == (files / f"decoded/{name}.wav").read_bytes()
    command = "decode", files / "tokens/other.dcd", "-o", files / "x.wav", "--model", DEFAULT_MODEL
    code, _, lines = run(*command, with_model=False)
    assert code == 1 and len(lines) == 1 and f"was encoded by {OTHER} (id " in lines[0]


def test_tokens_of_no_model_in_the_package_are_refused(run, codec, make_wav, tmp_path):
    run("encode", make_wav("a.wav"), "-o", tmp_path / "a.dcd")
    code, _, lines = run("decode", tmp_path / "a.dcd", "-o", tmp_path / "x.wav", with_model=False)
    assert code == 1 and len(lines) == 1 and "encoded by another model" in lines[0]


def test_other_commands_take_the_codec_of_their_first_token_file(run, files):
    """In remix and convert; a second file of another model is refused in one line."""
    default, other, wav = files / "tokens/default.dcd", files / "tokens/other.dcd", files / "a.wav"
    for command, options in (("remix", ()), ("convert", ("--seed", 1))):
        assert run(command, other, wav, "-o", files / f"{command}.wav", *options, with_model=False)[0] == 0
    code, _, lines = run("remix", other, default, "-o", files / "x.wav", with_model=False)
    assert code == 1 and len(lines) == 1 and f"was encoded by {DEFAULT_MODEL.name}" in lines[0]


def test_systems_are_named_by_their_model(tmp_path):
    assert DeCodecSystem().describe().startswith(f"{DEFAULT_MODEL.name} in the package, ")
    assert DeCodecSystem(OTHER).describe().startswith(f"{OTHER} in the package, ")
    shutil.copytree(PRETRAINED / OTHER, tmp_path / OTHER)
    assert DeCodecSystem(str(tmp_path / OTHER)).describe().startswith(f"{tmp_path / OTHER}, ")
