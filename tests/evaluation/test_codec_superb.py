"""The interface of Codec-SUPERB, called as its programs do, with items such as data sets give."""

import importlib.util
import sys

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.evaluation import codec_superb


@pytest.fixture(scope="module")
def codec(model):
    """The tiny model behind the interface, with some of its levels."""

    class Codec(codec_superb.Codec):
        def config(self):
            self.setting, self.model, self.speech_levels, self.background_levels = "tiny", str(model), 2, 1

    return Codec()


def item(seconds=0.5, rate=16000, name="a"):
    """One recording, as a data set gives it."""
    wav = 0.1 * np.random.default_rng(0).standard_normal(int(seconds * rate))
    return {"id": name, "audio": {"array": wav.astype(np.float32), "sampling_rate": rate}}


def test_units_are_the_tokens_of_the_codec(codec):
    data = item()
    found = codec.extract_unit(data)
    codes = codec.codec.encode(torch.from_numpy(data["audio"]["array"])[None], None, 2, 1)
    assert torch.equal(found.unit, torch.cat([codes.speech, codes.background], dim=1)[0])
    assert found.unit.shape == (3, 25) and found.to_dict().keys() == {"unit", "stuff_for_synth"}
    assert np.allclose(codec.decode_unit(found.stuff_for_synth), codec.codec.decode(codes)[0].numpy())
    assert codec.sampling_rate == 16000 and codec.supports_decode and not codec.is_1d()


@pytest.mark.parametrize("rate", [16000, 44100])
def test_synth_keeps_rate_and_length(codec, rate, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = codec.synth(item(rate=rate), local_save=False)
    assert kept["audio"]["sampling_rate"] == rate and kept["audio"]["array"].shape == (rate // 2,)
    saved = codec.synth(item(rate=rate, name="b"))
    assert saved["audio"] == "dummy_tiny/b.wav" and saved["unit"].shape == (3, 25)
    wav, written_rate = soundfile.read(saved["audio"], dtype="float32")
    assert written_rate == rate and np.abs(wav - kept["audio"]["array"].clip(-1, 1)).max() < 1e-4


def test_a_batch_gives_what_single_recordings_give(codec):
    items = [item(0.3), item(0.5, 8000)]
    batch = codec.batch_extract_unit(items)
    singles = [codec.extract_unit(one) for one in items]
    assert batch.batch_size == 2 and all(torch.equal(a, b.unit) for a, b in zip(batch.units, singles))
    assert [len(wav) for wav in codec.batch_decode_unit(batch)] == [4800, 8000]
    with pytest.raises(ValueError, match="one channel"):
        codec.extract_unit({"audio": {"array": np.zeros((2, 100)), "sampling_rate": 16000}})


def test_a_module_of_one_line_is_loaded_as_its_programs_do(model, tmp_path, monkeypatch):
    """`load_codec` imports the module and calls `Codec()`; the default model is the tiny one here."""
    from espnet2_decodec.codec import serialization

    monkeypatch.setattr(serialization, "DEFAULT_MODEL", model)
    path = tmp_path / "decodec_16k.py"
    path.write_text("from espnet2_decodec.evaluation.codec_superb import Codec\n")
    spec = importlib.util.spec_from_file_location("decodec_16k", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "decodec_16k", module)
    spec.loader.exec_module(module)
    found = module.Codec()
    found.setting = found.setting or "decodec_16k"
    levels = found.codec.speech_levels + found.codec.background_levels
    assert found.extract_unit(item()).unit.shape == (levels, 25)
