"""The id of a codec: the same of the model and of its files; it changes with the codebooks, and with nothing else."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY, TINY_SEMANTIC, merge_config
from espnet2_decodec.codec.serialization import DEFAULT_MODEL, packaged_models
from espnet2_decodec.io.identity import codec_id, folder_id, packaged_codec

VOCODER = {
    "backbone": {"n_mels": 4, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 10, "background_dim": 10},
    "quantizer": {"speech_levels": 3, "background_levels": 3, "codebook_size": 16, "parametric_levels": 2},
}
"""A codec whose quantizers have no semantic features."""


@pytest.mark.parametrize(
    ("config", "half"), [(TINY, False), (TINY, True), (TINY_SEMANTIC, False), (VOCODER, False), (VOCODER, True)]
)
def test_the_files_have_the_id_of_the_model(config, half, tmp_path):
    torch.manual_seed(0)
    codec = DeCodec.from_config(config)
    codec.save_pretrained(tmp_path / "model", half=half)
    assert folder_id(tmp_path / "model") == codec_id(codec) == codec_id(DeCodec.from_pretrained(tmp_path / "model"))


def test_the_id_depends_on_codebooks_and_hop():
    torch.manual_seed(0)
    codec = DeCodec.from_config(TINY)
    own = codec_id(codec)
    torch.nn.init.normal_(codec.backbone.encoder.in_proj.weight)
    assert codec_id(codec) == own
    other = DeCodec.from_config(merge_config(TINY, {"backbone": {"hop": 160, "n_fft": 480}}))
    other.load_state_dict({**other.state_dict(), **{k: v for k, v in codec.state_dict().items() if "codebooks" in k}})
    assert codec_id(other) != own
    codec.background_quantizer.codebooks[0, 0, 0] += 1
    assert codec_id(codec) != own


def test_the_id_depends_on_the_codebook_of_every_level():
    codec = DeCodec.from_config(TINY_SEMANTIC)
    found = {codec_id(codec)}
    books = [
        book
        for quantizer in (codec.speech_quantizer, codec.background_quantizer)
        for book in quantizer.level_codebooks()
    ]
    for book in books:
        book[0, 0] += 1
        found.add(codec_id(codec))
    assert len(found) == 1 + len(books)


@pytest.mark.skipif(not DEFAULT_MODEL.is_dir(), reason="this tree comes without a trained model")
def test_ids_of_the_package_stay():
    """Files of earlier versions name these ids."""
    found = {folder.name: folder_id(folder).hex() for folder in packaged_models()}
    assert found["decodec-16k"] == found["decodec-16k-causal"] == "3b372feed04c2f2d"
    assert found["decodec-16k-semantic"] == "5b6b5f9a813ec7f7"
    assert packaged_codec(bytes.fromhex("3b372feed04c2f2d")).name == "decodec-16k"
