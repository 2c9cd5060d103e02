"""The spectral backbone: its fast forms equal direct implementations, and its geometry is exact."""

import pytest
import torch
from torch.nn import functional as F

from espnet2_decodec.codec.backbones.spectral import SpectralBackbone
from espnet2_decodec.codec.dsp.chunking import CHUNK, chunked
from espnet2_decodec.codec.dsp.convnext import ConvNeXtBlock
from espnet2_decodec.codec.dsp.overlap_add import frame_signal

HOP = 320


def make_backbone(**options) -> SpectralBackbone:
    """A small backbone with random weights."""
    torch.manual_seed(0)
    return SpectralBackbone(**{"dim": 6, "channels": 8, "encoder_blocks": 2, "decoder_blocks": 2, **options}).eval()


def plain_block(block: ConvNeXtBlock, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """A direct implementation of the block."""
    y = x if mask is None else x * mask
    y = block.dwconv(F.pad(y.transpose(1, 2), block.pad)).transpose(1, 2)
    return x + block.gamma * block.pwconv2(F.gelu(block.pwconv1(block.norm(y))))


def plain_features(backbone: SpectralBackbone, wav: torch.Tensor) -> torch.Tensor:
    """Compressed complex spectra [B, T, 2 F] frame by frame."""
    edge = (backbone.n_fft - backbone.hop) // 2
    padded = F.pad(wav, (edge, edge))
    frames = []
    for start in range(0, wav.shape[1], backbone.hop):
        spectrum = torch.fft.rfft(padded[:, start : start + backbone.n_fft] * backbone.window)
        spectrum = spectrum * 2 / backbone.n_fft**0.5
        spectrum = spectrum * (spectrum.abs() + 1e-5) ** (backbone.compression - 1)
        frames.append(torch.cat([spectrum.real, spectrum.imag], dim=-1))
    return torch.stack(frames, dim=1)


def plain_inverse(backbone: SpectralBackbone, heads: torch.Tensor) -> torch.Tensor:
    """Log magnitude and phase [B, T, 2 F] to a waveform, frame by frame."""
    batch, count, _ = heads.shape
    level, phase = heads.chunk(2, dim=-1)
    spectrum = torch.polar(level.clamp(max=8.0).exp(), phase) * (backbone.n_fft**0.5 / 2)
    wav = torch.zeros(batch, (count - 1) * backbone.hop + backbone.n_fft)
    weight = torch.zeros_like(wav)
    for t in range(count):
        place = slice(t * backbone.hop, t * backbone.hop + backbone.n_fft)
        wav[:, place] += torch.fft.irfft(spectrum[:, t], n=backbone.n_fft) * backbone.window
        weight[:, place] += backbone.window.square()
    edge = (backbone.n_fft - backbone.hop) // 2
    inside = slice(edge, edge + count * backbone.hop)
    return wav[:, inside] / weight[:, inside].clamp(min=1e-3)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("frames", [1, 50, CHUNK, 2 * CHUNK + 7])
def test_blocks_equal_their_plain_form(causal, grad, frames):
    """The channels-last convolution and chunks change nothing, with and without a mask."""
    torch.manual_seed(0)
    block = ConvNeXtBlock(8, 7, causal, 0.3)
    x = torch.randn(2, frames, 8)
    mask = (torch.rand(2, frames, 1) > 0.3).float()
    with torch.set_grad_enabled(grad):
        for given in (None, mask):
            assert torch.allclose(block(x, given), plain_block(block, x, given), atol=1e-6)


def test_gradients_of_blocks_equal_those_of_the_plain_form():
    """Training gives the same with the fast form."""
    block, x = ConvNeXtBlock(8, 7, False, 0.3), torch.randn(2, 20, 8, requires_grad=True)
    mask = (torch.rand(2, 20, 1) > 0.3).float()
    inputs = [x, *block.parameters()]
    gradients = [
        torch.autograd.grad(form.square().sum(), inputs) for form in (block(x, mask), plain_block(block, x, mask))
    ]
    for one, other in zip(*gradients):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_names_and_shapes_of_the_state_dict():
    """They are those of saved models."""
    names = {name: tuple(value.shape) for name, value in ConvNeXtBlock(8, 7, False, 0.3).state_dict().items()}
    assert names == {
        "gamma": (8,),
        "dwconv.weight": (8, 1, 7),
        "dwconv.bias": (8,),
        "norm.weight": (8,),
        "norm.bias": (8,),
        "pwconv1.weight": (32, 8),
        "pwconv1.bias": (32,),
        "pwconv2.weight": (8, 32),
        "pwconv2.bias": (8,),
    }


@pytest.mark.parametrize("n_fft", [3 * HOP, 5 * HOP])
def test_features_and_inverse_equal_their_plain_form(n_fft, monkeypatch):
    """STFT, compression, polar form and overlap-add against frame-by-frame versions."""
    backbone, wav = make_backbone(n_fft=n_fft), torch.randn(2, 7 * HOP) * 0.1
    wav[1, 3 * HOP :] = 0
    monkeypatch.setattr(backbone, "encoder", torch.nn.Identity())
    monkeypatch.setattr(backbone.encoder, "forward", lambda x, mask: x)
    assert torch.allclose(backbone.encode(wav).transpose(1, 2), plain_features(backbone, wav), atol=1e-5)
    heads = torch.randn(2, 7, n_fft + 2)
    monkeypatch.setattr(backbone, "decoder", torch.nn.Identity())
    monkeypatch.setattr(backbone.decoder, "forward", lambda x, mask: x)
    assert torch.allclose(backbone.decode(heads.transpose(1, 2)), plain_inverse(backbone, heads), atol=1e-5)


@pytest.mark.parametrize("n_fft", [3 * HOP, 5 * HOP])
def test_the_inverse_undoes_the_transform(n_fft, monkeypatch):
    """True log magnitudes and phases give back the waveform, also at both ends."""
    backbone, wav = make_backbone(n_fft=n_fft), torch.randn(1, 6 * HOP) * 0.1
    frames = frame_signal(wav, n_fft, HOP)
    spectrum = torch.fft.rfft(frames * backbone.window) * (2 / n_fft**0.5)
    heads = torch.cat([spectrum.abs().clamp(min=1e-9).log(), spectrum.angle()], dim=-1)
    monkeypatch.setattr(backbone.decoder, "forward", lambda x, mask: x)
    assert torch.allclose(backbone.decode(heads.transpose(1, 2)), wav, atol=1e-4)


def test_any_output_of_the_decoder_stays_finite():
    """Huge latents cannot overflow the exponential."""
    wav = make_backbone().decode(torch.randn(1, 6, 5) * 1e4)
    assert wav.isfinite().all()


@pytest.mark.parametrize("options", [{"n_fft": 640}, {"n_fft": 320}, {"n_fft": 1000}, {"n_fft": 1280}, {"kernel": 4}])
def test_geometry_that_does_not_fit_is_refused(options):
    """The window is an odd multiple of the hop, the kernel odd."""
    with pytest.raises(ValueError, match="must be"):
        make_backbone(**options)


def test_latency_and_receptive_field_follow_the_geometry():
    """One window of latency when causal; kernels and windows add up in the receptive field."""
    causal = make_backbone(causal=True, n_fft=5 * HOP, kernel=3)
    assert causal.latency == 5 * HOP and causal.receptive_field == ((6, 2), (6, 2))
    both = make_backbone(kernel=7)
    assert both.latency is None and both.receptive_field == ((7, 7), (7, 7))


def test_chunks_are_for_inference_only():
    """One call with gradients, several without, the same values."""
    sizes, frames = [], torch.randn(2 * CHUNK + 1, 3)

    def double(part: torch.Tensor) -> torch.Tensor:
        sizes.append(len(part))
        return 2 * part

    assert torch.equal(chunked(double, frames), 2 * frames) and sizes == [2 * CHUNK + 1]
    sizes.clear()
    with torch.no_grad():
        assert torch.equal(chunked(double, frames), 2 * frames) and sizes == [CHUNK, CHUNK, 1]
