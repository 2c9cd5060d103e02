"""Each test recording is in every test set once, over the same background, at the SNR in its name."""

import json

import numpy as np
import pytest
import soundfile

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.asr import ASRDataConfig, prepare_asr
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.splits import split_of


@pytest.fixture(scope="module")
def sets(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("sets")
    return out, prepare_asr([corpus / "speech"], corpus / "background", out, ASRDataConfig(snrs=("clean", "5")))


def test_the_rule_of_the_split():
    parts = [split_of(i) for i in range(100)]
    assert (parts.count("test"), parts.count("dev"), parts.count("train")) == (10, 5, 85)


def test_recordings_are_in_one_split_and_have_plain_text(sets):
    out, lines = sets
    texts = {name: read_table(out / name / "text") for name in ("train", "dev", "test_clean", "test_snr5")}
    assert set(texts["test_clean"]) == {"anna-00", "anna-10", "bert-00"} and texts["test_clean"] == texts["test_snr5"]
    assert set(texts["dev"]) == {"anna-05", "bert-05"} and len(texts["train"]) == 25
    assert texts["train"]["anna-01"] == "ding dongdong"
    assert any("1 recordings skipped: a digit" in line for line in lines)
    for name in texts:
        assert all(
            read_table(out / name / table).keys() == texts[name].keys() for table in ("wav.scp", "utt2spk", "utt2dur")
        )


def test_the_snr_is_that_of_the_name(sets, corpus):
    out, _ = sets
    for key in read_table(out / "test_snr5" / "text"):
        clean, noisy = (soundfile.read(out / name / "wav" / f"{key}.wav")[0] for name in ("test_clean", "test_snr5"))
        original, _ = soundfile.read(corpus / "speech" / f"{key}.wav")
        np.testing.assert_allclose(clean, original, atol=2**-15)
        assert len(clean) == len(noisy)
        snr = 10 * np.log10(active_power(clean) / active_power(noisy - clean))
        assert snr == pytest.approx(5, abs=0.1)
    used = read_table(out / "test_snr5" / "utt2background")
    assert set(used.values()) <= {"n0", "n1", "n2", "n3"} and len(set(used.values())) > 1


def test_the_same_options_give_the_same_bytes_and_nothing_is_done_twice(sets, corpus, tmp_path):
    out, _ = sets
    wavs = sorted(path.relative_to(out) for path in out.rglob("*.wav"))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != "sets.json"}
    prepare_asr([corpus / "speech"], corpus / "background", out, ASRDataConfig(snrs=("clean", "5")))
    assert before == {path: path.stat().st_mtime_ns for path in before}
    prepare_asr([corpus / "speech"], corpus / "background", tmp_path, ASRDataConfig(snrs=("clean", "5")))
    assert all((out / path).read_bytes() == (tmp_path / path).read_bytes() for path in wavs)
    assert len(json.loads((out / "sets.json").read_text())["text"]["train"]) == 25


def test_other_options_do_not_mix_with_sets_that_are_there(sets, corpus):
    with pytest.raises(ValueError, match="sets of other speakers or options"):
        prepare_asr([corpus / "speech"], corpus / "background", sets[0], ASRDataConfig(snrs=("clean",)))


def test_speakers_are_selected_by_name(corpus, tmp_path):
    run_step(
        "asr_data",
        [
            "--speech",
            f"{corpus}/speech",
            "--background",
            f"{corpus}/background",
            "--out",
            f"{tmp_path}",
            "--speakers",
            "bert",
        ],
    )
    assert all(key.startswith("bert") for key in read_table(tmp_path / "train" / "text"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speakers": ("carl",)}, "No transcribed recording of carl"),
        ({"seconds": (2.0, 3.0)}, "No transcribed recording"),
    ],
)
def test_impossible_sets_are_refused(corpus, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        prepare_asr([corpus / "speech"], corpus / "background", tmp_path, ASRDataConfig(**options))


@pytest.mark.parametrize("snrs", [(), ("loud",), ("background",)])
def test_wrong_conditions_are_refused(snrs):
    with pytest.raises(ValueError, match="condition|clean or an SNR"):
        ASRDataConfig(snrs=snrs)


def test_too_few_recordings(corpus, tmp_path):
    folder = tmp_path / "few"
    folder.mkdir()
    for table in ("wav.scp", "utt2spk", "utt2dur", "text"):
        lines = (corpus / "speech" / table).read_text().splitlines()[:3]
        (folder / table).write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match="none is left for dev"):
        prepare_asr([folder], corpus / "background", tmp_path / "out", ASRDataConfig())
