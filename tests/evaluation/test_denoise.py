"""Denoised data directories have the same utterances and text, and other audio."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.evaluation.denoise import denoise_sets


@pytest.fixture(scope="module")
def sets(corpora, tmp_path_factory):
    """Two data directories of two recordings each."""
    out = tmp_path_factory.mktemp("sets")
    keys = list(read_table(corpora[0] / "wav.scp"))
    for name, chosen in (("test_clean", keys[:2]), ("test_snr0", keys[2:4])):
        for table in ("wav.scp", "utt2spk", "text"):
            values = read_table(corpora[0] / table)
            write_table(out / name / table, {key: values[key] for key in chosen})
    return out


def test_speech_of_a_codec_replaces_the_mixture(sets, tmp_path):
    DeCodec.from_config(TINY).save_pretrained(tmp_path / "codec")
    folders = [sets / "test_clean", sets / "test_snr0"]
    assert denoise_sets(folders, f"decodec:{tmp_path}/codec:unquantized", tmp_path / "out") == 4
    for folder in folders:
        made = tmp_path / "out" / folder.name
        assert read_table(made / "text") == read_table(folder / "text")
        for key, path in read_table(made / "wav.scp").items():
            new, old = soundfile.read(path)[0], soundfile.read(read_table(folder / "wav.scp")[key])[0]
            assert len(new) == len(old) and not np.allclose(new, old, atol=1e-4)
    assert denoise_sets(folders, f"decodec:{tmp_path}/codec:unquantized", tmp_path / "out") == 0


def test_a_system_without_an_estimate_of_the_speech_is_refused(sets, tmp_path):
    DeCodec.from_config(TINY).save_pretrained(tmp_path / "codec")
    no_speech = f"decodec:{tmp_path}/codec:speech=0"
    for system, words in (("nobody", "There is no system 'nobody'"), (no_speech, "gives no estimate of the speech")):
        with pytest.raises(ValueError, match=words):
            denoise_sets([sets / "test_clean"], system, tmp_path / "out")
