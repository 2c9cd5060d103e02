"""decodec encode and decode: the same tokens and samples as the Python calls, and one line for each error."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.io import audio, dcd
from espnet2_decodec.io.errors import TruncatedFileError


def decoded(path) -> torch.Tensor:
    """Samples of a written file."""
    return torch.from_numpy(soundfile.read(path, dtype="float32")[0])


@pytest.mark.parametrize("samples", [1, 319, 321, 20000])
def test_round_trip_equals_that_of_the_codec(run, codec, make_wav, tmp_path, samples):
    """Tokens, samples and length equal those in Python."""
    wav, tokens, out = make_wav("a.wav", samples), tmp_path / "a.dcd", tmp_path / "out.wav"
    assert run("encode", wav, "-o", tokens, "--no-gate") == (0, "", [])
    expected = codec.encode(audio.read(wav, 16000)[None])
    codes = dcd.load(tokens, codec)
    assert torch.equal(codes.speech, expected.speech) and torch.equal(codes.background, expected.background)
    code, _, lines = run("decode", tokens, "-o", out)
    assert code == 0 and all("clipped" in line for line in lines)
    assert torch.allclose(decoded(out), codec.decode(expected)[0].clamp(-1, 1), atol=1e-3)


def test_levels_are_selected_by_number_or_bit_rate(run, codec, make_wav, tmp_path):
    """2 levels of speech, and 0.2 kbit/s (1 level of 16 codes) of background; other values are errors."""
    wav, tokens = make_wav("a.wav"), tmp_path / "a.dcd"
    assert run("encode", wav, "-o", tokens, "--speech-levels", 2, "--background-kbps", 0.2)[0] == 0
    codes = dcd.load(tokens)
    assert (codes.speech.shape[1], codes.background.shape[1]) == (2, 1)
    out = tmp_path / "a.wav"
    run("decode", tokens, "-o", tmp_path / "one.wav", "--speech-levels", 1, "--only", "speech", "--rescale")
    assert (tmp_path / "one.wav").exists() and out.exists()
    code, _, lines = run("encode", wav, "-o", tokens, "--force", "--speech-kbps", 0.3)
    assert (code, len(lines)) == (1, 1) and "0, 0.2, 0.4, 0.6 kbit/s" in lines[0]
    code, _, lines = run("encode", wav, "-o", tokens, "--force", "--background-levels", 3)
    assert (code, len(lines)) == (1, 1) and "within 0..2" in lines[0]


@pytest.mark.parametrize("only", ["speech", "background"])
def test_one_stream_alone(run, codec, make_wav, tmp_path, only):
    """--only equals decode(speech=..., background=...)."""
    wav = make_wav("a.wav")
    run("encode", wav, "-o", tmp_path / "a.dcd")
    run("decode", tmp_path / "a.dcd", "-o", tmp_path / "out.flac", "--only", only)
    expected = codec.decode(codec.encode(audio.read(wav, 16000)[None]), only == "speech", only == "background")[0]
    assert torch.allclose(decoded(tmp_path / "out.flac"), expected.clamp(-1, 1), atol=1e-3)


@pytest.mark.parametrize("only", ["speech", "background"])
@pytest.mark.parametrize("suffix", [".dcd", ".speech.npy"])
def test_a_stream_without_levels_is_refused(run, make_wav, tmp_path, only, suffix):
    """In place of silence; the other stream is decoded."""
    other = {"speech": "background", "background": "speech"}[only]
    run(
        "encode",
        make_wav("a.wav"),
        "-o",
        tmp_path / "codes/",
        f"--{only}-levels",
        0,
        *([] if suffix == ".dcd" else ["--npy"]),
    )
    tokens, out = tmp_path / f"codes/a{suffix}", tmp_path / "out.wav"
    code, _, lines = run("decode", tokens, "-o", out, "--only", only)
    assert code == 1 and lines == [f"decodec: error: {tokens} holds no {only}: it was encoded with 0 {only} levels."]
    assert not out.exists()
    assert run("decode", tokens, "-o", out, "--only", other, "--rescale")[0] == 0 and decoded(out).any()
    for unit in ("levels", "kbps"):
        code, _, lines = run("decode", tokens, "-o", tmp_path / "x.wav", "--only", only, f"--{only}-{unit}", 0)
        assert code == 1 and lines == [f"decodec: error: --only {only} is not possible with --{only}-{unit} 0."]


def test_a_stream_that_the_gate_left_out_is_decoded_without_levels(run, codec, make_wav, tmp_path):
    """Silence, with a trained decoder."""
    wav = make_wav("a.wav")
    run("encode", wav, "-o", tmp_path / "a.dcd", "--gate", 20)
    assert run("decode", tmp_path / "a.dcd", "-o", tmp_path / "out.wav", "--only", "background") == (0, "", [])
    expected = codec.decode(codec.encode(audio.read(wav, 16000)[None], None, 0, 0))[0]
    assert len(expected) == 5000 and torch.allclose(decoded(tmp_path / "out.wav"), expected, atol=1e-3)


def test_tokens_without_background_are_no_background(run, make_wav, tmp_path):
    """Of a remix or a conversion; nor are those without speech a speech."""
    wav, tokens, out = make_wav("a.wav"), tmp_path / "a.dcd", ("-o", tmp_path / "out.wav")
    run("encode", wav, "-o", tokens, "--background-levels", 0)
    message = [f"decodec: error: {tokens} holds no background: it was encoded with 0 background levels."]
    assert run("remix", wav, tokens, *out) == (1, "", message)
    options = ("--method", "knn_codes", "--background")
    assert run("convert", wav, wav, *out, *options, tokens) == (1, "", message)
    assert run("convert", tokens, wav, *out, *options, "keep") == (1, "", message)
    run("encode", wav, "-o", tmp_path / "b.dcd", "--speech-levels", 0)
    code, _, lines = run("remix", tmp_path / "b.dcd", wav, *out)
    assert code == 1 and lines[0].endswith("b.dcd holds no speech: it was encoded with 0 speech levels.")
    assert not (tmp_path / "out.wav").exists()


def test_folders_keep_their_structure(run, make_wav, tmp_path):
    """Files of any rate, format and number of channels; a note describes the conversion."""
    make_wav("in/a.wav")
    make_wav("in/deep/b.flac", rate=44100, channels=2)
    (tmp_path / "in/notes.txt").write_text("not audio")
    code, _, lines = run("encode", tmp_path / "in", "-o", tmp_path / "codes")
    assert code == 0 and len(lines) == 1
    assert "note: " in lines[0] and "2 channels mixed down to one, resampled from 44100 to 16000 Hz" in lines[0]
    assert run("decode", tmp_path / "codes", "-o", tmp_path / "out", "--format", "ogg", "--rescale") == (
        0,
        "",
        [],
    )
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.[do][cg]*"))
    assert found == ["codes/a.dcd", "codes/deep/b.dcd", "out/a.ogg", "out/deep/b.ogg"]
    assert len(decoded(tmp_path / "out/deep/b.ogg")) == round(5000 * 16000 / 44100)


def test_npy_round_trip(run, codec, make_wav, tmp_path):
    """--npy writes (T, K) int16, which decode reads."""
    wav = make_wav("in/a.wav", 6400)
    assert run("encode", wav, "-o", tmp_path / "codes", "--npy")[0] == 0
    speech = np.load(tmp_path / "codes/a.speech.npy")
    codes = codec.encode(audio.read(wav, 16000)[None])
    assert speech.dtype == np.int16 and (speech.T == codes.speech[0].numpy()).all()
    assert run("decode", tmp_path / "codes", "-o", tmp_path / "out", "--rescale")[0] == 0
    assert run("decode", tmp_path / "codes/a.speech.npy", "-o", tmp_path / "one.wav", "--rescale")[0] == 0
    assert torch.equal(decoded(tmp_path / "out/a.wav"), decoded(tmp_path / "one.wav"))
    assert len(decoded(tmp_path / "one.wav")) == 6400
    pair = tmp_path / "codes/a.background.npy", tmp_path / "codes/a.speech.npy"
    assert run("decode", *pair, "-o", tmp_path / "pair.wav", "--rescale")[0] == 0  # as `decode codes/*` names both
    assert run("decode", pair[0], "-o", tmp_path / "half", "--rescale")[0] == 0
    assert torch.equal(decoded(tmp_path / "pair.wav"), decoded(tmp_path / "one.wav"))
    assert [path.name for path in (tmp_path / "half").iterdir()] == ["a.wav"]


def test_gate_omits_quiet_streams(run, codec, make_wav, tmp_path):
    """Nothing is stored below the threshold, everything above it."""
    wav = make_wav("a.wav", 40000)
    for level, present in ((-200, True), (100, False)):
        path = tmp_path / f"{level}.dcd"
        assert run("encode", wav, "-o", path, "--gate", level)[0] == 0
        reader = dcd.Reader(path)
        assert all(any(p) == all(p) == present for p in (reader.info.speech, reader.info.background))
        assert run("decode", path, "-o", tmp_path / f"{level}.wav", "--rescale")[0] == 0
    assert reader.info.size < 50


def test_default_gate(run, make_wav, tmp_path):
    """The default threshold is -60 dBFS; --no-gate stores both streams everywhere."""
    wav = make_wav("a.wav", 40000)
    for name, options in (("plain", []), ("gate", ["--gate", -60]), ("all", ["--no-gate"])):
        assert run("encode", wav, "-o", tmp_path / f"{name}.dcd", *options)[0] == 0
    assert (tmp_path / "plain.dcd").read_bytes() == (tmp_path / "gate.dcd").read_bytes()
    info = dcd.Reader(tmp_path / "all.dcd").info
    assert all(info.speech) and all(info.background)


def test_files_are_not_overwritten_without_force(run, make_wav, tmp_path):
    """The message names the option, and the file is unchanged."""
    wav, out = make_wav("a.wav"), tmp_path / "a.dcd"
    out.write_text("precious")
    code, _, lines = run("encode", wav, "-o", out)
    assert code == 1 and lines == [f"decodec: error: {out} exists; add --force to overwrite it."]
    assert out.read_text() == "precious"
    assert run("encode", wav, "-o", out, "--force") == (0, "", [])
    assert dcd.load(out)


def test_the_other_files_are_processed_after_a_failure(run, make_wav, tmp_path):
    """One line for each failure and one for their number; no incomplete file remains."""
    make_wav("in/a.wav")
    make_wav("in/c.wav")
    (tmp_path / "in/b.wav").write_text("no audio")
    cut = make_wav("in/d.wav")
    cut.write_bytes(cut.read_bytes()[:-100])
    code, _, lines = run("encode", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 1 and len(lines) == 3 and all(line.startswith("decodec: error: ") for line in lines)
    assert "b.wav is not audio" in lines[0] and "d.wav is cut off" in lines[1] and "2 of 4 files failed" in lines[2]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.dcd", "c.dcd"]


def test_errors_are_one_line(run, model, make_wav, tmp_path):
    """Exit code 1 and exactly one line."""
    wav, dcd_file = make_wav("a.wav"), tmp_path / "a.dcd"
    run("encode", wav, "-o", dcd_file)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "cut.dcd").write_bytes(dcd_file.read_bytes()[:-9])
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan]), 16000, subtype="FLOAT")
    out = tmp_path / "x.wav"
    cases = [
        (("encode", tmp_path / "none.wav", "-o", tmp_path / "x.dcd"), "none.wav does not exist"),
        (("encode", tmp_path / "empty.wav", "-o", tmp_path / "x.dcd"), "empty file"),
        (("encode", tmp_path / "nan.wav", "-o", tmp_path / "x.dcd"), "not finite"),
        (("encode", tmp_path / "empty", "-o", tmp_path / "x"), "has no .wav"),
        (("encode", dcd_file, "-o", tmp_path / "x.dcd"), "use decodec decode"),
        (("encode", wav, wav, "-o", tmp_path / "x"), "would both be written"),
        (("encode", wav, "-o", tmp_path / "x.mp3"), "must be one of .dcd"),
        (("encode", wav, dcd_file, "-o", wav), "is a file, but a folder is needed"),
        (("encode", wav, "-o", tmp_path / "x", "--npy", "--gate", -60), "leave out --npy"),
        (("encode", wav, "-o", tmp_path / "x.dcd", "--gate", -60, "--no-gate"), "do not go together"),
        (("decode", wav, "-o", out), "a.wav is not a .dcd file"),
        (("decode", tmp_path / "cut.dcd", "-o", out), "is cut off"),
        (("decode", dcd_file, "-o", tmp_path / "x.mp3"), "must be one of .wav .flac .ogg"),
    ]
    for arguments, words in cases:
        code, printed, lines = run(*arguments)
        assert (code, printed, len(lines)) == (1, "", 1), (arguments, lines)
        assert lines[0].startswith("decodec: error: ") and words in lines[0], lines
        assert not out.exists() and not list(tmp_path.rglob("*.tmp"))
    with pytest.raises(SystemExit, match="^2$"):
        run("encode", wav, "-o", tmp_path / "x.dcd", "--device", "meta")


def test_tokens_of_another_model(run, codec, make_wav, tmp_path):
    """Tokens are decoded only by the model that encoded them."""
    wav = make_wav("a.wav")
    run("encode", wav, "-o", tmp_path / "a.dcd")
    other = type(codec).from_config(codec.config)
    other.save_pretrained(tmp_path / "other")
    arguments = "decode", tmp_path / "a.dcd", "-o", tmp_path / "x.wav", "--model", tmp_path / "other"
    code, _, lines = run(*arguments, with_model=False)
    assert code == 1 and len(lines) == 1 and "encoded by another model" in lines[0]
    code, _, lines = run("decode", tmp_path / "a.dcd", "-o", tmp_path / "x.wav", "--model", tmp_path, with_model=False)
    assert code == 1 and len(lines) == 1 and "no config.json" in lines[0]


def test_a_file_that_fails_during_reading(run, make_wav, tmp_path, monkeypatch):
    """No output file remains."""
    wav = make_wav("a.wav")

    def broken(reader):
        yield torch.zeros(1000)
        raise TruncatedFileError(f"{reader.path} is cut off.")

    monkeypatch.setattr(audio.AudioReader, "__iter__", broken)
    code, _, lines = run("encode", wav, "-o", tmp_path / "out" / "a.dcd")
    assert code == 1 and lines == [f"decodec: error: {wav} is cut off."]
    assert not list((tmp_path / "out").iterdir())


def test_the_warning_of_clipping_names_the_option(run, make_wav, tmp_path, monkeypatch):
    """A warning without --rescale, none with it."""
    wav = make_wav("a.wav")
    run("encode", wav, "-o", tmp_path / "a.dcd")
    monkeypatch.setattr("espnet2_decodec.codec.streaming.decode_blocks", lambda *_: iter([torch.tensor([0.5, 2.0])]))
    code, _, lines = run("decode", tmp_path / "a.dcd", "-o", tmp_path / "x.wav")
    assert code == 0 and len(lines) == 1
    assert "warning" in lines[0] and "1 samples clipped" in lines[0] and "--rescale" in lines[0]
    assert run("decode", tmp_path / "a.dcd", "-o", tmp_path / "x.wav", "-f", "--rescale") == (0, "", [])
