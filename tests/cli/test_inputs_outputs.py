"""Which files of a folder are read, which names an output may have, and what is left after a failure."""

import errno
import os

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.cli import main, pipeline
from espnet2_decodec.io import audio, sound_output


def written(folder):
    """Names of all files below a folder, also hidden ones."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_members_of_a_folder(run, make_wav, tmp_path):
    """Linked folders are read, broken links fail, other formats are named."""
    make_wav("real/b.wav")
    make_wav("in/a.wav")
    (tmp_path / "in/linked").symlink_to(tmp_path / "real")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/broken.wav").symlink_to("/nonexistent.wav")
    for name in ("x.mid", "y.xyz", "._a.wav"):
        (tmp_path / "in" / name).write_bytes(b"x")
    code, _, lines = run("encode", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 1 and written(tmp_path / "out") == ["a.dcd", "linked/b.dcd"]
    assert "2 files (.mid, .xyz) left out" in lines[0]
    assert "broken.wav is a broken link to /nonexistent.wav" in lines[1] and "1 of 3 files failed" in lines[2]


def test_results_in_the_input_are_not_read_again(run, make_wav, tmp_path):
    make_wav("in/a.wav")
    assert run("separate", tmp_path / "in", "-o", tmp_path / "in/stems", "--rescale")[0] == 0
    make_wav("in/b.wav")
    code, _, lines = run("separate", tmp_path / "in", "-o", tmp_path / "in/stems", "--skip-existing", "--rescale")
    expected = [f"{name}.{stream}.wav" for name in "ab" for stream in ("background", "speech")]
    assert code == 0 and written(tmp_path / "in/stems") == expected
    assert "the output folder, is left out" in lines[0] and "1 of 2 files left out, as their output exists" in lines[-1]
    assert run("separate", tmp_path / "in", "-o", tmp_path / "other", "--rescale")[0] == 0
    assert written(tmp_path / "other") == expected
    assert run("separate", tmp_path / "in", "-o", tmp_path / "in", "--rescale")[0] == 0
    code, _, lines = run("separate", tmp_path / "in", "-o", tmp_path / "in", "-f", "--rescale")
    assert code == 0 and "results of decodec separate" in lines[0] and not list(tmp_path.rglob("*.speech.speech.wav"))
    assert run("encode", tmp_path / "other", "-o", tmp_path / "tokens")[0] == 0  # nothing but stems: given on purpose
    assert len(written(tmp_path / "tokens")) == 4


def test_a_background_without_its_speech_fails(run, make_wav, tmp_path):
    make_wav("in/a.wav")
    run("encode", tmp_path / "in", "-o", tmp_path / "tokens", "--npy")
    (tmp_path / "tokens/b.background.npy").write_bytes((tmp_path / "tokens/a.background.npy").read_bytes())
    code, _, lines = run("decode", tmp_path / "tokens", "-o", tmp_path / "out", "--rescale")
    assert code == 1 and written(tmp_path / "out") == ["a.wav"]
    assert "b.background.npy has no .speech.npy file beside it" in lines[0]


@pytest.mark.parametrize(
    ("command", "name", "message"),
    [
        ("separate", "speech.wav", "has the suffix of a file, but a folder is needed"),
        ("encode --npy", "a.npy", "has the suffix of a file, but a folder is needed"),
        ("encode", "a.dcx", "the suffix must be one of .dcd"),
        ("encode", "a.mp3", "the suffix must be one of .dcd"),
        ("separate", "-", "writes two files, so it needs a folder"),
        ("encode --npy", "-", "writes two files, so it needs a folder"),
    ],
)
def test_outputs_that_are_files_where_a_folder_is_needed(run, make_wav, tmp_path, monkeypatch, command, name, message):
    wav = make_wav("a.wav")
    monkeypatch.chdir(tmp_path)
    code, _, lines = run(*command.split(), wav, "-o", name)
    assert code == 1 and len(lines) == 1 and message in lines[0] and written(tmp_path) == ["a.wav"]


def test_folders_with_a_file_suffix(run, make_wav, tmp_path):
    make_wav("in/a.wav")
    code, _, lines = run("encode", tmp_path / "in", "-o", tmp_path / "d.dcd")
    assert code == 1 and len(lines) == 1 and "a slash at its end makes it a folder" in lines[0]
    for name in ("d.dcd/", "exp_v1.0", "2024.11"):
        assert run("encode", tmp_path / "in", "-o", f"{tmp_path}/{name}") == (0, "", [])
        assert (tmp_path / name / "a.dcd").is_file()


class Full:
    """A file on a disk with room for some bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        if self.file.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("form", ["wav", "flac", "ogg", "opus", "m4a"])
def test_a_full_disk(run, make_wav, tmp_path, monkeypatch, form):
    """One line names the output, the smaller file is written, and both stems or none."""
    make_wav("in/a.wav", 60000)
    make_wav("in/b.wav", 100)
    monkeypatch.setattr(sound_output, "open", lambda *a, **k: Full(open(*a, **k), 6000), raising=False)
    code, _, lines = run("separate", tmp_path / "in", "-o", tmp_path / "out", "--format", form)
    lines = [line for line in lines if "warning" not in line]
    assert code == 1 and len(lines) == 2 and "1 of 2 files failed" in lines[1]
    assert f"a.speech.{form}: No space left on device" in lines[0] or f"a.background.{form}: No space" in lines[0]
    assert written(tmp_path / "out") == [f"b.background.{form}", f"b.speech.{form}"]


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (MemoryError(), "a.wav: There is not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "not enough memory"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "not enough memory"),
        (soundfile.LibsndfileError(2), "a.wav: "),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "a.wav: Disk quota exceeded"),
    ],
)
def test_the_batch_goes_on(run, make_wav, tmp_path, monkeypatch, problem, message):
    make_wav("in/a.wav")
    make_wav("in/b.wav")
    encode = pipeline.encode

    def fail(codec, reader, levels):
        if reader.path.name == "a.wav":
            raise problem
        return encode(codec, reader, levels)

    monkeypatch.setattr(pipeline, "encode", fail)
    code, _, lines = run("encode", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 1 and len(lines) == 2 and message in lines[0] and written(tmp_path / "out") == ["b.dcd"]


def test_npy_files_are_written_both_or_none(run, make_wav, tmp_path, monkeypatch):
    wav, write = make_wav("a.wav"), type(tmp_path).write_bytes
    count = iter(range(100))

    def full(path, data):
        if next(count) == 1:
            write(path, data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(type(tmp_path), "write_bytes", full)
    code, _, lines = run("encode", wav, "-o", tmp_path / "out", "--npy")
    assert code == 1 and len(lines) == 1 and "a.background.npy: No space left on device" in lines[0]
    assert written(tmp_path / "out") == []
    assert run("encode", wav, "-o", tmp_path / "out", "--npy") == (0, "", [])
    assert np.load(tmp_path / "out/a.background.npy").shape == np.load(tmp_path / "out/a.speech.npy").shape[:1] + (2,)


@pytest.mark.parametrize(("name", "fits"), [("あ" * 80, True), ("x" * 242, False)])
def test_long_names(run, make_wav, tmp_path, name, fits):
    """Where the output's name is too long, that is one line; the rest is written."""
    make_wav(f"in/{name}.wav")
    make_wav("in/z.wav")
    assert run("encode", tmp_path / "in", "-o", tmp_path / "tokens") == (0, "", [])
    assert written(tmp_path / "tokens") == sorted([f"{name}.dcd", "z.dcd"])
    code, _, lines = run("separate", tmp_path / "in", "-o", tmp_path / "out", "--rescale")
    assert code == (0 if fits else 1) and (fits or (len(lines) == 2 and "File name too long" in lines[0]))
    stems = [name, "z"] if fits else ["z"]
    assert written(tmp_path / "out") == sorted(f"{n}.{s}.wav" for n in stems for s in ("speech", "background"))


def test_names_that_are_not_utf8(run, make_wav, tmp_path):
    """Files and folders with names in Latin-1 are read and written, with and without scaling."""
    folder = tmp_path / os.fsdecode(b"\xe9t\xe9")
    folder.mkdir()
    wav = make_wav("a.wav").rename(folder / os.fsdecode(b"caf\xe9.wav"))
    for output in ("x.dcd", os.fsdecode(b"\xe9.dcd")):
        assert run("encode", wav, "-o", folder / output) == (0, "", [])
        assert run("decode", folder / output, "-o", folder / f"{output}.wav", "--rescale") == (0, "", [])
    code, _, lines = run("separate", folder, "-o", tmp_path / "out", "--rescale")
    assert code == 0, lines
    code, out, _ = run("info", folder / os.fsdecode(b"\xe9.dcd"), with_model=False)
    assert code == 0 and r"\udce9.dcd" in out
    assert len(written(tmp_path / "out")) == 6


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "five"])
@pytest.mark.parametrize(
    "arguments",
    [
        "encode a.wav -o x.dcd --gate",
        "encode a.wav -o x.dcd --speech-kbps",
        "encode a.wav -o x.dcd --background-kbps",
        "remix a.wav a.wav -o x.wav --snr",
        "remix a.wav a.wav -o x.wav --gain",
        "say abc --prompt a.wav --model m -o x.wav --background-snr",
        "say abc --prompt a.wav --model m -o x.wav --background-gain",
        "say abc --prompt a.wav --model m -o x.wav --speed",
    ],
)
def test_numbers_are_finite(capsys, arguments, value):
    *rest, option = arguments.split()
    with pytest.raises(SystemExit) as end:
        main([*rest, f"{option}={value}"])
    lines = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and len(lines) == 1 and option in lines[0] and "is not a" in lines[0]


def test_remix_never_clips(run, make_wav, tmp_path, monkeypatch):
    wav = make_wav("a.wav")
    monkeypatch.setattr("espnet2_decodec.codec.streaming.decode_blocks", lambda *_: iter([torch.tensor([0.5, -2.0])]))
    code, _, lines = run("remix", wav, wav, "-o", tmp_path / "x.wav")
    assert code == 0 and len(lines) == 1 and "x.wav: scaled by -6.1 dB, as it would clip (peak 2.00)" in lines[0]
    assert np.allclose(audio.read(tmp_path / "x.wav", 16000), [0.2475, -0.99], atol=1e-4)
    assert run("remix", wav, wav, "-o", tmp_path / "y.wav", "--rescale") == (0, "", [])
