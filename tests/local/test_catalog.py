"""Corpora by name: sets without common speakers and sources, refusals, and what is prepared."""

from dataclasses import replace
from pathlib import Path

import pytest

from espnet2_decodec.data.kaldi import read_table
from local import catalog, prepare
from local.protocols import PROTOCOLS
from local.recording import Recording
from local.splits import fill_missing_splits, keep_apart


@pytest.fixture
def corpora(tmp_path, sound, table) -> list[str]:
    """Options for LibriSpeech with one speaker in each set, and ESC-50 with one clip in each fold."""
    for part, speaker in (("train-clean-100", 1), ("dev-clean", 2), ("test-clean", 3)):
        chapter = tmp_path / "LibriSpeech" / part / str(speaker) / "4"
        sound(chapter / f"{speaker}-4-0000.flac")
        table(chapter / f"{speaker}-4.trans.txt", f"{speaker}-4-0000 YES\n")
    lines = ["filename,fold,target,category,esc10,src_file,take\n"]
    for fold in range(1, 6):
        sound(tmp_path / "ESC-50-master" / "audio" / f"{fold}-7{fold}-A-0.wav", 44100)
        lines.append(f"{fold}-7{fold}-A-0.wav,{fold},0,dog,True,7{fold},A\n")
    table(tmp_path / "ESC-50-master" / "meta" / "esc50.csv", "".join(lines))
    paths = ["--path", f"librispeech={tmp_path}", "--path", f"esc50={tmp_path}"]
    return [*paths, "--data", str(tmp_path / "data"), "--nj", "1"]


def run(corpora: list[str], *options: str, name: str = "both") -> Path:
    prepare.main([*corpora, "--name", name, *options])
    return Path(corpora[corpora.index("--data") + 1]) / name


def test_corpora_by_name(corpora, capsys):
    data = run(corpora, "--speech", "librispeech", "--background", "esc50")
    assert read_table(data / "speech_test" / "text") == {"libri_3-3_4_0000": "YES"}
    assert read_table(data / "speech_train" / "utt2spk") == {"libri_1-1_4_0000": "libri_1"}
    assert list(read_table(data / "background_dev" / "wav.scp")) == ["freesound_74-4_74_A_0"]
    printed = capsys.readouterr().out
    assert "librispeech: 3 recordings of speech\n" in printed and "esc50: 5 recordings of background\n" in printed
    run(corpora, "--speech", "librispeech", "--background", "esc50")
    assert "already prepared" in capsys.readouterr().out
    with pytest.raises(ValueError, match="both holds librispeech esc50: give another --name, or --force"):
        run(corpora, "--speech", "librispeech:dev-clean", "--background", "esc50")


def test_jobs_make_the_same_as_one_process(corpora, capsys):
    options = ["--speech", "librispeech", "--background", "esc50"]
    whole = run(corpora, *options)
    jobs = run(corpora, *options, "--list_only", name="jobs")
    run(corpora, *options, "--part", "2/3", name="jobs")
    with pytest.raises(ValueError, match="jobs: 3 of 8 recordings are converted: run the jobs again"):
        run(corpora, *options, name="jobs")
    run(corpora, *options, "--list_only", name="jobs")
    done = (jobs / "parts" / "2_3.jsonl").stat().st_mtime_ns
    for number in (1, 2, 3):
        run(corpora, *options, "--part", f"{number}/3", name="jobs")
    assert (jobs / "parts" / "2_3.jsonl").stat().st_mtime_ns == done
    run(corpora, *options, name="jobs")
    for path in whole.glob("*_*/*"):
        text = path.read_text().replace(f"{whole}_wav", f"{jobs}_wav")
        assert (jobs / path.relative_to(whole)).read_text() == text
    assert sorted(path.name for path in jobs.iterdir()) == sorted(path.name for path in whole.iterdir())
    capsys.readouterr()
    for step in (["--list_only"], ["--part", "1/3"], []):
        run(corpora, *options, *step, name="jobs")
    assert capsys.readouterr().out.count("already prepared") == 2


def test_missing_sets_are_drawn_from_training(corpora, tmp_path, sound, table, capsys):
    for speaker in range(10, 20):
        chapter = tmp_path / "LibriSpeech" / "train-clean-100" / str(speaker) / "4"
        sound(chapter / f"{speaker}-4-0000.flac")
        table(chapter / f"{speaker}-4.trans.txt", f"{speaker}-4-0000 YES\n")
    data = run(corpora, "--speech", "librispeech:train-clean-100", "--background", "esc50")
    assert "speech: no corpus has a dev set, so it has 1 of 11 of train" in capsys.readouterr().out
    assert [len(read_table(data / f"speech_{split}" / "spk2utt")) for split in ("train", "dev", "test")] == [9, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--speech", "libritts", "--background", "esc50"], "libritts: its path is not known; set LIBRITTS in db.sh"),
        (
            ["--speech", "librispech", "--background", "esc50"],
            "no speech corpus 'librispech'. Did you mean librispeech",
        ),
        (["--speech", "esc50", "--background", "esc50"], "There is no speech corpus 'esc50'"),
        (["--speech", "librispeech"], "Corpora need --speech, --background and --name"),
        (["--speech", "kaldi", "--background", "esc50"], "kaldi needs a path: kaldi:PATH"),
        (["--speech", "kaldi:nowhere", "--background", "esc50"], "kaldi:nowhere: nowhere is not a folder"),
        (["--speech", "lhotse:nowhere", "--background", "esc50"], "lhotse:nowhere: nowhere does not exist"),
        (
            ["--speech", "librispeech:test-clean", "--background", "esc50"],
            "no speech for dev, and training has only no",
        ),
    ],
)
def test_wrong_selections(corpora, options, message):
    with pytest.raises(ValueError, match=message):
        run(corpora, *options)


def test_wrong_options_of_the_command_line(corpora, capsys):
    for options in (["--path", "esc50"], ["--name", "a/b"]):
        with pytest.raises(SystemExit):
            run(corpora, *options)
    assert "'esc50' is not CORPUS=FOLDER" in capsys.readouterr().err


def test_a_protocol_tests_on_its_own_corpora_and_trains_on_the_others():
    protocol = replace(PROTOCOLS["paper"], utterances=2)
    trained = protocol.assign("vctk", [recording("test", "a"), recording("dev", "b")])
    assert [r.split for r in trained] == ["train", "dev"]
    tested = protocol.assign("librispeech", [recording("test", name) for name in "cdef"])
    kept, lines = protocol.limit([*trained, *tested])
    assert [r.split for r in kept] == ["train", "dev", "test", "test"]
    assert lines == ["speech: 2 left out: utterances of the test set beyond 2"]
    assert set(kept) == set(protocol.limit([*tested[::-1], *trained])[0])
    with pytest.raises(ValueError, match="has 300 utterances, but librispeech and dns have only 4: unpack them"):
        PROTOCOLS["paper"].limit(tested)


def test_the_protocol_of_the_paper_by_one_word(corpora, tmp_path, sound, table):
    noises = tmp_path / "DNS-Challenge" / "datasets" / "noise"
    for number in range(5):
        sound(noises / f"fan_Freesound_validated_{number}_0.wav")
    talks = tmp_path / "talks"
    paths = [sound(talks / f"s{n}.wav") for n in range(3)]
    table(talks / "wav.scp", "".join(f"{path.stem}-1 {path}\n" for path in paths))
    table(talks / "utt2spk", "".join(f"{path.stem}-1 {path.stem}\n" for path in paths))
    options = ["--protocol", "paper", "--test_utterances", "1", "--path", f"dns={tmp_path}"]
    data = run(corpora, *options, "--speech", f"kaldi:{talks}", "librispeech:test-clean")
    assert list(read_table(data / "speech_test" / "utt2spk").values()) == ["libri_3"]
    assert len(read_table(data / "speech_train" / "utt2spk")) == 2
    assert all("freesound_7" not in name for name in read_table(data / "background_test" / "wav.scp"))
    with pytest.raises(ValueError, match="libritts: its path is not known; set LIBRITTS in db.sh"):
        run(corpora, *options, name="whole")


def recording(split: str, speaker: str, stream: str = "speech") -> Recording:
    kind = "music" if stream == "background" else ""
    return Recording(Path(f"{split}_{speaker}.wav"), stream, split, speaker, speaker, background_class=kind)


def test_no_speaker_is_in_two_sets():
    found = [recording(split, speaker) for split in ("train", "dev", "test") for speaker in ("a", split)]
    kept, lines = keep_apart([*found, recording("train", "a", "background")])
    assert [(r.stream, r.split, r.speaker) for r in kept] == [
        ("speech", "train", "train"), ("speech", "dev", "dev"), ("speech", "test", "a"), ("speech", "test", "test"),
        ("background", "train", "a"),
    ]  # fmt: skip
    assert lines[0].startswith("speech: 1 left out: recordings of train whose speaker or source is also in dev or test")


def test_filled_sets_depend_on_the_names_alone():
    found = [recording("train", f"s{n}", stream) for stream in ("speech", "background") for n in range(40)]
    filled, lines = fill_missing_splits(found)
    assert len(lines) == 4
    assert {r.speaker: r.split for r in filled} == {r.speaker: r.split for r in fill_missing_splits(found[::-1])[0]}
    assert sum(r.split == "dev" for r in filled) == 8


def test_every_corpus_has_a_name_in_db_sh():
    text = (Path(prepare.__file__).parents[1] / "egs2" / "decodec" / "db.sh").read_text()
    for name in {*catalog.SPEECH, *catalog.BACKGROUND, *catalog.ROOMS} - {"simulated"}:
        assert f"\n{name.upper()}=" in text
