"""Background corpora in their published layouts: splits by source, and what has voices is left out and counted."""

import pytest

from local.corpora.corpus import VOICES
from local.corpora.published import demand, dns, esc50, fsd50k, musan, wham


def counts(corpus):
    """The lines about a corpus without the examples."""
    return sorted(line.partition(" (first")[0] for line in corpus.report())


@pytest.fixture
def musan_tree(tmp_path, sound, table):
    """MUSAN with the LICENSE and ANNOTATIONS of its folders."""
    root = tmp_path / "musan"
    names = {
        "noise/free-sound": ["noise-free-sound-0000", "noise-free-sound-0001", "noise-free-sound-0002"],
        "noise/sound-bible": ["noise-sound-bible-0000"],
        "music/fma": ["music-fma-0000", "music-fma-0001"],
        "music/jamendo": ["music-jamendo-0000"],
        "speech/librivox": ["speech-librivox-0000"],
        "speech/us-gov": ["speech-us-gov-0000"],
    }
    for folder, files in names.items():
        for name in files:
            sound(root / folder / f"{name}.wav")
        table(root / folder / "LICENSE", "".join(f"{name} is in the public domain.\n" for name in files))
    table(
        root / "noise" / "free-sound" / "LICENSE",
        "noise-free-sound-0000.wav\nhttp://www.freesound.org/people/Someone/sounds/391432/\n CC0\n",
    )
    table(root / "noise" / "free-sound" / "ANNOTATIONS", "noise-free-sound-0002 background crowd noise\n")
    table(root / "music" / "fma" / "ANNOTATIONS", "music-fma-0000 rock,pop Y Some_Band\nmusic-fma-0001 folk N A_Duo\n")
    table(root / "music" / "jamendo" / "ANNOTATIONS", "music-jamendo-0000 ambient N Some_Artist\n")
    table(root / "README", "MUSAN\n")
    return root


def test_musan(read, musan_tree):
    found, corpus = read(musan, musan_tree.parent)
    assert {name: r.background_class for name, r in found.items()} == {
        "noise-free-sound-0000": "environment", "noise-free-sound-0001": "environment",
        "noise-sound-bible-0000": "effects", "music-fma-0001": "music", "music-jamendo-0000": "music",
    }  # fmt: skip
    assert found["noise-free-sound-0000"].speaker == "freesound_391432"
    assert found["noise-free-sound-0001"].speaker == "musan_noise-free-sound-0001"
    assert {r.split for r in found.values()} == {"train", "dev", "test"}
    assert counts(corpus) == [
        "musan: 1 left out: music with vocals", "musan: 1 left out: noise with voices", "musan: 2 left out: speech"
    ]  # fmt: skip


def test_musan_with_faults(read, musan_tree, table):
    found, corpus = read(musan, musan_tree, parts=("noise",))
    assert len(found) == 3 and counts(corpus) == ["musan: 1 left out: noise with voices"]
    (musan_tree / "music" / "fma" / "music-fma-0001.wav").unlink()
    with pytest.raises(ValueError, match="musan: .*fma/ANNOTATIONS, line 2: .*music-fma-0001.wav is missing"):
        read(musan, musan_tree)
    table(musan_tree / "music" / "fma" / "ANNOTATIONS", "music-fma-0001 folk N A_Duo\n")
    (musan_tree / "music" / "fma" / "ANNOTATIONS").unlink()
    with pytest.raises(ValueError, match="musan: .*fma/ANNOTATIONS does not tell whether music-fma-0000 has vocals"):
        read(musan, musan_tree)


HEADER = "utterance_id,Noise Band,File ID,L to R Width (cm),Reverberation Level,Location ID,Location Day ID\n"


@pytest.fixture
def wham_tree(tmp_path, sound, table):
    """wham_noise with its metadata."""
    root = tmp_path / "wham_noise"
    for part, file_id in (("tr", 7), ("cv", 8), ("tt", 9)):
        names = [f"{file_id}0{n}o030n_0.51_20ga010m_-0.51.wav" for n in range(2)]
        for name in names:
            sound(root / part / name, channels=2)
        table(
            root / "metadata" / f"noise_meta_{part}.csv",
            HEADER + "".join(f"{name},1,{file_id},18,m,3,2\n" for name in names),
        )
    table(root / "metadata" / "README.md", "# WHAM! Metadata Files\n")
    return root


def test_wham(read, wham_tree, sound):
    sound(wham_tree / "tr" / "more.wav", channels=2)
    found, corpus = read(wham, wham_tree.parent, parts=("tr",))
    assert {(r.split, r.speaker, r.channel) for r in found.values()} == {("train", "wham_7", 0)}
    assert counts(corpus) == ["wham: 1 left out: noises that are not in noise_meta_tr.csv"]
    assert {r.split for r in read(wham, wham_tree)[0].values()} == {"train", "dev", "test"}


def test_wham_with_faults(read, wham_tree, table):
    (wham_tree / "cv" / "800o030n_0.51_20ga010m_-0.51.wav").unlink()
    with pytest.raises(ValueError, match="wham: .*noise_meta_cv.csv, line 2: .*800o030n.*wav is missing"):
        read(wham, wham_tree)
    table(wham_tree / "metadata" / "noise_meta_tr.csv", HEADER.replace("File ID,", ""))
    with pytest.raises(ValueError, match="wham: .*noise_meta_tr.csv, line 1: there is no column file_id"):
        read(wham, wham_tree)
    (wham_tree / "metadata" / "noise_meta_tr.csv").unlink()
    with pytest.raises(ValueError, match="wham: .*noise_meta_tr.csv is missing"):
        read(wham, wham_tree)


def test_dns(read, tmp_path, sound):
    folder = tmp_path / "DNS-Challenge" / "datasets_fullband" / "noise_fullband"
    names = ["-0Kz5gZdjrY", "0-Jo_gMGCYs_1", "fan_Freesound_validated_391432_0", "fan_Freesound_validated_391432_1"]
    for name in (*names, "babble_Freesound_validated_12_0", "washing_machine_1"):
        sound(folder / f"{name}.wav", 48000)
    found, corpus = read(dns, tmp_path)
    assert {name: r.speaker for name, r in found.items()} == {
        "-0Kz5gZdjrY": "audioset_-0Kz5gZdjrY", "0-Jo_gMGCYs_1": "audioset_0-Jo_gMGCYs",
        names[2]: "freesound_391432", names[3]: "freesound_391432", "washing_machine_1": "dns_washing_machine_1",
    }  # fmt: skip
    assert found[names[2]].split == found[names[3]].split
    assert {r.split for r in found.values()} == {"train", "dev", "test"}
    assert counts(corpus) == ["dns: 1 left out: noises with voices in the name"]
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"dns: .*noise_fullband has no \*\*/\*.wav"):
        read(dns, tmp_path)


@pytest.fixture
def esc50_tree(tmp_path, sound, table):
    """ESC-50 as its archive unpacks."""
    root = tmp_path / "ESC-50-master"
    rows = [
        ("1-100032-A-0.wav", 1, 0, "dog", True, 100032, "A"), ("2-5-A-24.wav", 2, 24, "coughing", False, 5, "A"),
        ("4-7-A-10.wav", 4, 10, "rain", True, 7, "A"), ("4-7-B-10.wav", 4, 10, "rain", True, 7, "B"),
        ("5-9-A-30.wav", 5, 30, "door_wood_knock", False, 9, "A"), ("5-8-A-20.wav", 5, 20, "crying_baby", True, 8, "A"),
    ]  # fmt: skip
    for row in rows:
        sound(root / "audio" / str(row[0]), 44100)
    lines = [("filename", "fold", "target", "category", "esc10", "src_file", "take"), *rows]
    table(root / "meta" / "esc50.csv", "".join(",".join(map(str, line)) + "\n" for line in lines))
    return root


def test_esc50(read, esc50_tree):
    found, corpus = read(esc50, esc50_tree.parent)
    assert {name: (r.split, r.speaker, r.background_class) for name, r in found.items()} == {
        "1-100032-A-0": ("train", "freesound_100032", "environment"), "2-5-A-24": ("train", "freesound_5", "effects"),
        "4-7-A-10": ("dev", "freesound_7", "environment"), "4-7-B-10": ("dev", "freesound_7", "environment"),
        "5-9-A-30": ("test", "freesound_9", "effects"),
    }  # fmt: skip
    assert counts(corpus) == ["esc50: 1 left out: clips of class crying_baby, which has voices"]


def test_esc50_with_faults(read, esc50_tree, table):
    (esc50_tree / "audio" / "4-7-A-10.wav").unlink()
    with pytest.raises(ValueError, match="esc50: .*esc50.csv, line 4: .*4-7-A-10.wav is missing: the corpus is not"):
        read(esc50, esc50_tree)
    table(esc50_tree / "meta" / "esc50.csv", "filename,fold,target,category\n")
    with pytest.raises(ValueError, match="esc50: .*esc50.csv, line 1: there is no column src_file"):
        read(esc50, esc50_tree)


@pytest.fixture
def fsd50k_tree(tmp_path, sound, table):
    """FSD50K as its archives unpack."""
    root = tmp_path / "FSD50K"
    dev = [
        ("64760", "Electric_guitar,Guitar,Plucked_string_instrument,Musical_instrument,Music", "/m/02sgy", "train"),
        ("13928", "Rain,Water", "/m/06mb1", "val"),
        ("16399", "Male_speech_and_man_speaking,Speech", "/m/05zppz", "val"),
    ]  # fmt: skip
    table(
        root / "FSD50K.ground_truth" / "dev.csv",
        "fname,labels,mids,split\n" + "".join(f'{name},"{a}","{b}",{split}\n' for name, a, b, split in dev),
    )
    table(root / "FSD50K.ground_truth" / "eval.csv", 'fname,labels,mids\n37199,"Door,Domestic_sounds","/m/02dgv"\n')
    table(root / "FSD50K.ground_truth" / "vocabulary.csv", "0,Accelerating_and_revving_and_vroom,/m/07q2z82\n")
    for name, *_ in dev:
        sound(root / "FSD50K.dev_audio" / f"{name}.wav", 44100)
    sound(root / "FSD50K.eval_audio" / "37199.wav", 44100)
    return root


def test_fsd50k(read, fsd50k_tree):
    found, corpus = read(fsd50k, fsd50k_tree.parent)
    assert {name: (r.split, r.speaker, r.background_class) for name, r in found.items()} == {
        "64760": ("train", "freesound_64760", "music"), "13928": ("dev", "freesound_13928", "environment"),
        "37199": ("test", "freesound_37199", "effects"),
    }  # fmt: skip
    assert counts(corpus) == ["fsd50k: 1 left out: clips labelled Male_speech_and_man_speaking"]


def test_fsd50k_with_faults(read, fsd50k_tree):
    (fsd50k_tree / "FSD50K.eval_audio" / "37199.wav").unlink()
    with pytest.raises(ValueError, match="fsd50k: .*eval.csv, line 2: .*FSD50K.eval_audio/37199.wav is missing"):
        read(fsd50k, fsd50k_tree)
    (fsd50k_tree / "FSD50K.ground_truth" / "eval.csv").unlink()
    with pytest.raises(ValueError, match="fsd50k: .*eval.csv is missing"):
        read(fsd50k, fsd50k_tree)


def test_demand(read, tmp_path, sound):
    for name in ("DKITCHEN", "TMETRO", "TBUS", "PRESTO"):
        for channel in (1, 2, 16):
            sound(tmp_path / "DEMAND" / name / f"ch{channel:02d}.wav")
    found, corpus = read(demand, tmp_path)
    assert {name: (r.split, r.speaker) for name, r in found.items()} == {
        "DKITCHEN_ch01": ("train", "demand_DKITCHEN"), "TMETRO_ch01": ("dev", "demand_TMETRO"),
        "TBUS_ch01": ("test", "demand_TBUS"),
    }  # fmt: skip
    assert counts(corpus) == [
        "demand: 3 left out: recordings of PRESTO, where people talk", "demand: 6 left out: further channels"
    ]  # fmt: skip
    (tmp_path / "DEMAND" / "TBUS" / "ch01.wav").unlink()
    with pytest.raises(ValueError, match="demand: .*TBUS/ch01.wav is missing"):
        read(demand, tmp_path)


@pytest.mark.parametrize(
    ("name", "has_voices"),
    [("babble", True), ("crowd noise", True), ("kids talking", True), ("car", False), ("washing machine", False),
     ("birdsong", False), ("invoice", False), ("radiator", False)],
)  # fmt: skip
def test_names_that_tell_of_voices(name, has_voices):
    assert bool(VOICES.search(name)) is has_voices
