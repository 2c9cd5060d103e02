"""Samplers read every format right: floats scaled, formats without random access decoded, cut files refused."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.data.kaldi import write_table
from espnet2_decodec.data.sampler import DiskSegmentSampler, MemorySegmentSampler

RATE = 16000
WAV = 0.3 * np.sin(np.arange(RATE) ** 1.3 / 50)


def directory(folder, suffix="wav", gain=1.0, **options):
    """A Kaldi directory of one recording."""
    folder.mkdir(exist_ok=True)
    path = folder / f"a.{suffix}"
    soundfile.write(path, gain * WAV, RATE, **options)
    write_table(folder / "wav.scp", {"a": path})
    write_table(folder / "utt2spk", {"a": "a"})
    return path


@pytest.mark.parametrize("suffix, subtype", [(s, t) for s in ("wav", "aiff", "caf") for t in ("FLOAT", "DOUBLE")])
def test_float_files_equal_those_of_16_bits(tmp_path, suffix, subtype):
    """In memory both are the same integers, up to rounding."""
    directory(tmp_path / "int")
    directory(tmp_path / "float", suffix, subtype=subtype)
    integers, floats = (MemorySegmentSampler.from_directory(tmp_path / name).samples for name in ("int", "float"))
    assert integers.dtype == floats.dtype == torch.int16
    assert integers.abs().max() > 9000 and (integers - floats).abs().max() <= 1


def test_integers_keep_every_bit(tmp_path):
    """Samples of 16 bits are not changed on their way through floats."""
    directory(tmp_path)
    samples = np.arange(-32768, 32768).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    assert (MemorySegmentSampler.from_directory(tmp_path).samples.numpy() == samples).all()


@pytest.mark.parametrize("sampler", [MemorySegmentSampler.from_directory, lambda d: DiskSegmentSampler(d / "wav.scp")])
def test_bad_files_are_refused_by_name(tmp_path, sampler):
    """Files that are cut off; integers stored as floats when they are read."""
    path = directory(tmp_path)
    path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(ValueError, match=r"a.wav is cut off or damaged: 9000 bytes"):
        sampler(tmp_path)
    directory(tmp_path / "float", gain=32768, subtype="FLOAT")
    with pytest.raises(ValueError, match="far beyond full scale"):
        drawn = sampler(tmp_path / "float")
        drawn.segment("a", 8000, np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["mp3", "flac"])
def test_segments_of_files_without_random_access(tmp_path, kind):
    """A segment is the part of the whole recording, also where libsndfile cannot seek or has no length."""
    path = directory(tmp_path, kind)
    if kind == "flac":
        data = path.read_bytes()
        path.write_bytes(data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:])
    disk = DiskSegmentSampler(tmp_path / "wav.scp")
    segment = disk.segment("a", 4000, np.random.default_rng(0))
    start = int(np.random.default_rng(0).integers(RATE - 4000 + 1))
    assert np.corrcoef(segment, WAV[start : start + 4000])[0, 1] > 0.95
