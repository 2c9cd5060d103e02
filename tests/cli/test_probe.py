"""decodec probe, as a user calls it."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.kaldi import write_table


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two speakers with two recordings each, at 5 dB and clean."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    tables = {}
    for index in range(4):
        who = ("anna", "boris")[index % 2]
        for condition in ("5", "clean"):
            key = f"{who}_{index:03d}_{condition}"
            speech, background = 0.1 * rng.normal(size=8000), 0.05 * rng.normal(size=8000) * (condition != "clean")
            tables.setdefault("utt2snr", {})[key], tables.setdefault("utt2spk", {})[key] = condition, who
            for stem, wav in (("mixture", speech + background), ("speech", speech), ("background", background)):
                tables.setdefault(f"{stem}.scp", {})[key] = folder / f"{key}.{stem}.wav"
                soundfile.write(folder / f"{key}.{stem}.wav", wav, 16000, subtype="FLOAT")
    for name, table in tables.items():
        write_table(folder / name, table)
    return folder


def test_probes_of_a_model(run, data, tmp_path):
    code, out, err = run("probe", "--data", data, "--out", tmp_path, "--probes", "noise", "tokens", "--nj", 1)
    assert code == 0 and not out, err
    assert any("background is skipped" in line for line in err), "there are no classes in this set"
    text = (tmp_path / "probes.md").read_text()
    assert "area under the ROC curve" in text and "| speech | level 3 |" in text and "| tokens | speech |" in text
    assert "| unquantized | speech |" in text and (tmp_path / "probes.csv").read_text().startswith("probe,system,part")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--probes", "smell"], "Unknown probe 'smell'; there are words"),
        (["--probes", "phones"], "--phones VOICE"),
        (["--probes", "words"], "has a text"),
        (["--probes", "noise", "--systems", "nonsense"], "There is no system 'nonsense'"),
        (["--probes", "tokens", "--conditions", "7"], "no condition '7'"),
        (["--probes", "tokens", "--phones-snr", "loud"], "not 'loud'"),
        (["--probes", "phones", "--phones", "nowhere"], "three or more recordings"),
    ],
)
def test_bad_input_is_one_line(run, data, tmp_path, arguments, words):
    code, _, err = run("probe", "--data", data, "--out", tmp_path, *arguments)
    found = [line for line in err if "error:" in line]
    assert code == 1 and len(found) == 1 and words in found[0]
    assert not list(tmp_path.iterdir())
