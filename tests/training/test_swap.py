"""Targets of swap training are the true remixes."""

import torch

from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training.swap import Swap


def batch_of(size: int = 4) -> Batch:
    return Batch(torch.randn(size, 50), torch.randn(size, 50))


def test_targets_are_true_remixes_and_stems():
    batch = batch_of()
    swap = Swap.draw(4, torch.device("cpu"), keep_background_prob=0.0)
    mixed, speech, background = swap.target(batch).chunk(3)
    assert torch.equal(speech, batch.speech) and torch.equal(background, batch.background)
    for i, j in zip(range(4), swap.background[:4].tolist()):
        assert torch.equal(mixed[i], batch.speech[i] + batch.background[j])


def test_the_backgrounds_of_a_swap_are_all_used_and_kept_ones_are_their_own():
    swapped = Swap.draw(8, torch.device("cpu"), decode_stems=False, keep_background_prob=0.0)
    assert sorted(swapped.background.tolist()) == list(range(8)) and len(swapped.speech) == 8
    kept = Swap.draw(8, torch.device("cpu"), decode_stems=False, keep_background_prob=1.0)
    assert kept.background.tolist() == list(range(8))


def test_latents_are_combined_alike_with_zeros_for_silence():
    swap = Swap.draw(3, torch.device("cpu"))
    speech, background = swap.gather(torch.ones(3, 2, 5), torch.ones(3, 2, 5))
    assert speech.shape == (9, 2, 5)
    assert not background[3:6].any() and not speech[6:].any() and speech[:6].all()


def test_the_reference_rms_is_that_of_the_louder_mixture():
    batch = Batch(torch.tensor([[1.0, -1.0], [0.1, -0.1]]), torch.zeros(2, 2))
    swap = Swap(torch.tensor([1, 1]), torch.tensor([0, 2]))
    torch.testing.assert_close(swap.reference_rms(batch), torch.tensor([[1.0], [0.1]]))


def test_a_batch_of_one_can_only_keep_its_own():
    assert Swap.draw(1, torch.device("cpu"), keep_background_prob=0.0).background[0] == 0
