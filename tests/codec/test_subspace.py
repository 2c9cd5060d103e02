"""The two subspaces are orthogonal and complete for any weights."""

import copy

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.subspace import OrthogonalSplit, SoftSplit

SIZES = [(8, 8), (5, 3), (128, 128)]


def make_split(speech_dim: int = 6, background_dim: int = 4, seed: int = 0) -> OrthogonalSplit:
    """A split with random weights."""
    torch.manual_seed(seed)
    return OrthogonalSplit(speech_dim, background_dim)


def misfit(split: OrthogonalSplit) -> float:
    """Largest deviation of Q'Q from I."""
    with torch.no_grad():
        matrix = split.matrix()
    assert matrix.dtype == torch.float32
    with torch.autocast("cpu", enabled=False):
        return (matrix.T @ matrix - torch.eye(len(matrix))).abs().max().item()


def train(split: OrthogonalSplit, steps: int = 5, lr: float = 1.0) -> None:
    """Large optimizer steps on an arbitrary loss."""
    optimizer = torch.optim.Adam(split.parameters(), lr=lr)
    latent = torch.randn(2, sum(split.dims), 7)
    for _ in range(steps):
        speech, background = split.split(latent)
        loss = split.merge(speech.tanh(), background * 2).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("sizes", SIZES)
def test_orthogonal_at_the_start(sizes):
    """Q'Q = I with fresh weights."""
    assert misfit(make_split(*sizes)) < 1e-5


@pytest.mark.parametrize("sizes", SIZES)
def test_orthogonal_after_large_optimizer_steps(sizes):
    """Q'Q = I after steps that move the weights far, and the steps do move Q."""
    split = make_split(*sizes)
    before = split.matrix().detach()
    train(split)
    assert not torch.allclose(split.matrix(), before, atol=1e-2)
    assert misfit(split) < 1e-5


def test_orthogonal_for_huge_weights():
    """Q'Q = I even for weights that no training reaches."""
    split = make_split(16, 16)
    with torch.no_grad():
        split.weight.mul_(30)
    assert misfit(split) < 1e-5


def test_every_weight_above_the_diagonal_gets_a_gradient():
    """The whole rotation between the subspaces is trained."""
    split = make_split()
    speech, background = split.split(torch.randn(1, 10, 9))
    (speech.square().sum() - background.square().sum()).backward()
    assert (split.weight.grad.triu(1)[:6, 6:] != 0).all()


def test_orthogonal_after_loading():
    """The same Q from a loaded state_dict, and it is orthogonal."""
    split, other = make_split(seed=1), make_split(seed=2)
    train(split)
    other.load_state_dict(split.state_dict())
    assert misfit(other) < 1e-5
    assert torch.equal(other.matrix(), split.matrix())


def test_orthogonal_after_averaging_checkpoints():
    """The mean of two sets of weights still gives an orthogonal Q."""
    one, two, mean = make_split(seed=1), make_split(seed=2), make_split(seed=3)
    mean.load_state_dict({k: (v + two.state_dict()[k]) / 2 for k, v in one.state_dict().items()})
    assert misfit(mean) < 1e-5


def test_orthogonal_under_autocast():
    """Under bf16 autocast Q and both maps are computed in float32."""
    split = make_split(16, 16)
    latent = torch.randn(2, 32, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert misfit(split) < 1e-5
        parts = split.split(latent.bfloat16())
        merged = split.merge(*parts)
    assert parts[0].dtype == merged.dtype == torch.float32
    assert torch.allclose(merged, latent.bfloat16().float(), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_orthogonal_after_half_precision_storage(dtype):
    """Rounding the weights to half precision and back leaves Q orthogonal."""
    split = make_split(16, 16).to(dtype)
    assert misfit(split) < 1e-5
    assert misfit(split.float()) < 1e-5


@pytest.mark.parametrize("sizes", SIZES)
def test_projections_are_complementary(sizes):
    """P_s and P_b are projections, P_s P_b = 0 and P_s + P_b = I."""
    split = make_split(*sizes)
    eye = torch.eye(sum(sizes))
    with torch.no_grad():
        speech, background = split.split(eye[None])
        p_s = split.merge(speech, torch.zeros_like(background))[0]
        p_b = split.merge(torch.zeros_like(speech), background)[0]
    for product, expected in ((p_s @ p_b, 0 * eye), (p_s @ p_s, p_s), (p_b @ p_b, p_b), (p_s + p_b, eye)):
        assert torch.allclose(product, expected, atol=1e-5)
    assert torch.linalg.matrix_rank(p_s) == sizes[0]


def test_split_then_merge_is_the_identity():
    """Splitting is lossless."""
    split, latent = make_split(), torch.randn(3, 10, 11)
    speech, background = split.split(latent)
    assert speech.shape == (3, 6, 11) and background.shape == (3, 4, 11)
    assert torch.allclose(split.merge(speech, background), latent, atol=1e-5)


def test_each_part_stays_in_its_subspace():
    """A merged speech part has no component in the background's subspace, and the other way round."""
    split = make_split()
    speech, background = torch.randn(2, 6, 5), torch.randn(2, 4, 5)
    with torch.no_grad():
        back_s, leak_b = split.split(split.merge(speech, torch.zeros_like(background)))
        leak_s, back_b = split.split(split.merge(torch.zeros_like(speech), background))
    assert leak_b.abs().max() < 1e-5 and leak_s.abs().max() < 1e-5
    assert torch.allclose(back_s, speech, atol=1e-5) and torch.allclose(back_b, background, atol=1e-5)


def test_decoded_codes_stay_in_their_subspace():
    """The speech codes of a whole codec have no component in the background's subspace."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(TINY).eval()
    codes = codec.encode(torch.randn(1, 3200) * 0.1)
    silent = torch.zeros(1, codec.background_quantizer.dim, 10)
    with torch.no_grad():
        latent = codec.subspace.merge(codec.speech_quantizer.decode(codes.speech), silent)
        assert latent.abs().max() > 0.1
        assert codec.subspace.split(latent)[1].abs().max() < 1e-5


@pytest.mark.parametrize(
    "change",
    [
        lambda split: split.weight.data.mul_(2),
        lambda split: split.load_state_dict({"weight": split.weight * 2}),
        lambda split: split.load_state_dict({"weight": split.weight * 2}, assign=True),
        lambda split: split.half().float(),
    ],
    ids=["data", "load", "assign", "half"],
)
def test_the_matrix_follows_every_change_of_the_weights(change):
    """The cached Q of eval mode is never outdated."""
    split = make_split().eval()
    with torch.no_grad():
        split.matrix()
        change(split)
        assert torch.equal(split.matrix(), copy.deepcopy(split).train().matrix())


def test_usable_from_inference_mode():
    """Built and used inside inference_mode, then used outside of it."""
    with torch.inference_mode():
        split = make_split().eval()
        inside = split.matrix()
    with torch.no_grad():
        assert torch.equal(split.matrix(), inside)


def test_a_matrix_from_inference_mode_does_not_block_gradients():
    """After use in inference_mode, gradients flow through the split again."""
    split, latent = make_split().eval(), torch.randn(1, 10, 3)
    with torch.inference_mode():
        split.split(latent)
    latent.requires_grad_()
    split.split(latent)[0].sum().backward()
    assert latent.grad.abs().sum() > 0


def test_soft_split_is_penalized_for_overlap():
    """The paper's split: equal maps have a penalty of 1, orthogonal ones of 0."""
    split, latent = SoftSplit(4), torch.randn(2, 4, 6)
    with torch.no_grad():
        split.speech.weight.copy_(torch.eye(4))
        split.background.weight.copy_(torch.eye(4))
    parts = split.split(latent)
    assert torch.allclose(split.penalty(*parts), torch.tensor(1.0), atol=1e-4)
    with torch.no_grad():
        split.speech.weight.copy_(torch.diag(torch.tensor([1.0, 1, 0, 0])))
        split.background.weight.copy_(torch.diag(torch.tensor([0.0, 0, 1, 1])))
    parts = split.split(latent)
    assert split.penalty(*parts) < 1e-6
    assert torch.allclose(split.merge(*parts), latent, atol=1e-6)


def test_soft_split_of_silence_has_a_finite_gradient():
    """All-zero latents give no NaN through the cosine."""
    split = SoftSplit(4)
    split.penalty(*split.split(torch.zeros(1, 4, 3))).backward()
    assert split.speech.weight.grad.isfinite().all()
