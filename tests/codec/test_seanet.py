"""The paper's backbone, built of ESPnet's layers."""

import sys

import pytest
import torch

from espnet2_decodec import DeCodec

pytest.importorskip("espnet2")
from espnet2_decodec.codec.backbones.seanet import SEANetBackbone  # noqa: E402

HOP = 320


def make_backbone(**options) -> SEANetBackbone:
    """A small backbone that follows its input: the output of untrained layers is little more than their biases."""
    torch.manual_seed(0)
    backbone = SEANetBackbone(**{"dim": 6, "n_filters": 2, **options}).eval()
    with torch.no_grad():
        for name, value in backbone.named_parameters():
            if name.endswith("weight.original0"):
                value.mul_(2)
    return backbone


def influence(outputs: torch.Tensor, inputs: torch.Tensor) -> list[int]:
    """Positions along the last axis of `inputs` that the sum of `outputs` depends on."""
    (gradient,) = torch.autograd.grad(outputs.sum(), inputs)
    return gradient[0].reshape(-1, inputs.shape[-1]).abs().amax(0).nonzero()[:, 0].tolist()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"residual_layers": 2, "residual_kernel": 5, "dilation": 3}, {"strides": [4, 10], "hop": 40}],
)
def test_receptive_field_is_exact(causal, options):
    """Without an LSTM gradients come from the whole stated receptive field and from nowhere else."""
    backbone = make_backbone(lstm=0, causal=causal, **options)
    (left, right), (back, ahead) = backbone.receptive_field
    hop, middle = backbone.hop, 15
    wav = torch.randn(1, 31 * hop, requires_grad=True)
    inputs = influence(backbone.encode(wav)[..., middle], wav)
    assert (inputs[0] // hop, inputs[-1] // hop) == (middle - left, middle + right)
    latent = torch.randn(1, 6, 31, requires_grad=True)
    frames = influence(backbone.decode(latent)[:, middle * hop : (middle + 1) * hop], latent)
    assert (frames[0], frames[-1]) == (middle - back, middle + ahead)


@pytest.mark.parametrize("lstm", [0, 2])
def test_causal_frames_never_look_ahead(lstm):
    """Frame t depends on nothing after its own last sample, and sample n on no frame after its own."""
    backbone = make_backbone(lstm=lstm, causal=True)
    wav = torch.randn(1, 20 * HOP, requires_grad=True)
    assert influence(backbone.encode(wav)[..., 9], wav)[-1] == 10 * HOP - 1
    latent = torch.randn(1, 6, 20, requires_grad=True)
    assert influence(backbone.decode(latent)[:, : 10 * HOP], latent)[-1] == 9
    assert backbone.latency == HOP


@pytest.mark.parametrize("causal", [False, True])
def test_the_lstm_depends_on_all_frames(causal):
    """On both sides when not causal, on the left when causal; the receptive field is stated as unlimited."""
    backbone = make_backbone(causal=causal)
    latent = torch.randn(1, 6, 12, requires_grad=True)
    frames = influence(backbone.encoder_recurrence(latent)[..., 6], latent)
    assert frames == list(range(7 if causal else 12))
    assert backbone.receptive_field is None


def test_items_keep_their_place_in_the_batch():
    """Grouping by length gives each item's result at its own position, zeros after its end."""
    backbone, wav = make_backbone(), torch.randn(4, 6 * HOP) * 0.3
    counts = torch.tensor([2, 6, 1, 2])
    mask = torch.arange(6) < counts[:, None]
    with torch.no_grad():
        latent = backbone.encode(wav, mask)
        decoded = backbone.decode(latent, mask)
        for index, count in enumerate(counts.tolist()):
            alone = backbone.encode(wav[index : index + 1, : count * HOP])
            assert torch.allclose(latent[index, :, :count], alone[0], atol=1e-5)
            assert torch.allclose(decoded[index, : count * HOP], backbone.decode(alone)[0], atol=1e-5)
            assert (latent[index, :, count:] == 0).all() and (decoded[index, count * HOP :] == 0).all()


@pytest.mark.parametrize("activation", ["ELU", "Snake"])
def test_the_papers_codec_can_be_built(activation):
    """Soft split, SEANet, LSTM: encodes, decodes and trains."""
    options = {"n_filters": 2, "activation": activation, "residual_layers": 3, "residual_kernel": 7, "dilation": 3}
    config = {
        "backbone": {"name": "seanet", "causal": True, **options},
        "split": {"name": "soft", "dim": 8},
        "quantizer": {"codebook_size": 16},
    }
    codec = DeCodec.from_config(config)
    wav = torch.randn(1, 1000) * 0.1
    latents = codec(wav, torch.tensor([10]), torch.tensor([6]))
    values = latents.quantized_speech.x, latents.quantized_background.x
    (codec.synthesize(codec.subspace.merge(*values)).square().sum()).backward()
    assert codec.eval().decode(codec.encode(wav)).shape == wav.shape
    assert codec.encode(wav).speech.shape == (1, 10, 4)


def test_mistakes_in_the_geometry_are_refused():
    """Strides that do not multiply to the hop; an odd dimension with a bidirectional LSTM."""
    with pytest.raises(ValueError, match="product of the strides"):
        SEANetBackbone(6, hop=300, n_filters=2)
    with pytest.raises(ValueError, match="even latent dimension"):
        SEANetBackbone(5, n_filters=2)
    SEANetBackbone(5, n_filters=2, causal=True)


def test_without_espnet_the_error_names_the_package(monkeypatch):
    """The module can be imported, the constructor raises."""
    monkeypatch.setitem(sys.modules, "espnet2.gan_codec.shared.encoder.seanet", None)
    with pytest.raises(ImportError, match="pip install espnet"):
        SEANetBackbone(6, n_filters=2)
