"""The control experiment without separation."""

import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.unseparated import encode_unseparated


def test_the_recording_is_coded_as_speech_over_silence(vocoder_codec):
    wav = 0.1 * torch.randn(2, 3333)
    codes = encode_unseparated(vocoder_codec, wav)
    target = vocoder_codec.backbone.target_latent(torch.nn.functional.pad(wav, (0, 187)))
    assert torch.equal(codes.speech, vocoder_codec.speech_quantizer.encode(target))
    silence = vocoder_codec.background_quantizer.encode(torch.zeros_like(target))
    assert torch.equal(codes.background, silence) and codes.lengths.tolist() == [3333, 3333]
    assert not torch.equal(codes.speech, vocoder_codec.encode(wav).speech)


def test_a_backbone_without_a_target_latent_is_refused():
    with pytest.raises(ValueError, match="analytic encoder"):
        encode_unseparated(DeCodec.from_config(TINY), torch.zeros(1, 320))
