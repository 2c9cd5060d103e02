"""Recordings in tar files: the same segments as from single files, exact order, and what is damaged is named."""

import json
import shutil
import tarfile

import numpy as np
import pytest
import soundfile

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.sampler import DiskSegmentSampler, RecordingList
from espnet2_decodec.data.shard_writing import finish_shards, split_evenly, write_shards
from espnet2_decodec.data.shards import ShardedRecordings, ShardSegmentSampler


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A data directory of 11 recordings by 3 speakers, one of them noisy; the samples of each are its number."""
    folder = tmp_path_factory.mktemp("corpus")
    tables = {"wav.scp": "", "utt2spk": "", "utt2dur": "", "utt2class": ""}
    for number in range(11):
        name, speaker = f"s{number % 3}-{number:02d}", f"s{number % 3}"
        count = 500 + 300 * number
        soundfile.write(folder / f"{name}.wav", np.full(count, (number + 1) / 1024), 16000, subtype="PCM_16")
        row = (folder / f"{name}.wav", speaker, f"{count / 16000:.6f}", "music" if number % 2 else "environment")
        for table, value in zip(tables, row):
            tables[table] += f"{name} {value}\n"
    for table, text in tables.items():
        (folder / table).write_text(text)
    (folder / "noisy_speakers").write_text("s1\n")
    (folder / "text").write_text("s0-00 Grüße\n")
    return folder


@pytest.fixture(scope="module")
def shards(corpus, tmp_path_factory):
    """Its shards of 4 recordings, written by two jobs."""
    out = tmp_path_factory.mktemp("shards")
    weights = {"class_weights": {"music": 0.3}, "noisy_weight": 0.3}
    assert [write_shards(corpus, out, 4, (k, 2), **weights) for k in (1, 2)] == [2, 1]
    assert finish_shards(out) == 11
    return out / "shards.json"


def order(corpus):
    """Ids in the order of the shards."""
    names = [line.split()[0] for line in (corpus / "wav.scp").read_text().splitlines()]
    return [name for shard in split_evenly(names, 4) for name in shard]


def test_samples_of_16_bits_are_kept_up_to_full_scale(tmp_path):
    samples = np.array([-32768, -20001, -1, 0, 1, 20001, 32767] * 100, np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    (tmp_path / "wav.scp").write_text(f"a {tmp_path / 'a.wav'}\n")
    assert write_shards(tmp_path, tmp_path / "out") == 1
    with tarfile.open(tmp_path / "out" / "000000.tar") as tar:
        found = soundfile.read(tar.extractfile("a.wav"), dtype="int16")
    assert np.array_equal(found[0], samples) and found[1] == 16000


def test_shards_are_tar_files_with_samples_and_descriptions(corpus, shards):
    with tarfile.open(shards.with_name("000000.tar")) as tar:
        names = tar.getnames()
        assert names == [f"{name}.{suffix}" for name in order(corpus)[:4] for suffix in ("wav", "json")]
        found = soundfile.read(tar.extractfile(names[0]), dtype="int16")[0]
        assert (found == soundfile.read(corpus / names[0], dtype="int16")[0]).all()
    rows = [row for path in sorted(shards.parent.glob("0*.json")) for row in json.loads(path.read_text())]
    assert {row["text"] for row in rows} == {"", "Grüße"} and {row["source"] for row in rows} == {"s0", "s1", "s2"}


def test_segments_and_probabilities_are_those_of_single_files(corpus, shards):
    single = DiskSegmentSampler(corpus / "wav.scp", pause=(0.01, 0.02), class_weights={"music": 0.3}, noisy_weight=0.3)
    packed = ShardSegmentSampler(shards, pause=(0.01, 0.02))
    names = order(corpus)
    expected = dict(zip(single.names, RecordingList(corpus / "wav.scp", {"music": 0.3}, 0.3).probabilities(0.5)))
    assert packed.probabilities == pytest.approx([expected[name] for name in names], rel=1e-5)
    for index, name in enumerate(names):
        for length in (400, 900):
            one = single.segment(name, length, np.random.default_rng(1))
            other = packed.segment(index, length, np.random.default_rng(1))
            assert np.array_equal(one[:400], other[:400]) and len(other) == length
        assert {names[i] for i in packed._members(index)} == {n for n in names if n[:2] == name[:2]}
    whole = packed.recordings.read(3, 10**6)
    assert np.array_equal(whole, soundfile.read(corpus / f"{names[3]}.wav", dtype="float32")[0])
    assert len(packed.recordings.read(3, 100, len(whole) - 10)) == 10


def test_writing_goes_on_where_it_ended(corpus, shards, tmp_path):
    shutil.copytree(shards.parent, tmp_path / "copy")
    (tmp_path / "copy" / "000001.tar").unlink()
    assert write_shards(corpus, tmp_path / "copy", 4) == 1
    assert write_shards(corpus, tmp_path / "copy", 5) == 3
    for path in (tmp_path / "copy").glob("000000.*"):
        path.unlink()
    with pytest.raises(ValueError, match="000000.tar is missing: write the shards again"):
        finish_shards(tmp_path / "copy")


def test_the_step_of_the_recipe(corpus, shards, tmp_path, capsys):
    run_step("shards", ["--data", corpus, "--out", tmp_path / "s", "--per_shard", "4", "--part", "1/2"])
    assert not (tmp_path / "s" / "shards.json").exists()
    run_step("shards", ["--data", corpus, "--out", tmp_path / "s", "--per_shard", "4"])
    assert "11 recordings in 3 shards" in capsys.readouterr().out
    assert len(ShardedRecordings(tmp_path / "s" / "shards.json")) == 11


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "shards.json").unlink(), "shards.json is not there"),
        (lambda folder: (folder / "shards.json").write_text("{}"), "shards.json is not a list of shards"),
        (lambda folder: (folder / "000001.tar").unlink(), "shards.json: the shard .*000001.tar is missing"),
        (lambda folder: (folder / "frames.npy").write_bytes(b"x"), "frames.npy is missing or damaged"),
        (lambda folder: np.save(folder / "weights.npy", np.ones(3)), "weights.npy has 3 rows in place of 11"),
        (lambda folder: (folder / "000002.tar").write_bytes(b"x" * 600), "000002.tar, recording 1 is cut off"),
    ],
)
def test_damaged_shards_are_named(shards, tmp_path, damage, message):
    folder = tmp_path / "copy"
    shutil.copytree(shards.parent, folder)
    damage(folder)
    with pytest.raises(ValueError, match=message):
        ShardSegmentSampler(folder / "shards.json").segment(8, 100, np.random.default_rng(0))
    with pytest.raises(ValueError, match="has 16000 Hz, the codec works at 24000 Hz"):
        ShardSegmentSampler(shards, 24000)
