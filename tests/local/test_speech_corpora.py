"""Speech corpora in their published layouts: names, transcripts, splits, known flaws, and what is missing."""

import gzip
import json

import pytest

from local.corpora.published import aishell3, kaldi_dir, lhotse_manifest, librispeech, libritts, vctk


@pytest.fixture
def libritts_tree(tmp_path, sound, table):
    """LibriTTS as its archives unpack, with the three files of each utterance and the two of each chapter."""
    root = tmp_path / "LibriTTS"
    speakers = [("103", "train-clean-100"), ("84", "dev-clean"), ("1089", "test-clean")]
    for speaker, part in speakers:
        chapter = root / part / speaker / "121123"
        names = [f"{speaker}_121123_00000{n}_000000" for n in (1, 2)]
        for name in names:
            sound(chapter / f"{name}.wav", 24000)
            table(chapter / f"{name}.original.txt", "Mr. Smith,  said he.")
            table(chapter / f"{name}.normalized.txt", "Mister Smith,  said he.")
        table(
            chapter / f"{speaker}_121123.trans.tsv",
            "".join(f'{name}\t"Mr. Smith, said he.\t"Mister Smith, said he.\n' for name in names),
        )
        table(chapter / f"{speaker}_121123.book.tsv", "".join(f"{name}\t...\t0\t25.1\n" for name in names))
    rows = [("READER", "GENDER", "SUBSET", "NAME"), *((s, "F", part, "Some One") for s, part in speakers)]
    table(root / "speakers.tsv", "".join("\t".join(row) + "\n" for row in rows))
    table(root / "SPEAKERS.txt", "; Some pipe(|) separated metadata about all the speakers\n14 | F | x | 25.03 | A\n")
    return root


def test_libritts(read, libritts_tree):
    found, corpus = read(libritts, libritts_tree.parent)
    assert {name: (r.split, r.speaker) for name, r in found.items() if name.endswith("1_000000")} == {
        "103_121123_000001_000000": ("train", "libri_103"),
        "84_121123_000001_000000": ("dev", "libri_84"),
        "1089_121123_000001_000000": ("test", "libri_1089"),
    }
    assert {r.text for r in found.values()} == {"Mister Smith, said he."}
    assert not corpus.report()
    found, _ = read(libritts, libritts_tree, parts=("dev-clean",))
    assert {r.split for r in found.values()} == {"dev"}


def test_libritts_r_unpacks_under_another_name(read, libritts_tree):
    libritts_tree.rename(libritts_tree.with_name("LibriTTS_R"))
    assert len(read(libritts, libritts_tree.parent)[0]) == 6


def test_libritts_with_faults(read, libritts_tree, tmp_path):
    chapter = libritts_tree / "dev-clean" / "84" / "121123"
    (chapter / "84_121123_000001_000000.normalized.txt").unlink()
    (libritts_tree / "train-clean-100" / "103").rename(libritts_tree / "train-clean-100" / "104")
    found, corpus = read(libritts, libritts_tree)
    assert not found["84_121123_000001_000000"].text
    assert sorted(line.partition(" (first")[0] for line in corpus.report()) == [
        f"libritts: 1 speakers of train-clean-100 in {libritts_tree / 'speakers.tsv'} without a folder",
        "libritts: 1 without transcript",
    ]
    (chapter / "84_121123_000002_000000.wav").unlink()
    with pytest.raises(ValueError, match="libritts: .*84_121123.trans.tsv, line 2: .*000002_000000.wav is missing"):
        read(libritts, libritts_tree)
    with pytest.raises(ValueError, match="libritts: .*train-other-500 is missing: .* not completely unpacked"):
        read(libritts, libritts_tree, parts=("train-other-500",))
    with pytest.raises(ValueError, match="libritts: there is no part 'clean'"):
        read(libritts, libritts_tree, parts=("clean",))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="libritts: .*empty has none of train-clean-100"):
        read(libritts, tmp_path / "empty")
    with pytest.raises(ValueError, match="libritts: .*nowhere is not a folder: .*db.sh"):
        read(libritts, tmp_path / "nowhere")


def test_librispeech(read, tmp_path, sound, table):
    root = tmp_path / "LibriSpeech"
    for part, speaker in (("train-clean-100", "103"), ("test-clean", "1089")):
        chapter = root / part / speaker / "134686"
        for number in (0, 1):
            sound(chapter / f"{speaker}-134686-000{number}.flac")
        table(
            chapter / f"{speaker}-134686.trans.txt",
            f"{speaker}-134686-0000 HE HOPED THERE WOULD BE STEW\n{speaker}-134686-0001 STUFF IT INTO YOU\n",
        )
    found, corpus = read(librispeech, tmp_path)
    assert found["1089-134686-0000"].text == "HE HOPED THERE WOULD BE STEW"
    assert (found["1089-134686-0001"].split, found["1089-134686-0001"].speaker) == ("test", "libri_1089")
    assert len(found) == 4 and not corpus.report()
    (root / "test-clean" / "1089" / "134686" / "1089-134686-0001.flac").unlink()
    with pytest.raises(ValueError, match="librispeech: .*1089-134686.trans.txt, line 2: .*0001.flac is missing"):
        read(librispeech, root)


@pytest.fixture
def vctk_tree(tmp_path, sound, table):
    """VCTK 0.92 with p280, which has one microphone only, p315, which has no transcripts either, and s5."""
    root = tmp_path / "VCTK-Corpus-0.92"
    for speaker in ("p225", "p226", "p232", "p280", "p315", "s5"):
        for number in ("001", "002"):
            for mic in ("mic1",) if speaker in ("p280", "p315") else ("mic1", "mic2"):
                sound(root / "wav48_silence_trimmed" / speaker / f"{speaker}_{number}_{mic}.flac", 48000)
            if speaker != "p315":
                table(root / "txt" / speaker / f"{speaker}_{number}.txt", "Please call Stella.\n")
    table(
        root / "speaker-info.txt",
        "ID  AGE  GENDER  ACCENTS  REGION COMMENTS \np225  23  F    English    Southern  England\n",
    )
    table(root / "wav48_silence_trimmed" / "log.txt", "trimmed\n")
    return root


def test_vctk(read, vctk_tree):
    found, corpus = read(vctk, vctk_tree.parent)
    assert len(found) == 12
    assert all(r.path.name.endswith("_mic1.flac") for r in found.values())
    assert found["p225_001"].text == "Please call Stella." and not found["p315_002"].text
    assert found["p232_001"].split == "test" and found["s5_001"].speaker == "vctk_s5"
    splits = {split: {r.speaker for r in found.values() if r.split == split} for split in ("train", "dev", "test")}
    assert all(splits.values()) and sum(map(len, splits.values())) == 6
    assert [line.partition(" (first")[0] for line in corpus.report()] == [
        "vctk: 8 left out: recordings of the second microphone", "vctk: 2 without transcript"
    ]  # fmt: skip


def test_vctk_incomplete_or_older(read, vctk_tree):
    folder = vctk_tree / "wav48_silence_trimmed"
    (folder / "s5").rename(folder / ".s5")
    with pytest.raises(ValueError, match="vctk: .*txt/s5 has transcripts, but the speaker has no recordings"):
        read(vctk, vctk_tree)
    folder.rename(vctk_tree / "wav48")
    with pytest.raises(ValueError, match="vctk: .* is VCTK 0.80"):
        read(vctk, vctk_tree)


@pytest.fixture
def aishell3_tree(tmp_path, sound, table):
    """AISHELL-3, where most speakers of the test set are in the training set, too."""
    root = tmp_path / "data_aishell3"
    parts = {"train": ("SSB0005", "SSB0009"), "test": ("SSB0005", "SSB0073", "SSB0139")}
    for part, speakers in parts.items():
        lines = []
        for speaker in speakers:
            for number in (1, 2):
                name = f"{speaker}{number + 100 * (part == 'test'):04d}.wav"
                sound(root / part / "wav" / speaker / name, 44100)
                lines.append(f"{name}\t广 guang3 州 zhou1 女 nv3 大 da4 \n")
        table(root / part / "content.txt", "".join(lines))
    table(root / "train" / "label_train-set.txt", "# SSB00050001|guang3 zhou1 %|广州%\n")
    table(root / "spk-info.txt", "SSB0005\tB\tfemale\tnorth\n")
    return root


def test_aishell3(read, aishell3_tree):
    found, corpus = read(aishell3, aishell3_tree.parent)
    assert {r.speaker: r.split for r in found.values()} == {
        "aishell3_SSB0005": "train", "aishell3_SSB0009": "train", "aishell3_SSB0073": "dev", "aishell3_SSB0139": "test"
    }  # fmt: skip
    assert found["SSB00050001"].text == "广州女大" and "SSB00050101" not in found
    (line,) = corpus.report()
    assert line.startswith("aishell3: 2 left out: recordings of test by speakers of train (first: ")


def test_aishell3_with_faults(read, aishell3_tree, table):
    (aishell3_tree / "train" / "wav" / "SSB0009" / "SSB00090002.wav").unlink()
    with pytest.raises(ValueError, match="aishell3: .*train/content.txt, line 4: .*SSB00090002.wav is missing"):
        read(aishell3, aishell3_tree)
    table(aishell3_tree / "train" / "content.txt", "SSB00050001.wav\t\n")
    with pytest.raises(ValueError, match="aishell3: .*content.txt, line 1: SSB00050001.wav has no transcript"):
        read(aishell3, aishell3_tree)
    table(aishell3_tree / "train" / "content.txt", "SSB00050001.wav\t广 guang3\n", encoding="gb18030")
    with pytest.raises(ValueError, match="aishell3: .*content.txt, line 1: byte 0x.. is not UTF-8"):
        read(aishell3, aishell3_tree)


def kaldi(folder, table, recordings, **tables):
    """Write a Kaldi directory."""
    table(folder / "wav.scp", "".join(f"{name} {path}\n" for name, path in recordings.items()))
    for name, text in tables.items():
        table(folder / name, text)


def test_kaldi_directory_with_segments(read, tmp_path, sound, table):
    paths = {name: sound(tmp_path / "audio" / f"{name}.wav", seconds=2) for name in ("r1", "r2", "r3")}
    kaldi(
        tmp_path / "talks", table, paths,
        segments="a-1 r1 0.5 1.25\na-2 r1 1.25 -1\nb-1 r2 0 2\nc-1 r3 0 2\n",
        utt2spk="a-1 a\na-2 a\nb-1 b\nc-1 c\n", text="a-1 hello\nb-1 there\nc-1 yes\n",
    )  # fmt: skip
    found, corpus = read(kaldi_dir, tmp_path / "talks", "speech")
    assert (found["a-1"].start, found["a-1"].seconds, found["a-1"].path) == (0.5, 0.75, paths["r1"])
    assert (found["a-2"].start, found["a-2"].seconds, found["a-2"].speaker) == (1.25, None, "talks_a")
    assert {found[name].split for name in ("a-1", "b-1", "c-1")} == {"train", "dev", "test"}
    assert corpus.report() == ["kaldi_dir: 1 without transcript (first: a-2)"]


def test_kaldi_directories_of_a_split(read, tmp_path, sound, table):
    for split in ("train", "dev", "test"):
        path = sound(tmp_path / f"{split}.wav")
        kaldi(tmp_path / "set" / split, table, {f"{split}-1": path}, utt2class=f"{split}-1 music\n")
    found, _ = read(kaldi_dir, tmp_path / "set", "background")
    assert {r.split for r in found.values()} == {"train", "dev", "test"}
    assert {r.background_class for r in found.values()} == {"music"}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "utt2spk is not there"),
        ({"utt2spk": "a-2 a\n"}, "wav.scp, line 1: a-1 has no line in .*utt2spk"),
        ({"utt2spk": "a-1 a\n", "segments": "a-1 r9 0 1\n"}, "segments, line 1: r9 has no line in .*wav.scp"),
        ({"utt2spk": "a-1 a\n", "segments": "a-1 a-1 1 0.5\n"}, "segments, line 1: 'a-1 1 0.5' is not 'recording st"),
        ({"utt2spk": "a-1 a\n", "wav.scp": "a-1 gone.wav\n"}, "wav.scp, line 1: gone.wav is missing"),
        ({"utt2spk": "a-1 a\n", "wav.scp": "a-1 sox x.wav -t wav - |\n"}, "commands such as"),
    ],
)
def test_faults_of_kaldi_directories(read, tmp_path, sound, table, tables, message):
    kaldi(tmp_path / "set" / "train", table, {"a-1": sound(tmp_path / "a.wav")}, **tables)
    with pytest.raises(ValueError, match=f"kaldi_dir: .*{message}"):
        read(kaldi_dir, tmp_path / "set", "speech")


def jsonl(path, rows):
    """Write a manifest as lhotse does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def lhotse_rows(path, key, speaker):
    """A recording of two seconds, and a supervision of a part of it."""
    recording = {
        "id": key, "sources": [{"type": "file", "channels": [0], "source": str(path)}], "sampling_rate": 16000,
        "num_samples": 32000, "duration": 2.0, "channel_ids": [0],
    }  # fmt: skip
    supervision = {
        "id": f"{key}-1", "recording_id": key, "start": 0.5, "duration": 1.0, "channel": 0, "text": "Hallo",
        "speaker": speaker,
    }  # fmt: skip
    return recording, supervision


def test_lhotse_recordings_and_supervisions(read, tmp_path, sound):
    for part in ("train-clean", "dev-clean", "test"):
        recording, supervision = lhotse_rows(sound(tmp_path / f"{part}.wav", seconds=2), part, f"speaker of {part}")
        jsonl(tmp_path / "m" / f"corpus_recordings_{part}.jsonl.gz", [recording, {**recording, "id": "other"}])
        jsonl(tmp_path / "m" / f"corpus_supervisions_{part}.jsonl.gz", [supervision])
    found, corpus = read(lhotse_manifest, tmp_path / "m", "speech")
    assert {name: r.split for name, r in found.items()} == {
        "train-clean-1": "train", "dev-clean-1": "dev", "test-1": "test"
    }  # fmt: skip
    one = found["dev-clean-1"]
    assert (one.start, one.seconds, one.text, one.speaker) == (0.5, 1.0, "Hallo", "m_speaker of dev-clean")
    assert corpus.report() == ["lhotse_manifest: 3 left out: recordings without supervision (first: other)"]
    noises, _ = read(lhotse_manifest, tmp_path / "m", "background")
    assert noises["test"].background_class == "environment" and noises["test"].seconds is None


def test_lhotse_cuts_are_split_by_speaker(read, tmp_path, sound):
    rows = []
    for n in range(4):
        recording, supervision = lhotse_rows(sound(tmp_path / f"{n}.wav", seconds=2), f"r{n}", f"s{n}")
        cut = {"id": f"c{n}", "start": 0.25, "duration": 1.5, "channel": 0, "type": "MonoCut", "recording": recording}
        rows.append({**cut, "supervisions": [{**supervision, "start": 0.25}]})
    jsonl(tmp_path / "my_cuts.jsonl.gz", rows)
    found, _ = read(lhotse_manifest, tmp_path / "my_cuts.jsonl.gz", "speech")
    assert {r.split for r in found.values()} == {"train", "dev", "test"}
    assert found["r1-1"].start == 0.5 and found["r1-1"].seconds == 1.0


def test_faults_of_lhotse_manifests(read, tmp_path, sound):
    recording, supervision = lhotse_rows(sound(tmp_path / "x.wav", seconds=2), "r", "s")
    for changed, message in (
        ([{**recording, "sources": [{"type": "url", "source": "x"}]}, supervision], "r is not a file, but 'url'"),
        ([recording, {**supervision, "speaker": None}], "supervisions.jsonl.gz, line 1: r-1 has no speaker"),
        ([recording, {**supervision, "recording_id": "q"}], "line 1: the recording q is not in"),
        ([{**recording, "sources": [{"type": "file", "source": "gone.wav"}]}, supervision], "gone.wav is missing"),
    ):
        jsonl(tmp_path / "m" / "recordings.jsonl.gz", changed[:1])
        jsonl(tmp_path / "m" / "supervisions.jsonl.gz", changed[1:])
        with pytest.raises(ValueError, match=f"lhotse_manifest: .*{message}"):
            read(lhotse_manifest, tmp_path / "m", "speech")
    (tmp_path / "m" / "recordings.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="recordings.jsonl.gz, line 0: it is not a manifest of lhotse"):
        read(lhotse_manifest, tmp_path / "m", "speech")
