"""Speech from recordings and tokens, and back to waveforms, in blocks and whole."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.voice.speech import Speech, analyze, from_codes, synthesize
from tests.voices import vowels


def test_a_recording_in_blocks_gives_the_same_as_in_one_piece(codec):
    wav = vowels(120, 2.01)
    whole, blocks = analyze(codec, [wav]), analyze(codec, wav.split(3000))
    assert torch.allclose(whole.content, blocks.content, atol=1e-4)
    assert torch.allclose(whole.coordinates, blocks.coordinates, atol=1e-4)
    assert len(whole.content) == -(-len(wav) // codec.hop)


def test_unvoiced_frames_have_neither_f0_nor_voicing(codec):
    coordinates = analyze(codec, [vowels(120, 2)]).coordinates
    voiced = coordinates[:, -1] > 0
    assert 0 < voiced.sum() < len(voiced) and not coordinates[~voiced, -2:].any()


def test_tokens_give_the_quantized_features(codec):
    codes = codec.encode(vowels(120, 2)[None])
    speech = from_codes(codec, codes)
    latent = codec.speech_quantizer.decode(codes.speech[:, : codec.parametric_levels])[0].T
    assert torch.equal(speech.content, latent[:, :4]) and speech.coordinates.shape == (100, 6)
    with pytest.raises(ValueError, match="first 2 speech levels, not 1"):
        from_codes(codec, codec.encode(vowels(120, 1)[None], speech_levels=1))


@pytest.mark.parametrize("samples", [32000, 31999, 31700])
def test_parts_are_decoded_as_one_recording(codec, samples):
    """No seam, exactly as many samples as asked for."""
    speech = analyze(codec, [vowels(120, 2)])
    whole = torch.cat(list(synthesize(codec, [speech], samples)))
    parts = [Speech(c, x) for c, x in zip(speech.content.split(17), speech.coordinates.split(17))]
    joined = torch.cat(list(synthesize(codec, parts, samples)))
    assert whole.shape == joined.shape == (samples,) and torch.allclose(whole, joined, atol=1e-5)


def test_without_a_number_of_samples_the_waveform_has_whole_frames(codec):
    speech = analyze(codec, [vowels(120, 2)])
    whole = torch.cat(list(synthesize(codec, [speech])))
    assert torch.equal(whole, torch.cat(list(synthesize(codec, [speech], len(speech.content) * codec.hop))))


def test_a_codec_without_semantic_level_is_refused():
    with pytest.raises(ValueError, match="needs a codec with a semantic level"):
        analyze(DeCodec.from_config(TINY).eval(), [vowels(120, 1)])
