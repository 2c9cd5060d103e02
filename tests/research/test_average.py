"""The average of a codec before and after a training."""

import copy

import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC, merge_config
from espnet2_decodec.codec.decodec import DeCodec
from research.average import average
from research.extension import extend_codec


def test_the_average_lies_between_both_and_keeps_replaced_codes():
    torch.manual_seed(0)
    before = DeCodec(merge_config(TINY_SEMANTIC, {"backbone": {"semantic_mixture_input": False}}))
    for book in before.speech_quantizer.level_codebooks()[:2]:
        book.normal_()
    after = copy.deepcopy(extend_codec(before, {"semantic_mixture_input": True}))
    with torch.no_grad():
        after.backbone.semantic_encoder.network.in_proj.weight += 1
    codes = after.speech_quantizer.semantic.codebooks
    codes += 0.01
    codes[0, 3] = 100.0
    found = average(before, after, 0.25)
    start = extend_codec(before, {"semantic_mixture_input": True}).backbone.semantic_encoder.network.in_proj.weight
    assert torch.allclose(found.backbone.semantic_encoder.network.in_proj.weight, start + 0.25)
    book, old = found.speech_quantizer.semantic.codebooks[0], before.speech_quantizer.semantic.codebooks[0]
    assert torch.equal(book[3], torch.full_like(book[3], 100.0))
    assert torch.allclose(book[4:], old[4:] + 0.0025, atol=1e-6)


def test_nothing_of_a_training_and_all_of_it():
    torch.manual_seed(0)
    before, after = (DeCodec(TINY_SEMANTIC) for _ in range(2))
    for share, codec in ((0.0, before), (1.0, after)):
        weights = average(before, after, share).state_dict()
        for name, value in codec.state_dict().items():
            assert "codebooks" in name or torch.allclose(weights[name], value)
