"""The whole codec: lengths, batches, causality, levels, remixing, and what it refuses."""

import json

import pytest
import torch

from espnet2_decodec import Codes, DeCodec
from espnet2_decodec.codec.config import TINY, TINY_SEMANTIC
from espnet2_decodec.codec.streaming import separate_blocks
from espnet2_decodec.codec.unseparated import unseparated_latent

HOP = 320
SEANET = {**TINY, "backbone": {"name": "seanet", "n_filters": 2, "strides": [20, 16]}}
MDCT = {**TINY, "backbone": {**TINY["backbone"], "name": "mdct", "n_mels": 4}}
DEEP_FILTER = {"deep_filter_channels": 4, "deep_filter_blocks": 1}
BACKBONES = {
    "mdct": MDCT,
    "mdct causal": {**TINY, "backbone": {**MDCT["backbone"], "causal": True}},
    "mdct, deep filter": {**TINY, "backbone": {**MDCT["backbone"], **DEEP_FILTER}},
    "mdct causal, deep filter": {**TINY, "backbone": {**MDCT["backbone"], **DEEP_FILTER, "causal": True}},
    "semantic_mdct": TINY_SEMANTIC,
    "spectral": TINY,
    "spectral causal": {**TINY, "backbone": {**TINY["backbone"], "causal": True}},
    "seanet": SEANET,
    "seanet causal": {**TINY, "backbone": {**SEANET["backbone"], "causal": True}},
    "seanet without lstm": {**TINY, "backbone": {**SEANET["backbone"], "lstm": 0}},
    "seanet, soft split": {**SEANET, "split": {"name": "soft", "dim": 8}},
}
every_backbone = pytest.mark.parametrize("name", BACKBONES)
causal_backbones = pytest.mark.parametrize(
    "name", ["mdct causal", "mdct causal, deep filter", "spectral causal", "seanet causal"]
)


def make_codec(name: str = "spectral") -> DeCodec:
    """A tiny codec with random weights in every layer.

    Fresh SEANet layers answer with hardly more than their biases, with twice the gain they follow their input;
    the last layers of the mdct backbone start as zeros.
    """
    if name.startswith("seanet"):
        pytest.importorskip("espnet2")
    torch.manual_seed(0)
    codec = DeCodec.from_config(BACKBONES[name]).eval()
    with torch.no_grad():
        for parameter, value in codec.backbone.named_parameters():
            if parameter.endswith("weight.original0"):
                value.mul_(2)
            elif value.ndim > 1 and not value.any():
                value.normal_(std=0.1)
    return codec


def make_wav(*shape: int, seed: int = 0) -> torch.Tensor:
    """Noise."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def assert_codes_agree(one: torch.Tensor, other: torch.Tensor) -> None:
    """Equal tokens, except for rare ties."""
    assert one.shape == other.shape
    assert (one != other).float().mean() <= 0.005


@every_backbone
@pytest.mark.parametrize("length", [1, 319, 320, 321, 48001])
def test_lengths_are_exact(name, length):
    """Any length gives ceil(length / hop) frames, and comes back to the sample."""
    codec, wav = make_codec(name), make_wav(1, length)
    codes = codec.encode(wav)
    frames = -(-length // HOP)
    assert codes.speech.shape == (1, 3, frames) and codes.background.shape == (1, 2, frames)
    assert codes.speech.dtype == torch.int64 and codes.lengths.tolist() == [length]
    decoded = codec.decode(codes)
    assert decoded.shape == wav.shape and decoded.isfinite().all()


@every_backbone
def test_a_padded_batch_gives_what_one_by_one_gives(name):
    """Codes, waveforms and stems of a batch with lengths are those of each recording alone."""
    codec, wav = make_codec(name), make_wav(4, 3000)
    lengths = torch.tensor([1921, 3000, 641, 1921])
    codes = codec.encode(wav, lengths)
    decoded, stems = codec.decode(codes), codec.separate(wav, lengths, quantize=False)
    tolerance = 2e-4 * max(1.0, float(decoded.abs().max()))
    for index, length in enumerate(lengths.tolist()):
        alone, mine = codec.encode(wav[index : index + 1, :length]), codes.select(index, HOP)
        assert_codes_agree(mine.speech, alone.speech)
        assert_codes_agree(mine.background, alone.background)
        assert torch.allclose(decoded[index, :length], codec.decode(mine)[0], atol=tolerance)
        expected = codec.separate(wav[index : index + 1, :length], quantize=False)
        for ours, theirs in ((stems.speech, expected.speech), (stems.background, expected.background)):
            assert torch.allclose(ours[index, :length], theirs[0], atol=1e-4)
            assert (ours[index, length:] == 0).all()
        assert (decoded[index, length:] == 0).all()
        assert (codes.speech[index, :, -(-length // HOP) :] == 0).all()


@every_backbone
def test_samples_and_frames_beyond_a_length_are_ignored(name):
    """Garbage after the end of a recording, in samples and in frames, changes nothing."""
    codec, wav, lengths = make_codec(name), make_wav(2, 2000), torch.tensor([2000, 777])
    codes = codec.encode(wav, lengths)
    wav[1, 777:] = 3.0
    again = codec.encode(wav, lengths)
    assert torch.equal(codes.speech, again.speech) and torch.equal(codes.background, again.background)
    garbage = codes.speech.clone()
    garbage[1, :, 3:] = 7
    changed = codec.decode(Codes(garbage, codes.background, codes.lengths, 16000))
    assert torch.allclose(changed, codec.decode(codes), atol=1e-5)


@causal_backbones
def test_causal_codecs_have_the_stated_latency(name):
    """Samples from n on have no influence before n - latency + 1, and some within one frame after it."""
    codec, wav = make_codec(name), make_wav(1, 20 * HOP)
    before = codec.separate(wav, quantize=False)
    for start in (10 * HOP, 10 * HOP + HOP - 1, 12 * HOP + 1):
        changed = wav.clone()
        changed[:, start:] = make_wav(1, 20 * HOP - start, seed=1) * 5
        after = codec.separate(changed, quantize=False)
        for one, other in ((before.speech, after.speech), (before.background, after.background)):
            differs = (one - other)[0].abs() > 1e-6
            first = int(differs.nonzero()[0])
            assert start - codec.latency < first <= start + HOP


@causal_backbones
def test_causal_codes_of_a_prefix_are_a_prefix(name):
    """The codes of a prefix are a prefix of the codes, except within the latency."""
    codec, wav = make_codec(name), make_wav(1, 20 * HOP)
    whole, prefix = codec.encode(wav), codec.encode(wav[:, : 12 * HOP])
    sure = 12 - (codec.latency // HOP - 1)
    assert_codes_agree(whole.speech[..., :sure], prefix.speech[..., :sure])


@pytest.mark.parametrize("name", ["mdct", "spectral", "seanet", "seanet without lstm"])
def test_codecs_with_look_ahead_have_no_latency(name):
    """Not causal: latency is None."""
    assert make_codec(name).latency is None


@every_backbone
def test_receptive_field_is_kept(name):
    """Frames outside the stated receptive field have no influence; without one, the codec is recurrent."""
    codec = make_codec(name)
    if codec.receptive_field is None:
        assert codec.config["backbone"].get("lstm", 2)
        return
    (left, right), (back, ahead) = codec.receptive_field
    wav = make_wav(1, 50 * HOP)
    changed = wav.clone()
    changed[:, 30 * HOP : 31 * HOP] += 1.0
    with torch.no_grad():
        latent = codec.latent(wav)
        difference = (codec.latent(changed) - latent)[0].abs().amax(0)
        touched = (difference > 1e-6).nonzero()[:, 0]
        assert touched.min() >= 30 - right and touched.max() <= 30 + left
        moved = latent.clone()
        moved[:, :, 30] += 1.0
        difference = (codec.synthesize(moved) - codec.synthesize(latent))[0].abs()
        touched = (difference > 1e-6).nonzero()[:, 0] // HOP
    assert touched.min() >= 30 - ahead and touched.max() <= 30 + back


@every_backbone
def test_every_weight_is_trained(name):
    """Swapped decoding with straight-through codes reaches every parameter, and all gradients are finite."""
    codec = make_codec(name).train()
    latents = codec(make_wav(2, 4800), torch.tensor([3, 2]), torch.tensor([2, 3]))
    speech, background = latents.quantized_speech, latents.quantized_background
    wav = codec.synthesize(codec.subspace.merge(speech.x, background.x.flip(0)))
    loss = wav.square().mean() + speech.commitment + codec.subspace.penalty(latents.speech, latents.background)
    loss.backward()
    for parameter, value in codec.named_parameters():
        assert value.grad is not None and value.grad.isfinite().all(), parameter
        assert value.grad.abs().sum() > 0, parameter


@every_backbone
def test_gradients_pass_the_mask(name):
    """A training batch with lengths has finite gradients, none of them from the padding."""
    codec, wav = make_codec(name).train(), make_wav(2, 1600).requires_grad_()
    lengths = torch.tensor([1600, 700])
    latents = codec(wav, torch.tensor([4, 4]), torch.tensor([3, 3]), lengths)
    codec.synthesize(codec.subspace.merge(latents.speech, latents.background), lengths).square().sum().backward()
    assert wav.grad.isfinite().all()
    assert (wav.grad[1, 700:] == 0).all() and wav.grad[1, :700].abs().sum() > 0


@every_backbone
def test_silence_is_coded_and_has_finite_gradients(name):
    """Digital silence in encoder and decoder, with and without gradients."""
    codec, wav = make_codec(name), torch.zeros(1, 1000, requires_grad=True)
    codec.synthesize(codec.latent(wav)).square().sum().backward()
    assert wav.grad.isfinite().all()
    assert codec.decode(codec.encode(wav.detach())).isfinite().all()


@every_backbone
def test_the_config_rebuilds_the_codec(name):
    """A completed config survives JSON, and with the state_dict gives the same codec."""
    codec, wav = make_codec(name), make_wav(1, 1000)
    other = DeCodec.from_config(json.loads(json.dumps(codec.config))).eval()
    other.load_state_dict(codec.state_dict())
    assert other.config == codec.config
    codes = codec.encode(wav)
    assert torch.equal(other.encode(wav).speech, codes.speech)
    assert torch.equal(other.decode(codes), codec.decode(codes))


def test_bf16_autocast_gives_a_usable_result():
    """Encoding and decoding under autocast work, in float32 outside."""
    for name in ("mdct", "spectral", "seanet"):
        codec, wav = make_codec(name), make_wav(1, 1000)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            decoded = codec.decode(codec.encode(wav))
        assert decoded.dtype == torch.float32 and decoded.isfinite().all()


def test_both_streams_add_up_before_decoding():
    """Decoding both streams is decoding the sum of the two parts."""
    codec = make_codec()
    codes = codec.encode(make_wav(1, 3200))
    speech = codec.speech_quantizer.decode(codes.speech)
    background = codec.background_quantizer.decode(codes.background)
    zero = torch.zeros_like
    with torch.no_grad():
        total = codec.subspace.merge(speech, zero(background)) + codec.subspace.merge(zero(speech), background)
        assert torch.allclose(codec.synthesize(total, codes.lengths), codec.decode(codes), atol=1e-5)


def test_levels_are_chosen_stream_by_stream():
    """The first levels are the same whatever their number; kbps follows; the default is all."""
    codec, wav = make_codec(), make_wav(1, 3200)
    full = codec.encode(wav)
    some = codec.encode(wav, speech_levels=1, background_levels=0)
    assert torch.equal(some.speech, full.speech[:, :1]) and some.background.shape == (1, 0, 10)
    assert codec.kbps(2) == pytest.approx(2 * 4 * 50 / 1000)
    assert make_codec().encode(wav).semantic.shape == (1, 1, 10)
    assert torch.equal(full.paralinguistic, full.speech[:, 1:])


def test_a_stream_without_levels_is_silent():
    """K = 0 is decoded as `speech=False` or `background=False` does."""
    codec, wav = make_codec(), make_wav(1, 3200)
    full = codec.encode(wav)
    assert torch.equal(codec.decode(codec.encode(wav, background_levels=0)), codec.decode(full, background=False))
    assert torch.equal(codec.decode(codec.encode(wav, speech_levels=0)), codec.decode(full, speech=False))
    nothing = codec.decode(codec.encode(wav, speech_levels=0, background_levels=0))
    assert nothing.shape == wav.shape and torch.equal(nothing, codec.decode(full, speech=False, background=False))


def test_separating_is_decoding_each_stream():
    """Stems with quantization are the two decodings."""
    codec, wav = make_codec(), make_wav(1, 3000)
    stems, codes = codec.separate(wav, speech_levels=2), codec.encode(wav, speech_levels=2)
    assert torch.equal(stems.speech, codec.decode(codes, background=False))
    assert torch.equal(stems.background, codec.decode(codes, speech=False))


def test_stems_without_quantization_have_no_levels():
    codec, wav = DeCodec.from_config(TINY).eval(), torch.zeros(1, 320)
    with pytest.raises(ValueError, match="no levels without quantization"):
        codec.separate(wav, quantize=False, background_levels=1)
    with pytest.raises(ValueError, match="no levels without quantization"):
        separate_blocks(codec, [wav[0]], quantize=False, speech_levels=1)


def test_without_separation_all_is_speech():
    codec, wav = make_codec("mdct"), make_wav(2, 6400)
    speech, background = codec.subspace.split(unseparated_latent(codec, wav))
    torch.testing.assert_close(speech, codec.backbone.target_latent(wav), atol=1e-6, rtol=1e-5)
    assert float(background.detach().abs().max()) < 1e-6
    apart, _ = codec.subspace.split(codec.latent(wav))
    codec.speech_quantizer.init_kmeans(
        torch.cat([speech, apart]).detach().transpose(1, 2).flatten(0, 1)
    )  # codes near both
    whole, apart = codec.quantize(unseparated_latent(codec, wav), torch.tensor([6400, 6400])), codec.encode(wav)
    assert torch.equal(whole.speech, codec.speech_quantizer.encode(speech, codec.speech_levels))
    assert not torch.equal(whole.speech, apart.speech) and whole.speech.shape == apart.speech.shape


@pytest.mark.parametrize(
    "config", [TINY, {**MDCT, "split": {"name": "soft", "dim": 24}}], ids=["no stems", "no halves"]
)
def test_other_codecs_have_no_unseparated_latent(config):
    codec = DeCodec.from_config(config)
    with pytest.raises(ValueError, match="analytic encoder"):
        unseparated_latent(codec, make_wav(1, 6400))


@pytest.mark.parametrize("frames", [1, 4, 10, 25])
def test_remix_loops_or_cuts_the_background(frames):
    """The background of another recording is repeated or cut to the length of the speech."""
    codec = make_codec()
    speech, background = codec.encode(make_wav(1, 3199)), codec.encode(make_wav(1, frames * HOP, seed=1))
    looped = background.background.repeat(1, 1, 10)[..., :10]
    expected = codec.decode(Codes(speech.speech, looped, speech.lengths, 16000))
    mixed = codec.remix(speech, background)
    assert mixed.shape == (1, 3199) and torch.equal(mixed, expected)


def test_remix_loops_each_background_at_its_own_length():
    """In a batch, padding frames of a shorter background are not repeated."""
    codec = make_codec()
    speech = codec.encode(make_wav(2, 3200))
    background = codec.encode(make_wav(2, 1600, seed=1), torch.tensor([1600, 700]))
    mixed = codec.remix(speech, background)
    for index in range(2):
        alone = codec.remix(speech.select(index, HOP), background.select(index, HOP))
        assert torch.allclose(mixed[index], alone[0], atol=1e-5)


def test_remix_with_a_background_without_levels_is_the_speech():
    """Codes without background levels add nothing."""
    codec = make_codec()
    speech = codec.encode(make_wav(1, 3200))
    silent = codec.encode(make_wav(1, 800), background_levels=0)
    assert torch.equal(codec.remix(speech, silent), codec.decode(speech, background=False))


def test_a_config_is_a_difference_from_the_defaults():
    """{} is the default codec; options update it, and the given dict is not changed."""
    given = {"backbone": {"channels": 16, "encoder_blocks": 1, "decoder_blocks": 1}}
    codec = DeCodec.from_config(given)
    assert codec.config["split"] == {"name": "orthogonal", "speech_dim": 138, "background_dim": 138}
    assert (codec.speech_levels, codec.background_levels, codec.codebook_size) == (10, 6, 1024)
    assert (codec.hop, codec.sample_rate, codec.frame_rate) == (320, 16000, 50.0)
    assert given == {"backbone": {"channels": 16, "encoder_blocks": 1, "decoder_blocks": 1}}


@pytest.mark.parametrize("split", [{"name": "soft", "dim": 24}, {"speech_dim": 14, "background_dim": 10}])
def test_latents_that_are_not_halves_of_the_parametric_one_have_a_plain_quantizer(split):
    codec, wav = DeCodec.from_config({**MDCT, "split": split}).eval(), make_wav(1, 3200)
    assert codec.parametric_levels == 0
    assert codec.decode(codec.encode(wav)).shape == wav.shape
