"""Denoised test sets have the same utterances and text, and other audio."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.asr import Plan, prepare
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.evaluation.denoise import denoise


@pytest.fixture(scope="module")
def sets(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("sets")
    prepare([corpus / "speech"], corpus / "background", out, Plan(voices=("anna",), snrs=("clean", "0")))
    return out


def test_speech_of_a_codec_takes_the_place_of_the_mixture(sets, tmp_path):
    DeCodec.from_config(TINY).save_pretrained(tmp_path / "codec")
    folders = [sets / "test_clean", sets / "test_snr0"]
    assert denoise(folders, f"decodec:{tmp_path}/codec:unquantized", tmp_path / "out") == 4
    for folder in folders:
        made = tmp_path / "out" / folder.name
        assert read_table(made / "text") == read_table(folder / "text")
        for key, path in read_table(made / "wav.scp").items():
            new, old = soundfile.read(path)[0], soundfile.read(folder / "wav" / f"{key}.wav")[0]
            assert len(new) == len(old) and not np.allclose(new, old, atol=1e-4)
    assert denoise(folders, f"decodec:{tmp_path}/codec:unquantized", tmp_path / "out") == 0


def test_what_is_no_denoiser_is_refused(sets, tmp_path):
    DeCodec.from_config(TINY).save_pretrained(tmp_path / "codec")
    mute = f"decodec:{tmp_path}/codec:speech=0"
    for system, said in (("nobody", "There is no system 'nobody'"), (mute, "answers with no speech")):
        with pytest.raises(ValueError, match=said):
            denoise([sets / "test_clean"], system, tmp_path / "out")
