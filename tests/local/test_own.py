"""Folders of the user: any format, split by speaker, and clear errors."""

import shutil
import zlib

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.kaldi import read_table
from local import prepare
from local.corpora import own
from local.recording import SPLITS, ascii_name


def tone(path, rate=16000, seconds=0.5, channels=1, **options):
    """A recording of random pitch below the Nyquist frequency of every rate: no two alike, as repeats are left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hertz = 200 + zlib.crc32(path.as_posix().encode()) % 3000
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate, **options)


def run(tmp_path, *options):
    speech, background = tmp_path / "speech", tmp_path / "background"
    folders = ["--speech_dir", str(speech), "--background_dir", str(background)]
    prepare.main(["--size", "own", "--data", str(tmp_path / "data"), *folders, "--nj", "1", *options])
    return tmp_path / "data" / "own"


def test_folders_are_speakers_and_stay_whole(tmp_path):
    for speaker in ("ann", "bob", "Zoë", "dan"):
        for name in ("one.wav", "deep/two.flac", "three.ogg"):
            tone(tmp_path / "speech" / speaker / name)
    for name in ("rain.wav", "wind.wav", "saw.wav"):
        tone(tmp_path / "background" / name)
    data = run(tmp_path)
    speakers = [set(read_table(data / f"speech_{split}" / "spk2utt")) for split in SPLITS]
    assert [len(part) for part in speakers] == [2, 1, 1]
    assert set.union(*speakers) == {"ann", "bob", ascii_name("Zoë"), "dan"}
    assert sum(len(read_table(data / f"speech_{split}" / "wav.scp")) for split in SPLITS) == 12
    assert set(read_table(data / "background_train" / "utt2class").values()) == {"environment"}


def test_any_rate_and_channel_count(tmp_path):
    pytest.importorskip("soxr")
    for number, rate in enumerate((8000, 44100, 48000)):
        tone(tmp_path / "speech" / f"{rate}.wav", rate=rate, channels=number + 1)
        tone(tmp_path / "background" / f"{rate}.wav", rate=rate)
    data = run(tmp_path)
    for split in SPLITS:
        (path,) = read_table(data / f"speech_{split}" / "wav.scp").values()
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.frames) == (16000, 1, 8000)


def test_long_recordings_are_cut_and_bad_ones_named(tmp_path, capsys):
    for name in ("a", "b", "c", "d"):
        tone(tmp_path / "speech" / name / "talk.wav", seconds=61)
        tone(tmp_path / "background" / f"{name}.wav")
    (tmp_path / "speech" / "a" / "broken.wav").write_bytes(b"this is no audio")
    tone(tmp_path / "speech" / "a" / "short.wav", seconds=0.1)
    soundfile.write(tmp_path / "speech" / "a" / "silent.wav", np.zeros(16000), 16000)
    data = run(tmp_path)
    printed = capsys.readouterr().out
    assert "broken.wav cannot be read as audio" in printed
    assert printed.count("silent or too short") == 2
    durations = [float(d) for d in read_table(data / "speech_dev" / "utt2dur").values()]
    assert durations == [30.5, 30.5]


def test_the_same_recording_twice_is_used_once(tmp_path, capsys):
    for name in ("a", "b", "c", "d"):
        tone(tmp_path / "speech" / name / "talk.wav")
        tone(tmp_path / "background" / f"{name}.wav")
    for name in ("a", "b", "c", "d"):
        shutil.copy(tmp_path / "speech/a/talk.wav", tmp_path / "speech" / name / "copy.wav")
    data = run(tmp_path)
    assert sum(len(read_table(data / f"speech_{split}" / "wav.scp")) for split in SPLITS) == 4
    assert "copy.wav: identical to" in capsys.readouterr().out


def test_errors_name_the_cause(tmp_path):
    with pytest.raises(ValueError, match="speech is not a folder"):
        run(tmp_path)
    (tmp_path / "speech").mkdir()
    with pytest.raises(ValueError, match="contains no audio"):
        run(tmp_path)
    tone(tmp_path / "speech" / "only" / "one.wav")
    with pytest.raises(ValueError, match="has only only: train, dev and test"):
        run(tmp_path)
    with pytest.raises(ValueError, match="leave none of the 4 folders"):
        own.split_speakers(list("abcd"), 0.5, 0.5, tmp_path)


def test_a_split_depends_on_the_names_alone(tmp_path):
    labels = [f"speaker{n}" for n in range(20)]
    splits = own.split_speakers(labels, 0.1, 0.2, tmp_path)
    assert splits == own.split_speakers(labels[::-1], 0.1, 0.2, tmp_path)
    assert [list(splits.values()).count(split) for split in SPLITS] == [14, 2, 4]


def test_files_that_are_cut_off_or_far_too_loud_are_named(tmp_path, capsys):
    for name in ("a", "b", "c", "d"):
        tone(tmp_path / "speech" / name / "talk.wav")
        tone(tmp_path / "background" / f"{name}.wav")
    cut = tmp_path / "speech" / "a" / "cut.wav"
    tone(cut)
    cut.write_bytes(cut.read_bytes()[:-9000])
    loud = tmp_path / "speech" / "a" / "loud.wav"
    soundfile.write(loud, 10000 * np.sin(np.arange(8000)), 16000, subtype="FLOAT")
    run(tmp_path)
    printed = capsys.readouterr().out
    assert "cut.wav is cut off or damaged: 9000 bytes" in printed
    assert "loud.wav has samples up to" in printed
