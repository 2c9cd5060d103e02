"""Flow matching: straight paths and their integration."""

import torch

from espnet2_decodec.voice.flow_matching import TimeEmbedding, interpolate, sample


def pair(seed=0):
    """Data and noise [2, 5, 3]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 5, 3, generator=generator), torch.randn(2, 5, 3, generator=generator)


def test_a_path_leads_from_the_noise_to_the_data_at_constant_velocity():
    data, noise = pair()
    for time, expected in ((0.0, noise), (1.0, data), (0.25, 0.75 * noise + 0.25 * data)):
        x, velocity = interpolate(data, noise, torch.full((2,), time))
        assert torch.allclose(x, expected) and torch.allclose(velocity, data - noise)


def test_a_constant_velocity_is_integrated_exactly_in_one_step():
    data, noise = pair()
    assert torch.allclose(sample(lambda x, time: data - noise, noise, 1), data, atol=1e-6)


def test_the_midpoint_method_converges_with_the_square_of_the_step():
    """x' = x from 1 gives e; twice the steps leave a quarter of the error."""
    start = torch.ones(1, 1, 1, dtype=torch.float64)
    errors = [abs(float(sample(lambda x, time: x, start, steps)) - torch.e) for steps in (8, 16, 32)]
    assert 3.5 < errors[0] / errors[1] < 4.5 and 3.5 < errors[1] / errors[2] < 4.5


def test_times_of_each_step():
    """Each step is evaluated at its start and its middle."""
    times = []
    sample(lambda x, time: times.append(float(time[0])) or 0 * x, torch.zeros(1, 1, 1), 2)
    assert times == [0.0, 0.25, 0.5, 0.75]


def test_embeddings_of_different_times_differ():
    torch.manual_seed(0)
    embedded = TimeEmbedding(8)(torch.tensor([0.0, 0.001, 0.5, 1.0]))
    assert embedded.shape == (4, 8) and torch.cdist(embedded, embedded)[~torch.eye(4, dtype=bool)].min() > 1e-4
