"""The recordings in this repository: complete, licensed, split by speaker and source, prepared offline."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from espnet2_decodec.data.kaldi import read_table
from local import data_dir, prepare
from local.corpora import mini
from local.recording import SPLITS, STREAMS

ROWS = mini.read_tsv(mini.FOLDER / "manifest.tsv")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare.main(["--size", "mini", "--data", str(folder), "--nj", "1"])
    return folder / "mini"


def test_manifest_and_files_name_each_other():
    files = {path.relative_to(mini.FOLDER).as_posix() for path in mini.FOLDER.rglob("*.flac")}
    assert files == {row["file"] for row in ROWS}
    assert sum(path.stat().st_size for path in mini.FOLDER.rglob("*")) <= 12e6


def test_every_source_has_a_license_and_an_attribution():
    assert {row["license"] for row in ROWS} == {"CC-BY-3.0", "CC-BY-SA-3.0"}
    attributed = (mini.FOLDER / "LICENSE.md").read_text()
    for speaker in {row["speaker"] for row in ROWS}:
        assert f"audio/{speaker}" in attributed or f"audio/{speaker.split('_')[0]}_*" in attributed


def test_no_speaker_is_in_two_sets():
    for stream in STREAMS:
        labels = {s: {r["speaker"] for r in ROWS if (r["stream"], r["split"]) == (stream, s)} for s in SPLITS}
        assert all(labels.values())
        assert sum(map(len, labels.values())) == len(set.union(*labels.values()))


def test_all_speech_has_its_text_and_all_background_its_class():
    assert all(row["text"] for row in ROWS if row["stream"] == "speech")
    assert all(row["class"] for row in ROWS if row["stream"] == "background")


def test_six_valid_directories_of_16_khz_mono(data):
    for stream in STREAMS:
        for split in SPLITS:
            folder = data / f"{stream}_{split}"
            data_dir.validate(folder)
            for name, path in list(read_table(folder / "wav.scp").items())[:3]:
                info = soundfile.info(path)
                assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
                seconds = float(read_table(folder / "utt2dur")[name])
                assert abs(info.frames / 16000 - seconds) < 1e-3


def test_the_audio_is_the_flac_unchanged(data):
    row = next(row for row in ROWS if row["stream"] == "speech" and row["split"] == "test")
    table = read_table(data / "speech_test" / "wav.scp")
    wav, _ = soundfile.read(table[f"{row['speaker']}-{Path(row['file']).stem}"], dtype="int16")
    flac, _ = soundfile.read(mini.FOLDER / row["file"], dtype="int16")
    assert (wav == flac).all()


def test_prepared_data_is_kept_unless_forced(data, capsys):
    arguments = ["--size", "mini", "--data", str(data.parent), "--nj", "1"]
    prepare.main(arguments)
    assert "--force" in capsys.readouterr().out
    (data / "speech_dev" / "utt2spk").unlink()
    prepare.main(arguments)
    assert "--force" not in capsys.readouterr().out


def test_the_script_runs_from_anywhere_and_prints_errors_in_one_line(tmp_path):
    script = Path(prepare.__file__).with_name("data.sh")
    environment = {**os.environ, "PYTHON": sys.executable}
    command = [str(script), "--size", "own", "--data", "data"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: --size own needs --speech_dir and --background_dir.\n"
