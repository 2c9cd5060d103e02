"""Features are computed once per recording and stay the same."""

import pytest
import torch

from espnet2_decodec.espnet.feature_cache import FeatureCache

HOP = 10


class Encoder:
    """Features that depend on a recording alone, and a count of recordings that were asked for."""

    def __init__(self):
        self.count = 0

    def __call__(self, wav, lengths):
        self.count += len(wav)
        wav = wav * (torch.arange(wav.shape[1]) < lengths[:, None])
        wav = torch.nn.functional.pad(wav, (0, -wav.shape[1] % HOP))
        return torch.stack(
            [wav.unflatten(1, (-1, HOP)).transpose(1, 2), 1 + wav.unflatten(1, (-1, HOP)).transpose(1, 2)]
        )


@pytest.fixture
def batch():
    lengths = torch.tensor([100, 45, 73])
    return torch.randn(3, 100), lengths, -(-lengths // HOP)


def test_features_are_made_once_and_stay_the_same(batch):
    wav, lengths, frames = batch
    cache, encoder = FeatureCache(10**6), Encoder()
    first = cache(encoder, wav, lengths, frames)
    valid = torch.arange(10) < frames[:, None]
    assert torch.equal(first, Encoder()(wav, lengths) * valid[:, None]) and encoder.count == len(cache) == 3
    order = torch.tensor([2, 1])
    again = cache(encoder, wav[order] + 0 * wav[order], lengths[order], frames[order])
    assert encoder.count == 3 and torch.equal(again, first[:, order, :, :8])
    wav[1, 0] += 1
    changed = cache(encoder, wav, lengths, frames)
    assert (
        encoder.count == 4 and torch.equal(changed[:, 0], first[:, 0]) and not torch.equal(changed[:, 1], first[:, 1])
    )


def test_what_lies_beyond_a_recording_makes_no_other_of_it(batch):
    wav, lengths, frames = batch
    cache, encoder = FeatureCache(10**6), Encoder()
    first = cache(encoder, wav, lengths, frames)
    wav[1, 45:] = 7
    assert torch.equal(cache(encoder, wav, lengths, frames), first) and encoder.count == 3


def test_a_full_memory_keeps_what_it_has_and_forgets_the_rest(batch):
    wav, lengths, frames = batch
    cache, encoder = FeatureCache(4 * 2 * HOP * 10), Encoder()
    first = cache(encoder, wav, lengths, frames)
    assert len(cache) == 1 and cache.size == cache.limit
    assert torch.equal(cache(encoder, wav, lengths, frames), first) and encoder.count == 5
