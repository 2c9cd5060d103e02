"""Mixtures by kind of background: sums, levels, who speaks in the babble, and what of a room is speech."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.kinds import EARLY_SECONDS, KindConfig, convolve, decaying_noise, make_kinds
from espnet2_decodec.data.levels import active_power

CONFIG = KindConfig(per_kind=2, seconds=(0.6, 1.0), voices=4)


@pytest.fixture(scope="module")
def folders(corpora, tmp_path_factory):
    """Speech with languages, and backgrounds of two classes."""
    root = tmp_path_factory.mktemp("kinds")
    speech, background = root / "speech", root / "background"
    owners = read_table(corpora[0] / "utt2spk")
    for name in ("wav.scp", "utt2spk"):
        write_table(speech / name, read_table(corpora[0] / name))
        write_table(background / name, read_table(corpora[1] / name))
    write_table(speech / "utt2lang", {key: "en" if owner == "anna" else "ru" for key, owner in owners.items()})
    classes = {"rain": "environment", "drums": "music"}
    write_table(background / "utt2class", {k: classes[v] for k, v in read_table(corpora[1] / "utt2spk").items()})
    return speech, background


def stems(folder, key):
    return [soundfile.read(read_table(folder / f"{stem}.scp")[key], dtype="int16")[0].astype(int)
            for stem in ("mixture", "speech", "background")]  # fmt: skip


def test_each_kind_has_mixtures_that_are_the_sum_of_their_stems(folders, tmp_path):
    assert make_kinds(*folders, tmp_path, CONFIG) == 8
    kinds, snrs, speakers = (read_table(tmp_path / name) for name in ("utt2kind", "utt2snr", "utt2spk"))
    assert sorted(kinds.values()) == sorted(2 * ["ambience", "music", "babble", "room"])
    languages = read_table(tmp_path / "utt2lang")
    for key, kind in kinds.items():
        mixture, speech, background = stems(tmp_path, key)
        assert np.array_equal(mixture, speech + background) and np.abs(mixture).max() <= 0.96 * 32768
        assert languages[key] == ("en" if speakers[key] == "anna" else "ru")
        found = 10 * np.log10(active_power(speech / 32768) / active_power(background / 32768))
        assert snrs[key] == {"babble": "5", "room": "10"}.get(kind, "0")
        if kind != "room":
            assert found == pytest.approx(float(snrs[key]), abs=0.3)


def test_the_same_options_give_the_same_mixtures(folders, tmp_path):
    for name in ("one", "other"):
        make_kinds(*folders, tmp_path / name, CONFIG)
    for key in read_table(tmp_path / "one" / "utt2kind"):
        assert np.array_equal(stems(tmp_path / "one", key)[0], stems(tmp_path / "other", key)[0])


def test_of_a_room_the_first_50_ms_are_speech():
    rng = np.random.default_rng(0)
    response = decaying_noise(rng, 16000)
    early = int(EARLY_SECONDS * 16000)
    assert response[0] == 1 and 10 ** (-12 / 10) <= np.square(response[1:]).sum() <= 1.0001
    assert np.square(response[1:early]).mean() > np.square(response[-early:]).mean() * 10
    wav = rng.normal(size=4000)
    np.testing.assert_allclose(convolve(wav, response), np.convolve(wav, response)[:4000], atol=1e-9)


def test_unusable_input(folders, corpora, tmp_path):
    alone = tmp_path / "alone"
    names = [key for key, owner in read_table(folders[0] / "utt2spk").items() if owner == "anna"]
    for table in ("wav.scp", "utt2spk"):
        write_table(alone / table, {key: read_table(folders[0] / table)[key] for key in names})
    with pytest.raises(ValueError, match="one speaker only: give a folder of other voices"):
        make_kinds(alone, folders[1], tmp_path / "out", CONFIG)
    assert make_kinds(alone, folders[1], tmp_path / "out", CONFIG, babble=folders[0]) == 8
    with pytest.raises(ValueError, match="at least 4 voices, not 3"):
        KindConfig(voices=3)
    with pytest.raises(ValueError, match="shortest first"):
        KindConfig(seconds=(2.0, 1.0))
