"""Data directories for VERSA and ESPnet's scoring, and the means of VERSA's scores."""

import json

import pytest

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.scoring_dirs import summarize_versa, write_scoring_dirs

KEYS = {"anna_000_snr0": "0", "anna_000_clean": "clean", "none_000_background": "background"}


@pytest.fixture
def decoded(tmp_path):
    """Tables of three mixtures, and of their decoded streams."""
    for table in ("mixture", "speech", "background"):
        write_table(tmp_path / "mixtures" / f"{table}.scp", {key: f"ref/{table}/{key}.wav" for key in KEYS})
    write_table(tmp_path / "mixtures" / "utt2snr", KEYS)
    write_table(tmp_path / "mixtures" / "utt2spk", {key: key.partition("_")[0] for key in KEYS})
    write_table(tmp_path / "mixtures" / "text", {"anna_000_snr0": "hello there", "anna_000_clean": "hello there"})
    for stream in ("both", "speech", "background"):
        write_table(tmp_path / "wav" / f"{stream}.scp", {key: f"out/{stream}/{key}.wav" for key in KEYS})
    return tmp_path


def test_streams_become_data_directories_without_silent_references(decoded, capsys):
    options = ["--mixtures", decoded / "mixtures", "--decoded", decoded / "wav", "--out", decoded / "scoring"]
    run_step("scoring_dirs", options)
    assert "2 utterances of speech, 2 utterances of background, 3 utterances of both" in capsys.readouterr().out
    folder = decoded / "scoring"
    assert read_table(folder / "speech" / "wav.scp") == {
        key: f"out/speech/{key}.wav" for key in sorted(KEYS) if not key.startswith("none")
    }
    assert read_table(folder / "speech" / "ref.scp")["anna_000_snr0"] == "ref/speech/anna_000_snr0.wav"
    assert read_table(folder / "both" / "ref.scp")["anna_000_snr0"] == "ref/mixture/anna_000_snr0.wav"
    assert set(read_table(folder / "background" / "wav.scp")) == {"anna_000_snr0", "none_000_background"}
    assert read_table(folder / "both" / "spk2utt") == {
        "anna": "anna_000_clean anna_000_snr0", "none": "none_000_background"
    }  # fmt: skip
    assert read_table(folder / "speech" / "text")["anna_000_clean"] == "hello there"
    assert not (folder / "background" / "text").exists()
    for name in ("wav.scp", "ref.scp", "utt2spk", "text"):
        lines = (folder / "both" / name).read_bytes().splitlines()
        assert lines == sorted(lines)


def test_an_utterance_without_mixture_is_refused(decoded):
    write_table(decoded / "wav" / "speech.scp", {"other": "x.wav"})
    with pytest.raises(ValueError, match="speech.scp, line 1: other has no line in .*utt2snr"):
        write_scoring_dirs(decoded / "mixtures", decoded / "wav", decoded / "scoring")


def test_means_of_versa_by_condition(decoded):
    rows = [
        {"key": "anna_000_snr0", "pesq": 2.0, "stoi": 0.8, "note": "x"},
        {"key": "anna_000_clean", "pesq": 4.0, "stoi": float("nan")},
    ]
    (decoded / "versa.1.txt").write_text(json.dumps(rows[0]) + "\n")
    (decoded / "versa.2.txt").write_text(str(rows[1]).replace("nan", "None") + "\n")
    options = ["--conditions", decoded / "mixtures" / "utt2snr", "--out", decoded / "versa.md"]
    run_step("versa_summary", [f"speech={decoded}", *options])
    assert (decoded / "versa.md").read_text() == (
        "## speech\n\n| score | 0 | clean |\n| :-- | --: | --: |\n| pesq | 2.000 | 4.000 |\n| stoi | 0.800 |  |\n"
    )
    (decoded / "versa.2.txt").write_text("{'key': 'nobody'}\n")
    with pytest.raises(ValueError, match="versa.2.txt, line 1 is not a line of VERSA's scores"):
        summarize_versa({"speech": decoded}, decoded / "mixtures" / "utt2snr")
    with pytest.raises(ValueError, match="has no scores of VERSA"):
        summarize_versa({"speech": decoded / "wav"}, decoded / "mixtures" / "utt2snr")
