"""Which utterances meet in a batch."""

from collections import Counter

import numpy as np
import pytest

from espnet2_decodec.espnet.batch_sampler import WeightedBatchSampler

NAMES = [f"u{i}" for i in range(20)]
EVEN = np.full(20, 1 / 20)


def test_even_shares_bring_every_utterance_once_a_pass():
    batches = WeightedBatchSampler(NAMES, EVEN, 4).generate(3)
    assert len(batches) == 5 and all(len(batch) == 4 for batch in batches)
    assert sorted(name for batch in batches for name in batch) == sorted(NAMES)


def test_a_pass_depends_on_its_seed_alone():
    batches = WeightedBatchSampler(NAMES, EVEN, 4)
    assert batches.generate(1) == batches.generate(1) != batches.generate(2)


def test_shares_decide_how_often():
    shares = EVEN.copy()
    shares[0] *= 6
    batches = WeightedBatchSampler(NAMES, shares / shares.sum(), 4)
    count = Counter(name for seed in range(50) for batch in batches.generate(seed) for name in batch)
    assert 50 * 20 * 0.2 < count["u0"] < 50 * 20 * 0.28 and len(count) == 20


def test_ranks_share_out_each_batch():
    whole = WeightedBatchSampler(NAMES, EVEN, 4).generate(0)
    parts = [WeightedBatchSampler(NAMES, EVEN, 4, rank, 2).generate(0) for rank in range(2)]
    for batch, first, second in zip(whole, *parts):
        assert len(first) == len(second) == 2 and sorted(first + second) == sorted(batch)
    with pytest.raises(ValueError, match="multiple of the number of processes, 3"):
        WeightedBatchSampler(NAMES, EVEN, 4, 0, 3)


def test_a_corpus_smaller_than_a_batch_fills_it():
    batches = WeightedBatchSampler(NAMES[:3], np.full(3, 1 / 3), 8).generate(0)
    assert len(batches) == 1 and len(batches[0]) == 8
