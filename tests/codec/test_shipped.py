"""The models in the package: small, exact, and better than the mixture on real recordings."""

import csv
from pathlib import Path

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.serialization import DEFAULT_MODEL, PRETRAINED, packaged_model
from espnet2_decodec.io.audio import read
from espnet2_decodec.io.identity import codec_id
from espnet2_decodec.training.energy_ratios import si_sdr
from espnet2_decodec.voice import VoiceModel
from espnet2_decodec.voice.speech import has_semantic_level

MINI = Path(__file__).parents[2] / "local" / "mini"

pytestmark = pytest.mark.skipif(not DEFAULT_MODEL.is_dir(), reason="this tree comes without a trained model")


NAMES = sorted(folder.name for folder in PRETRAINED.glob("decodec-*"))


@pytest.fixture(scope="module", params=NAMES)
def codec(request) -> DeCodec:
    return DeCodec.from_pretrained(request.param)


def recordings(stream: str, seconds: int) -> torch.Tensor:
    """[B, L]: the test recordings of `mini` of one stream, joined and cut into pieces."""
    with open(MINI / "manifest.tsv", newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        files = [row["file"] for row in rows if (row["stream"], row["split"]) == (stream, "test")]
    wav = torch.cat([torch.as_tensor(read(MINI / name, 16000)) for name in files])
    return wav[: len(wav) // (seconds * 16000) * seconds * 16000].view(-1, seconds * 16000)


def test_files_are_small_and_have_a_card():
    files = [file for file in PRETRAINED.rglob("*") if file.is_file()]
    assert all(file.stat().st_size <= 16_000_000 for file in files) and sum(f.stat().st_size for f in files) <= 60e6
    assert all((PRETRAINED / name / "README.md").is_file() for name in NAMES)


def test_models_are_found_by_name(tmp_path, monkeypatch):
    """A folder of the user comes before a model of the same name; paths are no names."""
    assert packaged_model("decodec-16k-semantic") == DEFAULT_MODEL and packaged_model(None) is None
    assert packaged_model("x/decodec-16k") is None and packaged_model("decodec") is None
    (tmp_path / "decodec-16k").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no config.json in decodec-16k"):
        DeCodec.from_pretrained("decodec-16k")
    kinds = (DeCodec, " or ".join(NAMES)), (VoiceModel, "voice-16k")
    for model, names in kinds:
        with pytest.raises(FileNotFoundError, match=rf"one of the package \({names}\)"):
            model.from_pretrained("decodec")


def test_the_default_has_a_semantic_first_level():
    codec = DeCodec.from_pretrained()
    assert has_semantic_level(codec) and codec.content_quantizer is codec.speech_quantizer.semantic


def test_a_semantic_first_level_ignores_gain(codec):
    if not has_semantic_level(codec):
        pytest.skip("the first level of this model is a mel envelope")
    speech = recordings("speech", 5)[:4]
    speech = speech / speech.abs().max() * 0.4
    level = speech.view(4, -1, 320).square().mean(2)
    loud, plain = level > 1e-4 * level.amax(1, keepdim=True), codec.content_tokens(speech)[:, 0]
    assert torch.equal(codec.encode(speech).semantic[:, 0], plain)
    for gain in (0.5, 2.0):
        assert float((codec.encode(gain * speech).semantic[:, 0] == plain)[loud].float().mean()) > 0.95


def test_the_causal_model_and_decodec_16k_decode_the_tokens_of_each_other():
    plain, causal = (DeCodec.from_pretrained(name) for name in ("decodec-16k", "decodec-16k-causal"))
    assert causal.latency == 1280 and codec_id(causal) == codec_id(plain)
    speech = recordings("speech", 5)[:4]
    for encoder in (plain, causal):
        codes = encoder.encode(speech)
        one, other = (decoder.decode(codes, background=False) for decoder in (plain, causal))
        assert float(si_sdr(one, other).mean()) > 15


def test_subspaces_are_orthogonal(codec):
    matrix = codec.subspace.matrix()
    assert float((matrix.T @ matrix - torch.eye(len(matrix))).detach().abs().max()) <= 1e-5


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 48001])
def test_length_is_kept(codec, samples):
    wav = torch.randn(1, samples) * 0.1
    assert codec.decode(codec.encode(wav)).shape == wav.shape


def test_stems_are_closer_to_the_truth_than_the_mixture(codec):
    speech, background = recordings("speech", 5), recordings("background", 5)
    count = min(len(speech), len(background), 8)
    speech, background = (
        x[:count] / x[:count].square().mean(1, keepdim=True).sqrt() * 0.05 for x in (speech, background)
    )
    mixture = speech + background
    stems = codec.separate(mixture)
    assert float((si_sdr(speech, stems.speech) - si_sdr(speech, mixture)).mean()) > 0
    loud = mixture + speech * (10**0.5 - 1)
    background_stem = codec.separate(loud).background
    assert float((si_sdr(background, background_stem) - si_sdr(background, loud)).mean()) > 2
