"""Test mixtures: exact sums, SNRs, shared segments, reproducible bytes."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.mixtures import MixtureConfig, make_mixtures

CONFIG = MixtureConfig(("-5", "10", "clean", "background"), per_condition=4, seconds=(1.0, 2.0), seed=3)


@pytest.fixture(scope="module")
def mixtures(corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("mixtures")
    assert make_mixtures(*corpora, out, CONFIG)
    return out


def load(folder, stem):
    return {key: soundfile.read(path, dtype="int16")[0] for key, path in read_table(folder / f"{stem}.scp").items()}


def test_mixtures_are_exact_sums_at_the_snr(mixtures):
    mixture, speech, background = (load(mixtures, stem) for stem in ("mixture", "speech", "background"))
    conditions = read_table(mixtures / "utt2snr")
    assert len(conditions) == 16 and conditions.keys() == mixture.keys() == speech.keys() == background.keys()
    for key, condition in conditions.items():
        s, b = speech[key].astype(int), background[key].astype(int)
        assert (s + b == mixture[key]).all() and 16000 <= len(s) <= 32000
        assert (not s.any()) == (condition == "background") and (not b.any()) == (condition == "clean")
        if s.any() and b.any():
            snr = 10 * np.log10(active_power(speech[key] / 32768) / active_power(background[key] / 32768))
            assert snr == pytest.approx(float(condition), abs=0.05)


def test_conditions_share_their_segments(mixtures):
    sources, conditions = read_table(mixtures / "utt2sources"), read_table(mixtures / "utt2snr")
    by_index = {}
    for key, condition in conditions.items():
        by_index.setdefault(key.split("_")[1], {})[condition] = sources[key]
    for used in by_index.values():
        assert used["-5"] == used["10"] == f"{used['clean']} {used['background']}"
    speakers = read_table(mixtures / "utt2spk")
    assert {speakers[key] for key in list(conditions) if "clean" in key} == {"anna", "boris", "carla"}
    assert all(speakers[key] == "none" for key, condition in conditions.items() if condition == "background")


def test_text_is_that_of_the_prompts(mixtures):
    sources, texts = read_table(mixtures / "utt2sources"), read_table(mixtures / "text")
    key = next(key for key in texts if key.startswith("anna") and key.endswith("clean"))
    assert texts[key] == " ".join(f"words of {name}" for name in sources[key].split())
    assert not any(key.startswith("none") for key in texts)


def test_same_seed_same_bytes_and_nothing_twice(corpora, mixtures, tmp_path):
    run_step(
        "make_mixtures",
        f"--speech {corpora[0]} --background {corpora[1]} --out {tmp_path} --snrs -5 10 clean background "
        "--per_condition 4 --seconds 1 2 --seed 3".split(),
    )
    for path in mixtures.rglob("*.wav"):
        assert path.read_bytes() == (tmp_path / path.relative_to(mixtures)).read_bytes()
    assert not make_mixtures(*corpora, tmp_path, CONFIG)
    next((tmp_path / "wav").rglob("*clean.wav")).unlink()
    assert make_mixtures(*corpora, tmp_path, CONFIG)
    (tmp_path / "utt2snr").unlink()
    assert make_mixtures(*corpora, tmp_path, CONFIG)
    with pytest.raises(ValueError, match="other options"):
        make_mixtures(*corpora, tmp_path, MixtureConfig(("0",), 4, (1.0, 2.0), 3))


def test_a_second_set_of_the_same_speech_over_other_backgrounds(corpora, mixtures, tmp_path):
    """As stage 3 of the recipe makes it for backgrounds of the training."""
    others, out = tmp_path / "others", tmp_path / "out"
    others.mkdir()
    for table in ("wav.scp", "utt2spk"):
        write_table(
            others / table, {key: value for key, value in read_table(corpora[1] / table).items() if "drums" in key}
        )
    arguments = f"--speech {corpora[0]} --background {others} --out {out} --snrs -5 10 clean background --without clean"
    run_step(
        "make_mixtures",
        f"{arguments} --per_condition 4 --seconds 1 2 --seed 3 --suffix seen --training_background {others}".split(),
    )
    speech, first = (read_table(folder / "utt2sources") for folder in (out, mixtures))
    noisy = [key for key in first if "snr" in key]
    assert (
        len(noisy) == 8 and all(f"{key}-seen" in speech for key in noisy) and not any("clean" in key for key in speech)
    )
    for key in noisy:
        assert speech[f"{key}-seen"].split()[:-1] == first[key].split()[:-1], "the same speech"
        assert speech[f"{key}-seen"].split()[-1].startswith("drums")
    seen = read_table(out / "utt2seen")
    assert seen.keys() == speech.keys() and set(seen.values()) == {"yes"}
    assert "suffix" not in (mixtures / "mixtures.json").read_text(), "sets of earlier versions count as complete"
    with pytest.raises(ValueError, match="letters and digits only, not 'a_b'"):
        MixtureConfig(("0",), suffix="a_b")


def test_bad_configs_and_sets(corpora, tmp_path):
    with pytest.raises(ValueError, match="not 'loud'"):
        MixtureConfig(("0", "loud"))
    with pytest.raises(ValueError, match="not 'nan'"):
        MixtureConfig(("nan",))
    with pytest.raises(ValueError, match="once"):
        MixtureConfig(("0", "0"))
    with pytest.raises(ValueError, match="shortest first"):
        MixtureConfig(("0",), seconds=(4.0, 2.0))
    write_table(tmp_path / "wav.scp", {"a": "a.wav"})
    write_table(tmp_path / "utt2spk", {"b": "b"})
    with pytest.raises(ValueError, match="utt2spk, line 1: b has no line in .*wav.scp"):
        make_mixtures(tmp_path, corpora[1], tmp_path / "out", CONFIG)


def test_whole_utterances_are_each_used_once(corpora, tmp_path):
    config = MixtureConfig(("0", "clean"), per_condition=5, seed=3, whole_utterances=True)
    assert make_mixtures(*corpora, tmp_path / "mixtures", config)
    sources = read_table(tmp_path / "mixtures" / "utt2sources")
    used = [value for key, value in sources.items() if key.endswith("clean")]
    assert len(set(used)) == 5 and all(" " not in value for value in used)
    total = len(read_table(corpora[0] / "wav.scp"))
    too_many = MixtureConfig(("0",), per_condition=total + 1, whole_utterances=True)
    with pytest.raises(ValueError, match=f"has {total} utterances, too few for {total + 1} mixtures"):
        make_mixtures(*corpora, tmp_path / "more", too_many)
