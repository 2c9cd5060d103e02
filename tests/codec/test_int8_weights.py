"""Weights stored as int8."""

import pytest
import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.int8_weights import SCALE, dequantize_weights, quantize_weights
from espnet2_decodec.codec.serialization import read_state_dict


def test_error_is_at_most_half_a_step_of_the_row():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 96, generator=generator) * torch.logspace(-6, 2, 64)[:, None]
    weight[3] = 0
    stored = quantize_weights({"a.weight": weight}, ["a."])
    found = dequantize_weights(stored)["a.weight"]
    steps = weight.abs().amax(1, keepdim=True) / 127
    assert stored["a.weight"].dtype == torch.int8
    assert ((found - weight).abs() <= 0.501 * steps).all()


def test_only_large_matrices_of_the_modules_change():
    tensors = {"a.weight": torch.randn(64, 64), "a.bias": torch.randn(5000), "a.small": torch.randn(3, 3),
               "b.weight": torch.randn(64, 64), "a.index": torch.arange(8192).view(64, 128)}  # fmt: skip
    stored = quantize_weights(tensors, ["a."])
    assert {name for name, tensor in stored.items() if tensor.dtype == torch.int8} == {"a.weight"}
    assert set(stored) == {*tensors, "a.weight" + SCALE}
    assert all(torch.equal(stored[name], tensors[name]) for name in tensors if name != "a.weight")


def test_scales_that_do_not_fit_are_refused():
    stored = quantize_weights({"a.weight": torch.randn(64, 64)}, ["a."])
    with pytest.raises(ValueError, match="do not fit"):
        dequantize_weights({**stored, "a.weight" + SCALE: torch.ones(3)})
    with pytest.raises(ValueError, match="do not fit"):
        dequantize_weights({"a.weight" + SCALE: torch.ones(3)})


def test_a_saved_codec_keeps_its_tokens_when_its_decoder_is_stored_as_int8(tmp_path):
    torch.manual_seed(0)
    codec = DeCodec().eval()
    torch.nn.init.normal_(codec.backbone.decoder.out_proj.weight, std=0.01)
    codec.save_pretrained(tmp_path, int8=["backbone.decoder."])
    other, wav = DeCodec.from_pretrained(tmp_path), torch.randn(1, 8000) * 0.1
    codes = codec.encode(wav)
    assert torch.equal(codes.speech, other.encode(wav).speech)
    assert torch.allclose(codec.decode(codes), other.decode(codes), atol=1e-2)
    assert not torch.equal(codec.decode(codes), other.decode(codes))
    assert read_state_dict(tmp_path)["backbone.decoder.out_proj.weight"].dtype == torch.float32
