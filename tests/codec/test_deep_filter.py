"""The second stage of the separation: identity before training, a filter of the mixture's frames, local in time."""

import torch

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.deep_filter import BandSplitDeepFilter

SMALL = dict(dim=36, n_mels=4, channels=16, encoder_blocks=1, decoder_blocks=1)


def make_filter(bins: int = 481, causal: bool = False, std: float = 0.0) -> BandSplitDeepFilter:
    """A tiny deep filter with random weights of the last layer."""
    torch.manual_seed(0)
    network = BandSplitDeepFilter(bins, 6, channels=4, blocks=2, causal=causal).eval()
    with torch.no_grad():
        for weight in network.project:
            weight.normal_(std=std)
    return network


def make_inputs(frames: int, bins: int = 481) -> tuple[torch.Tensor, ...]:
    """Spectrum, estimate, level and context."""
    torch.manual_seed(1)
    spectrum, speech = torch.randn(2, 1, frames, bins, dtype=torch.complex64)
    return spectrum, speech, torch.zeros(1, frames, 1), torch.randn(1, frames, 6)


def test_untrained_it_passes_the_speech():
    for bins in (481, 241, 100):
        spectrum, speech, level, context = make_inputs(5, bins)
        torch.testing.assert_close(make_filter(bins)(spectrum, speech, level, context), speech)


def test_a_backbone_with_an_untrained_filter_separates_as_without():
    torch.manual_seed(0)
    plain, filtered = MDCTBackbone(**SMALL), MDCTBackbone(**SMALL, deep_filter_channels=4, deep_filter_blocks=1)
    new = filtered.state_dict().keys() - plain.state_dict().keys()
    assert new and all(name.startswith("deep_filter.") for name in new)
    filtered.load_state_dict({**filtered.state_dict(), **plain.state_dict()})
    wav = torch.randn(2, 3200) * 0.1
    torch.testing.assert_close(filtered.stems(wav), plain.stems(wav))


def test_it_reaches_as_many_frames_as_it_says():
    """A change of one frame changes those within its receptive field, and no others."""
    for causal in (False, True):
        network, inputs = make_filter(causal=causal, std=0.1), make_inputs(60)
        changed = [part.clone() for part in inputs]
        changed[0][:, 30] += 1
        moved = (network(*changed) - network(*inputs)).abs().amax((0, 2)) > 1e-6
        left, right = network.receptive_field  # of an output; so an input extends as far the other way
        assert moved.nonzero().min() >= 30 - right and moved.nonzero().max() <= 30 + left
        assert moved[30] and moved[31] and moved.sum() > 3


def test_silence_has_finite_gradients():
    network, (_, _, level, context) = make_filter(std=0.1), make_inputs(4)
    silence = torch.zeros(1, 4, 481, dtype=torch.complex64, requires_grad=True)
    network(silence, silence * 0.5, level, context).abs().add(1).log().sum().backward()
    assert silence.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)
