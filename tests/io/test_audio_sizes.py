"""Sizes in headers: files that lack only their last bytes, and files joined with others of their format."""

import struct

import numpy as np
import pytest

from espnet2_decodec.io import audio, errors
from espnet2_decodec.io.containers import inspect

from .conftest import CUT_BETWEEN_FRAMES, FFMPEG, RATE, SNDFILE, WITHOUT_LENGTH, chirp

KINDS = [kind for kind in [*SNDFILE, *FFMPEG] if kind not in WITHOUT_LENGTH]


@pytest.mark.parametrize("kind", KINDS)
def test_files_without_their_last_bytes_are_refused(make, kind):
    path = make(kind, chirp())
    path.write_bytes(path.read_bytes()[: -20 if kind in CUT_BETWEEN_FRAMES else -100])
    with pytest.raises(errors.TruncatedFileError, match=r"; \d\.\d\d s of it could be read"):
        audio.read(path, RATE)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mat4"])
def test_joined_files_are_read_whole_or_refused(make, kind):
    """Decoders read the first of two files whose format cannot be joined, and say nothing."""
    path = make(kind, chirp(0.5))
    once = len(audio.read(path, RATE))
    path.write_bytes(2 * path.read_bytes())
    try:
        wav = audio.read(path, RATE)
    except errors.TruncatedFileError as error:
        assert "could be read" in str(error)
    else:
        assert len(wav) == pytest.approx(2 * once, abs=0.15 * RATE)


@pytest.mark.parametrize("kind", ["aiff", "au", "caf", "w64", "nist", "sox", "tta", "flv", "adx", "rf64"])
def test_bytes_behind_a_recording_are_ignored_up_to_a_limit(make, kind):
    """Tags and padding; not as many as a recording has."""
    path = make(kind, chirp())
    data = path.read_bytes()
    once = len(audio.read(path, RATE))
    path.write_bytes(data + bytes(100))
    assert len(audio.read(path, RATE)) == once
    path.write_bytes(data + bytes([255]) * 2**17)
    with pytest.raises(errors.TruncatedFileError, match="bytes follow the samples"):
        audio.read(path, RATE)


def test_alac_in_caf_has_all_samples(make):
    """FFmpeg takes the padding of the last packet off, which is no longer there."""
    wav = audio.read(make("alac.caf", chirp(4.0)), RATE).numpy()
    assert len(wav) == 4 * RATE and np.abs(wav - chirp(4.0)).max() < 1e-4


def test_flash_and_asf_from_a_pipe_have_no_size(make):
    """Programs that cannot seek state none; the packets of ASF are of one size."""
    path = make("wma", chirp())
    data = path.read_bytes()
    properties = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    data = (
        data[: properties + 40] + bytes(8) + data[properties + 48 : properties + 88] + b"\x01" + data[properties + 89 :]
    )
    path.write_bytes(data)
    assert len(audio.read(path, RATE)) == pytest.approx(len(chirp()), abs=0.1 * RATE)
    path.write_bytes(data[:-100])
    with pytest.raises(errors.TruncatedFileError):
        audio.read(path, RATE)
    path = make("flv", chirp())
    before, name, after = path.read_bytes().partition(b"filesize\0")
    path.write_bytes(before + name + bytes(8) + after[8:])
    once = len(audio.read(path, RATE))
    assert once == pytest.approx(len(chirp()), abs=0.1 * RATE)
    path.write_bytes((before + name + bytes(8) + after[8:])[:-100])
    with pytest.raises(errors.TruncatedFileError):
        audio.read(path, RATE)


def test_avi_from_a_pipe_has_no_size(make):
    """Its header states the largest number of bytes and no duration."""
    path = make("avi", chirp())
    data = path.read_bytes()
    once = len(audio.read(path, RATE))
    frames = data.index(b"strh") + 8 + 32
    data = data[:4] + b"\xff" * 4 + data[8:frames] + b"\xff" * 4 + data[frames + 4 :]
    path.write_bytes(data)
    assert len(audio.read(path, RATE)) == once


def test_avi_with_an_extension_that_is_cut_off(make):
    """Files beyond 1 GB have several RIFF chunks."""
    path = make("avi", chirp())
    data = path.read_bytes()
    extension = b"RIFF" + struct.pack("<I", 1004) + b"AVIX" + b"JUNK" + struct.pack("<I", 992) + bytes(992)
    path.write_bytes(data + extension)
    assert len(audio.read(path, RATE)) == pytest.approx(len(chirp()), abs=0.1 * RATE)
    path.write_bytes((data + extension)[:-10])
    with pytest.raises(errors.TruncatedFileError, match="10 bytes"):
        audio.read(path, RATE)


DTS = b"\x7f\xfe\x80\x01" + bytes([0xFC, 0x3C, 0x15, 0x70]) + bytes(336)
MLP = [struct.pack(">HH", 8, 0) + b"\xf8\x72\x6f\xba" + bytes(8), struct.pack(">HH", 6, 0) + bytes(8)]
SBC = bytes([0x9C, 0x31, 0x3C]) + bytes(125)
JOINT_SBC = bytes([0x9C, 0xBD, 0x35]) + bytes(116)


@pytest.mark.parametrize("frames", [[DTS, DTS], MLP, [SBC, SBC], [JOINT_SBC, JOINT_SBC]])
def test_streams_of_frames_without_a_container(tmp_path, frames):
    """DTS, TrueHD and SBC, for which there is no encoder everywhere: the last frame is complete, or what it lacks."""
    path = tmp_path / "stream"
    path.write_bytes(b"".join(frames))
    assert inspect(path).problem == ""
    path.write_bytes(b"".join(frames)[:-3])
    assert inspect(path).problem == "3 bytes of its last frame are missing"


def test_dsf_of_another_size(tmp_path):
    """The header of DSD files states the size of the file."""
    path = tmp_path / "a.dsf"
    path.write_bytes(b"DSD " + struct.pack("<QQQ", 28, 1000, 0) + bytes(972))
    assert inspect(path).problem == ""
    path.write_bytes(path.read_bytes()[:900])
    assert inspect(path).problem == "100 bytes of the samples in its header are missing"


@pytest.mark.parametrize("changes", [{5: 0}, {5: 255}, {6: 0}, {7: 0}, {0x1E: 0}, {8: 0, 9: 0, 10: 0, 11: 0}])
def test_damaged_headers_of_adx_are_refused(make, changes):
    """FFmpeg divides by zero for them, which ends the process."""
    path = make("adx", chirp(0.5))
    data = bytearray(path.read_bytes())
    assert len(audio.read(path)) > 7000
    for place, value in changes.items():
        data[place] = value
    for name in ("damaged.adx", "damaged.bin"):
        damaged = path.with_name(name)
        damaged.write_bytes(data)
        with pytest.raises(errors.FileError):
            audio.read(damaged)
