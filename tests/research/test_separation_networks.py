"""The networks that are compared for the separation, and their training, on tiny ones."""

from pathlib import Path

import pytest
import torch

from espnet2_decodec.data.mixing import Batch
from research.separation import compare
from research.separation.compare import Settings, Trainer, cpu_seconds, read_settings
from research.separation.networks import NETWORKS, SeparationNetwork
from research.tokens import checkpoint

TINY = {"channels": 4, "blocks": 1, "encoder_blocks": 1, "decoder_blocks": 1}
CONFIG = Path(compare.__file__).with_name("compare.yaml")


@pytest.fixture(params=sorted(NETWORKS))
def name(request) -> str:
    """Of a network."""
    return request.param


def network(name: str) -> SeparationNetwork:
    """A tiny one."""
    torch.manual_seed(0)
    return SeparationNetwork(name, **TINY)


def batch(count: int = 2) -> Batch:
    """Pulses in noise, 0.4 s."""
    time = torch.arange(6400) / 16000
    pulses = ((time * 150) % 1 < 0.05).float() * (time * 9).sin().square()
    noise = torch.randn(count, 6400, generator=torch.Generator().manual_seed(1))
    return Batch(0.3 * pulses.expand(count, -1), 0.05 * noise)


def test_untrained_it_passes_half_of_the_mixture_exactly_as_long(name):
    mixture = batch().mixture
    stems = network(name).separate(mixture)
    assert stems.shape == (2, 2, 6400)
    assert torch.allclose(stems[:, 0], 0.5 * mixture, atol=1e-4) and torch.allclose(stems.sum(1), mixture, atol=1e-4)


def test_a_batch_is_separated_as_its_items(name):
    net, mixture = network(name), batch(3).mixture * torch.tensor([[1.0], [0.1], [0.5]])
    with torch.no_grad():
        for weight in net.trained_parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
        together = net.separate(mixture)
        alone = torch.cat([net.separate(item[None]) for item in mixture])
    assert (together[:, 0] - 0.5 * mixture).abs().max() > 1e-3
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("name", ["deep_filter", "recurrent"])
def test_one_stage_has_the_input_normalization_of_the_backbone(name):
    """A fixed gain of the whole mixture, or of each bin, leaves half of the inputs or more as they were."""
    net, spectrum = network(name), torch.randn(1, 30, 481, dtype=torch.cfloat)
    captured = []
    net.single_stage._embed = lambda features: captured.append(features) or torch.zeros(1, 30, 35, 4)
    colored = spectrum * torch.linspace(20, 0.5, 481)
    for mixture in (100 * spectrum, 200 * spectrum, 100 * colored):
        net(mixture)
    one, louder, other = captured
    assert one.shape == (1, 30, 6, 480)
    assert torch.allclose(one, louder, atol=1e-2)
    same = [torch.allclose(one[:, :, i], other[:, :, i], atol=1e-2) for i in range(6)]
    assert same == [False] * 3 + [True] * 3


def test_the_forward_recurrent_network_has_little_look_ahead():
    """The first frame of the output of a block that differs when frame 100 of its input does."""
    first = {}
    for name in ("recurrent", "recurrent_forward"):
        block, x = network(name).single_stage.blocks[0], torch.randn(1, 120, 3, 4)
        other = x.clone()
        other[:, 100] = torch.randn(3, 4)
        with torch.no_grad():
            first[name] = int((block(x, None) != block(other, None)).flatten(2).any(2)[0].nonzero()[0])
    assert first["recurrent"] < 95 and first["recurrent_forward"] == 97


def test_training_lowers_the_loss_and_leaves_the_rest_of_the_backbone(name):
    trainer = Trainer(Settings(network={"name": name, **TINY}, lr=1e-2, warmup_steps=1))
    decoder = [weight.clone() for weight in trainer.network.backbone.decoder.parameters()]
    losses = [trainer.train_step(batch())["snr"] for _ in range(20)]
    assert losses[-1] < losses[0] - 0.01
    assert all(torch.equal(*pair) for pair in zip(decoder, trainer.network.backbone.decoder.parameters()))


def test_a_training_resumes_exactly(name, tmp_path):
    settings = Settings(network={"name": name, **TINY}, warmup_steps=1)
    one = Trainer(settings)
    one.train_step(batch())
    checkpoint.save(tmp_path, one.state())
    other = Trainer(settings)
    other.load_state(checkpoint.load(tmp_path))
    assert one.train_step(batch()) == other.train_step(batch())


def test_settings_of_all_networks_and_of_one():
    found = {name: read_settings(CONFIG, name) for name in NETWORKS}
    assert {settings.minutes for settings in found.values()} == {found["mask"].minutes}
    assert all(settings.network == {"name": name} for name, settings in found.items())
    assert found["mask"].lr > found["recurrent"].lr
    other = read_settings(CONFIG, "mask", minutes=2 * found["mask"].minutes, lr=1.0)
    assert other.decay_minutes == 2 * found["mask"].decay_minutes and other.lr == 1.0


def test_the_cost_is_of_a_second_of_audio():
    assert 0 < cpu_seconds(network("recurrent"), seconds=0.2, repeats=2) < 5
