"""Room impulse responses, and the folder of open recordings with its manifest."""

import sys

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.kaldi import read_table
from local import audio, prepare
from local.corpora.published import open_recordings, rirs_noises, simulated_rooms


@pytest.fixture
def rirs_tree(tmp_path, sound, table):
    """RIRS_NOISES as its archive unpacks."""
    root = tmp_path / "RIRS_NOISES"
    for room in ("smallroom/Room001", "smallroom/Room002", "largeroom/Room001"):
        size, name = room.split("/")
        for number in (1, 2):
            sound(root / "simulated_rirs" / room / f"{name}-0000{number}.wav")
        table(
            root / "simulated_rirs" / size / "rir_list", f"--rir-id {size}-{name}-00001 --room-id {size}-{name} x.wav\n"
        )
    real = root / "real_rirs_isotropic_noises"
    for name in ("RVB2014_type1_rir_largeroom1_far_angla", "RVB2014_type1_noise_largeroom1_1"):
        sound(real / f"{name}.wav", channels=8)
    sound(real / "air_type1_air_binaural_lecture_0_1.wav", channels=2)
    table(
        real / "rir_list",
        "--rir-id type1_1 --room-id RVB2014_largeroom1 RIRS_NOISES/real_rirs_isotropic_noises/"
        "RVB2014_type1_rir_largeroom1_far_angla.wav\n"
        "--rir-id type1_2 --room-id air_lecture RIRS_NOISES/real_rirs_isotropic_noises/"
        "air_type1_air_binaural_lecture_0_1.wav\n",
    )
    sound(root / "pointsource_noises" / "noise-free-sound-0000.wav")
    return root


def test_rirs_noises(read, rirs_tree):
    found, corpus = read(rirs_noises, rirs_tree.parent)
    rooms = {r.speaker: r.split for r in found.values()}
    assert set(rooms) == {
        "smallroom_Room001", "smallroom_Room002", "largeroom_Room001", "real_RVB2014_largeroom1", "real_air_lecture"
    }  # fmt: skip
    assert set(rooms.values()) == {"train", "dev", "test"} and len(found) == 8
    assert all(r.stream == "rir" and r.channel == 0 for r in found.values())
    assert corpus.report()[0].startswith("rirs_noises: 2 left out: noises")
    assert len(read(rirs_noises, rirs_tree, parts=("simulated_rirs",))[0]) == 6
    (rirs_tree / "real_rirs_isotropic_noises" / "air_type1_air_binaural_lecture_0_1.wav").unlink()
    with pytest.raises(ValueError, match="rirs_noises: .*rir_list, line 2: .*lecture_0_1.wav is missing"):
        read(rirs_noises, rirs_tree)


def test_without_the_list_names_tell_responses_from_noises(read, rirs_tree):
    (rirs_tree / "real_rirs_isotropic_noises" / "rir_list").unlink()
    found, _ = read(rirs_noises, rirs_tree)
    assert len(found) == 8 and not any("_noise_" in name for name in found)


def test_simulated_rooms(read, tmp_path):
    pytest.importorskip("pyroomacoustics")
    found, _ = read(simulated_rooms, tmp_path / "rooms", parts=("4",))
    assert len(found) == 4 and {r.split for r in found.values()} == {"train", "dev", "test"}
    first = found["room00001"].path
    before = first.read_bytes()
    samples, rate = soundfile.read(first)
    assert rate == 16000 and 0.89 < np.abs(samples).max() < 0.91
    first.unlink()
    read(simulated_rooms, tmp_path / "rooms", parts=("4",))
    assert first.read_bytes() == before


def test_simulated_rooms_need_a_number_and_the_library(read, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="simulated_rooms: the number of rooms is at least 3, .* not 'many'"):
        read(simulated_rooms, tmp_path, parts=("many",))
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    with pytest.raises(ValueError, match=r"pip install '.\[rooms\]'"):
        read(simulated_rooms, tmp_path)


def test_responses_begin_with_the_direct_sound():
    response = np.zeros(1000)
    response[[40, 41, 500, 900]] = -0.1, 0.05, 0.001, 0.00001
    prepared = audio.from_direct_sound(response)
    assert len(prepared) == 461 and prepared[0] == pytest.approx(-0.9) and prepared[1] == pytest.approx(0.45)
    assert not len(audio.from_direct_sound(np.zeros(100)))


COLUMNS = "path source speaker_or_class licence seconds split lang gender gain_db text note".split()
ROWS = [
    ("speech/speechocean762/0001/1.ogg", "speechocean762", "so_0001", "train", "WE CALL IT BEAR", ""),
    ("speech/speechocean762/0002/2.ogg", "speechocean762", "so_0002", "dev", "ZERO", ""),
    ("speech/speechocean762/0003/3.ogg", "speechocean762", "so_0003", "test", "ONE", ""),
    ("speech/picovoice-barista/0075d273.ogg", "picovoice-barista", "pv_unknown", "train", '{"coffeeDrink": "x"}', ""),
    ("speech/vctk-autovc/p225/p225_003.ogg", "vctk-autovc", "p225", "train", "", ""),
    ("noise/ESC-10/rain/1-17367-A.ogg", "ESC-10", "rain", "train", "", ""),
    ("noise/ESC-10/baby_cry/1-187207-A.ogg", "ESC-10", "baby_cry", "train", "", ""),
    ("noise/CC-Sounds/weather/wind.ogg", "CC-Sounds", "weather", "dev", "", "vad=0.05"),
    ("noise/blanket/coffee-shop.ogg", "blanket", "coffee-shop", "train", "", "vad=0.49"),
    ("noise/blanket/boat.ogg", "blanket", "boat", "test", "", ""),
    ("rir/openair-toob/Hall.flac", "openair-toob", "St. Margaret's Church", "train", "", "real"),
]


@pytest.fixture
def open_tree(tmp_path, sound):
    """The folder of open recordings."""
    root = tmp_path / "recordings"
    lines = ["\t".join(COLUMNS)]
    for path, source, label, split, text, note in ROWS:
        sound(root / path, **({"format": "OGG", "subtype": "OPUS"} if path.endswith(".ogg") else {}))
        quoted = '"' + text.replace('"', '""') + '"' if '"' in text else text
        lines.append("\t".join((path, source, label, '"README: ""free"""', "0.3", split, "", "", "0.0", quoted, note)))
    (root / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_open_recordings(read, open_tree):
    speech, corpus = read(open_recordings, open_tree, "speech")
    assert {r.speaker: r.split for r in speech.values()} == {
        "open_speechocean762_so_0001": "train", "open_speechocean762_so_0002": "dev",
        "open_speechocean762_so_0003": "test", "open_picovoice-barista_0075d273": "train", "vctk_p225": "train",
    }  # fmt: skip
    assert speech["speechocean762/0001/1"].text == "WE CALL IT BEAR"
    assert corpus.report()[0].startswith("open_recordings: 2 without transcript")
    noises, corpus = read(open_recordings, open_tree.parent, "background")
    assert {r.speaker: r.background_class for r in noises.values()} == {
        "freesound_17367": "environment", "open_CC-Sounds_wind": "effects", "open_blanket_boat": "environment"
    }  # fmt: skip
    assert sorted(line.partition(" (first")[0] for line in corpus.report()) == [
        "open_recordings: 1 left out: noises of class baby_cry, which has voices",
        "open_recordings: 1 left out: noises with speech",
    ]
    (room,) = read(open_recordings, open_tree, "rir")[0].values()
    assert (room.stream, room.speaker) == ("rir", "open_St. Margaret's Church")


def test_open_recordings_with_faults(read, open_tree):
    (open_tree / "speech" / "speechocean762" / "0002" / "2.ogg").unlink()
    with pytest.raises(ValueError, match="open_recordings: .*manifest.tsv, line 3: .*0002/2.ogg is missing"):
        read(open_recordings, open_tree, "speech")
    (open_tree / "noise").rename(open_tree / "noise.tar")
    with pytest.raises(ValueError, match="open_recordings: .*noise is missing: unpack noise.tar there, with tar -xf"):
        read(open_recordings, open_tree, "background")
    manifest = open_tree / "manifest.tsv"
    manifest.write_text(manifest.read_text().replace("\ttrain\t", "\tlearn\t"))
    with pytest.raises(ValueError, match="open_recordings: .*manifest.tsv, line 2: a path in speech, noise, rir"):
        read(open_recordings, open_tree, "speech")
    manifest.unlink()
    with pytest.raises(ValueError, match="open_recordings: .*manifest.tsv is missing"):
        read(open_recordings, open_tree, "speech")


def test_the_open_recordings_become_data_directories(open_tree, capsys):
    data = open_tree.parent / "data"
    streams = ["--speech", "open", "--background", "open", "--rirs", "open"]
    prepare.main([*streams, "--path", f"open={open_tree}", "--name", "open", "--data", str(data), "--nj", "1"])
    assert list(read_table(data / "open" / "rir_train" / "utt2spk").values()) == ["open_St__Margaret_s_Church"]
    assert "rir_train: 0.0 min, 1 utterances, 1 rooms" in capsys.readouterr().out
    assert read_table(data / "open" / "speech_dev" / "text") == {
        "open_speechocean762_so_0002-speechocean762_0002_2": "ZERO"
    }
    assert not (data / "open" / "rir_dev").exists()
