"""utt2seen: which backgrounds are from sources of the training data."""

import pytest

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.seen import write_seen


def test_seen_by_source_and_by_recording(corpora, tmp_path):
    training = tmp_path / "training"
    training.mkdir()
    write_table(training / "utt2spk", {"drums-77": "drums", "other-01": "other"})
    out = tmp_path / "out"
    arguments = ["--speech", corpora[0], "--background", corpora[1], "--out", out, "--training_background", training]
    arguments = [*map(str, arguments), *"--snrs 5 clean background --per_condition 4 --seconds 1 2".split()]
    run_step("make_mixtures", arguments)
    seen, classes, sources = (read_table(out / name) for name in ("utt2seen", "utt2background", "utt2sources"))
    assert seen.keys() == {key for key, kind in classes.items() if kind != "none"}
    assert all((seen[key] == "yes") == (classes[key] == "drums") for key in seen) and set(seen.values()) == {
        "yes",
        "no",
    }
    rain = next(sources[key].split()[-1] for key in seen if classes[key] == "rain")
    write_table(training / "utt2spk", {rain: "another_name"})
    run_step("make_mixtures", arguments)
    again = read_table(out / "utt2seen")
    assert all((again[key] == "yes") == (sources[key].split()[-1] == rain) for key in again), (
        "a complete set has it anew"
    )


def test_a_background_from_elsewhere(corpora, tmp_path):
    write_table(tmp_path / "utt2sources", {"a": "voice-1 sound-1"})
    write_table(tmp_path / "utt2background", {"a": "rain"})
    with pytest.raises(ValueError, match="sound-1, is not in"):
        write_seen(tmp_path, corpora[1], corpora[1])
