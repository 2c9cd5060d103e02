"""The backbone with a semantic level: what its first level, its prediction and its post-filter promise."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.beam_search import beam_search
from espnet2_decodec.codec.config import TINY_SEMANTIC
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.unseparated import unseparated_latent
from espnet2_decodec.conversion.convert import convert_codes
from espnet2_decodec.types import Codes

HOP = 320


def make_codec() -> DeCodec:
    """A tiny codec with random weights in the layers that start at zero."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(TINY_SEMANTIC).eval()
    backbone = codec.backbone
    for network in (backbone.encoder, backbone.decoder, backbone.background_decoder, backbone.post_filter.network):
        torch.nn.init.normal_(network.out_proj.weight, std=0.1)
    return codec


def make_wav(*shape: int, seed: int = 0) -> torch.Tensor:
    """Noise with a slow modulation."""
    noise = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1
    return noise * (1 + 0.8 * torch.sin(torch.arange(shape[-1]) / 1500))


def test_the_first_level_is_the_content():
    codec, wav = make_codec(), make_wav(2, 9000)
    codes = codec.encode(wav)
    assert torch.equal(codec.content_tokens(wav), codes.semantic)
    assert codec.content(wav).shape == (2, 4, codes.speech.shape[2])
    assert codec.content_dim == 4 and codec.content_quantizer.levels == 1


def test_a_gain_does_not_change_the_semantic_features():
    """6 dB softer and louder, the semantic encoder gives the same, while the parameters change."""
    encoder, wav = make_codec().backbone.semantic_encoder, make_wav(1, 9600)
    features = encoder(wav)
    assert torch.allclose(encoder(2 * wav), features, atol=1e-3)
    assert torch.allclose(encoder(0.5 * wav), features, atol=1e-3)
    assert (encoder(make_wav(1, 9600, seed=1)) - features).abs().max() > 0.1


def test_the_semantic_encoder_sees_what_the_separation_removed():
    """Speech that nothing was separated from, and speech that equals the mixture, have the same features."""
    encoder, wav = make_codec().backbone.semantic_encoder, make_wav(1, 9600)
    with torch.no_grad():
        features, noisy = encoder(wav), encoder(wav, mixture=wav + make_wav(1, 9600, seed=1))
        assert torch.equal(encoder(wav, mixture=wav), features)
    assert (noisy - features).abs().max() > 0.1


def test_streams_are_decoded_one_by_one():
    """The decoded mixture is the sum of the decoded streams, so neither changes the other."""
    codec = make_codec()
    codes, other = codec.encode(make_wav(1, 9000)), codec.encode(make_wav(1, 9000, seed=1))
    speech, background = codec.decode(codes, background=False), codec.decode(codes, speech=False)
    peak = float(codec.decode(codes).abs().max())
    assert torch.allclose(codec.decode(codes), speech + background, atol=1e-3 * peak)
    remixed = codec.decode(Codes(codes.speech, other.background, codes.lengths, 16000))
    assert torch.allclose(remixed - codec.decode(other, speech=False), speech, atol=1e-3 * peak)
    assert not codec.decode(Codes(codes.speech[:, :0], codes.background[:, :0], codes.lengths, 16000)).any()


def test_the_subspaces_are_orthogonal_after_quantization():
    codec = make_codec()
    torch.nn.init.normal_(codec.subspace.weight)
    codes = codec.encode(make_wav(1, 9000))
    speech, background = codec.dequantize(codes, True, False), codec.dequantize(codes, False, True)
    cosine = torch.nn.functional.cosine_similarity(speech, background, dim=1)
    assert speech.abs().max() > 0 and background.abs().max() > 0 and cosine.abs().max() < 1e-5


def test_levels_refine_the_latent():
    """With codebooks fitted to the data, each further level lowers the error of what it codes."""
    codec, wav = make_codec(), make_wav(1, 64000)
    speech, _ = codec.subspace.split(codec.latent(wav))
    codec.speech_quantizer.init_kmeans(speech[0].T.detach())
    quantizer = codec.speech_quantizer
    errors = [(speech - quantizer.decode(quantizer.encode(speech, k))).square().mean(2)[0] for k in range(4)]
    assert errors[1][:4].sum() < 0.9 * errors[0][:4].sum()
    assert errors[2][4:10].sum() < 0.9 * errors[1][4:10].sum()
    assert errors[3][10:].sum() < 0.9 * errors[2][10:].sum()
    embedded = quantizer.embed(quantizer.encode(speech))
    assert torch.allclose(embedded.sum(0), quantizer.decode(quantizer.encode(speech)), atol=1e-6)


def test_training_reaches_every_part():
    """The losses of quantizer and waveform give gradients to encoder, predictor, decoders and post-filter."""
    codec = make_codec().train()
    wav = make_wav(2, 6400)
    latents = codec(wav, torch.tensor([3, 3]), torch.tensor([2, 2]))
    decoded = codec.synthesize(codec.subspace.merge(latents.quantized_speech.x, latents.quantized_background.x))
    loss = (decoded - wav).square().mean() + latents.quantized_speech.commitment
    loss.backward()
    without = [
        name for name, weight in codec.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()
    ]
    assert without == []


def test_the_predictor_learns_the_parameters():
    """Training by the commitment loss lowers the error of the prediction itself, while the codebooks follow."""
    quantizer = make_codec().speech_quantizer.train()
    generator = torch.Generator().manual_seed(0)
    kinds = torch.randint(0, 4, (2, 200), generator=generator)
    means = torch.randn(4, 14, generator=generator)
    x = (means[kinds] + 0.1 * torch.randn(2, 200, 14, generator=generator)).transpose(1, 2)
    quantizer.init_kmeans(x.transpose(1, 2).flatten(0, 1))
    optimizer = torch.optim.Adam(quantizer.predictor.parameters(), lr=0.01)

    def error() -> float:
        codes = quantizer.encode(x, 1)
        return float((quantizer.decode(codes) - x)[:, 4:10].square().mean().detach() / x[:, 4:10].var())

    before = error()
    for _ in range(60):
        optimizer.zero_grad()
        quantizer(x, torch.tensor([3, 3])).commitment.backward()
        optimizer.step()
    assert error() < 0.2 < before


def test_an_isolated_recording_is_coded_without_separation():
    codec, wav = make_codec(), make_wav(1, 6400)
    speech, background = codec.subspace.split(unseparated_latent(codec, wav))
    assert speech.shape[1] == 14 and background.abs().max() < 1e-6


@pytest.mark.parametrize("method", ["knn_shift", "knn_codes", "swap_codes"])
def test_conversion_keeps_the_semantic_level(method):
    codec = make_codec()
    source, voice = codec.encode(make_wav(1, 9000)), codec.encode(make_wav(1, 16000, seed=1))
    converted = convert_codes(codec, source, voice, method)
    assert torch.equal(converted.semantic, source.semantic)
    assert converted.speech.shape[1] >= 2 and torch.equal(converted.background, source.background)


@pytest.mark.parametrize("sign_symmetric", [False, True])
def test_a_wider_beam_finds_nearer_codes(sign_symmetric):
    """With one partial sum it is the greedy search, with all of them the exhaustive one (if no signs are skipped)."""
    generator = torch.Generator().manual_seed(0)
    quantizer = ResidualVQ(6, 3, 8, sign_symmetric)
    frames = torch.randn(200, 6, generator=generator)
    greedy = quantizer.encode(frames.T[None])[0].T

    def error(codes: torch.Tensor) -> torch.Tensor:
        return (frames - quantizer.decode(codes.T[None])[0].T).square().sum(1)

    found = {beam: beam_search(frames, quantizer.codebooks, beam, sign_symmetric) for beam in (1, 4, 512)}
    assert torch.equal(found[1], greedy)
    if not sign_symmetric:
        grid = torch.cartesian_prod(*[torch.arange(8)] * 3)
        sums = quantizer.decode(grid.T[None])[0].T
        best = torch.cdist(frames, sums).square().min(1).values
        assert torch.allclose(error(found[512]), best, atol=1e-4)
    assert error(found[4]).mean() < error(found[1]).mean()
    assert beam_search(frames, quantizer.codebooks[:0], 4).shape == (200, 0)


@pytest.mark.parametrize("sign_symmetric", [False, True])
def test_the_search_keeps_the_best_partial_sums(sign_symmetric):
    """The selection by maxima of columns finds the same as sorting all sums, in one chunk and in several."""
    generator = torch.Generator().manual_seed(0)
    quantizer, beam = ResidualVQ(6, 3, 64, sign_symmetric), 4
    frames = torch.randn(300, 6, generator=generator)
    found = beam_search(frames, quantizer.codebooks, beam, sign_symmetric)
    for frame, codes in zip(frames[:20].double(), found):
        sums = [(torch.zeros(6).double(), ())]
        for level, codebook in enumerate(quantizer.codebooks.double(), start=1):
            longer = []
            for total, path in sums:
                nearest = [(frame - total - code).square().sum() for code in codebook]
                half = 32 if sign_symmetric else 64
                for code in range(half):
                    pair = (code, code + half) if sign_symmetric else (code,)
                    best = min(pair, key=lambda i: nearest[i])
                    longer.append((nearest[best], total + codebook[best], (*path, best)))
            longer.sort(key=lambda item: item[0])
            sums = [(total, path) for _, total, path in longer[: 1 if level == 3 else beam]]
        assert sums[0][1] == tuple(codes.tolist())


@pytest.mark.parametrize("side", [0, 1])
def test_the_receptive_field_of_the_semantic_encoder_is_complete(side):
    """A loud sound outside it changes nothing, one just within the context of both running means does."""
    encoder = make_codec().backbone.semantic_encoder
    left, right = encoder.receptive_field
    frame, hop = left + 1, 320
    wav = make_wav(1, (left + right + 3) * hop)
    outside, within = wav.clone(), wav.clone()
    first = (frame - left) * hop if side == 0 else (frame + right + 1) * hop
    if side == 0:
        outside[:, :first] *= 3000
        within[:, : first + 4 * hop] *= 3000
    else:
        outside[:, first:] *= 3000
        within[:, first - 4 * hop :] *= 3000
    with torch.no_grad():
        expected, unchanged, changed = (encoder(x)[0, frame] for x in (wav, outside, within))
    assert (unchanged - expected).abs().max() < 1e-5 < (changed - expected).abs().max()
