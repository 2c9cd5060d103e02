import argparse

import numpy as np
import pytest
import torch

from espnet2_decodec.voice.text_phones import PHONE_IDS, PHONES
from research import training
from research.tokens import checkpoint
from research.voice import train_text
from research.voice.text_align import align, emission_table, mark_pauses
from research.voice.text_bank import DURATION_UNITS, Utterance, read_bank, write_bank
from research.voice.text_batches import UtteranceSampler, WordSampler, is_learnable
from research.voice.text_templates import template_sentences

LEXICON = {f"{a}{b}{c}": ["B", "AE1", "T"] for a in "bcdf" for b in "aeiou" for c in "lmnt"}
FIRST = PHONE_IDS["B"]


def utterance(random, style="synthetic", phones=12):
    """Phone p has tokens 4 p to 4 p + 3 for two to five frames."""
    inner = random.integers(FIRST, FIRST + 20, size=phones)
    inner = inner[np.diff(inner, prepend=0) != 0]
    ids = np.concatenate([[1], inner, [1]]).astype(np.uint8)
    frames = random.integers(2, 6, size=len(ids))
    tokens = 4 * np.repeat(ids.astype(np.int64), frames) + random.integers(4, size=frames.sum())
    features = np.eye(64, dtype=np.float16)[tokens % 64]
    return Utterance(
        ids, (DURATION_UNITS * frames).astype(np.uint16), tokens.astype(np.uint16), features, style, "a", "text."
    )


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    return [utterance(random) for _ in range(60)]


def test_bank_is_read_as_written(rows, tmp_path):
    write_bank(tmp_path, "bank", rows)
    for row, found in zip(rows, read_bank(tmp_path, "bank"), strict=True):
        assert found[4:] == row[4:]
        assert all(np.array_equal(a, b) for a, b in zip(row[:4], found[:4]))


def test_alignment_finds_the_durations(rows):
    table = emission_table(rows[10:], codes=4 * len(PHONES))
    for row in [*rows[:10], utterance(np.random.default_rng(1), phones=200)]:
        durations, _ = align(row.phones, row.tokens, table)
        assert np.array_equal(DURATION_UNITS * durations, row.durations)


def test_alignment_skips_spaces_without_frames(rows):
    table = emission_table(rows, codes=4 * len(PHONES))
    row = rows[0]
    phones = np.insert(row.phones, 2, [PHONE_IDS[","], PHONE_IDS[" "]])
    durations, _ = align(phones, row.tokens, table)
    assert np.array_equal(DURATION_UNITS * np.delete(durations, [2, 3]), row.durations)
    with pytest.raises(ValueError, match="too few"):
        align(row.phones, row.tokens[:3], table)


def test_long_spaces_become_pauses():
    space, comma = PHONE_IDS[" "], PHONE_IDS[","]
    phones, durations = mark_pauses(np.array([1, 9, space, 10, comma, space, 1]), np.array([3, 2, 8, 2, 4, 9, 1]))
    assert phones.tolist() == [1, 9, comma, space, 10, comma, space, 1]
    assert durations.tolist() == [3, 2, 7, 1, 2, 4, 9, 1]


def test_batches_stay_within_the_frames_and_follow_the_shares(rows):
    random = np.random.default_rng(0)
    rows += [row._replace(style="native") for row in rows[:5]]
    sampler = UtteranceSampler(rows, {"synthetic": 0.5, "native": 0.5}, frames=200)
    batches = [sampler.draw(random) for _ in range(100)]
    assert max(batch.tokens.numel() for batch in batches) <= 200
    assert 30 < sum(int(batch.style[0]) for batch in batches) < 70
    for batch in batches:
        assert torch.equal(batch.durations.sum(1).long(), batch.lengths)
    with pytest.raises(ValueError, match="no utterances of the style loud"):
        UtteranceSampler(rows, {"loud": 1.0}, frames=200)


def test_words_that_ctc_cannot_learn_are_left_out():
    assert is_learnable("box", ["B", "AA1", "K", "S"])
    assert not is_learnable("w", ["D", "AH1", "B"])
    assert not is_learnable("ab", ["T", "T", "T", "T"])
    assert len(WordSampler(LEXICON).words) == len(LEXICON)


def test_sentences_of_templates_are_complete():
    sentences = list(template_sentences(50, np.random.default_rng(0)))
    assert all(sentence[-1] in ".?!" and "{" not in sentence for sentence in sentences)


@pytest.fixture
def settings():
    small = {"channels": 16, "phone_blocks": 1, "duration_blocks": 1, "frame_blocks": 1, "style_dim": 4}
    g2p = {"channels": 8, "blocks": 1}
    return train_text.Settings(
        model=small, g2p=g2p, styles={"synthetic": 1.0}, frames=300, words=4, warmup_steps=5, lr=5e-3
    )


def test_training_lowers_the_losses_and_resumes_exactly(rows, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(train_text, "lexicon", lambda: LEXICON)
    args = argparse.Namespace(out=tmp_path, steps=30, every=10.0)

    def run(steps, resume):
        trainer = train_text.Trainer(settings, "decodec-16k-semantic", rows[:4])
        if resume:
            assert training.resume(trainer, tmp_path)
        sampler, words = UtteranceSampler(rows, settings.styles, settings.frames), WordSampler(LEXICON)
        args.steps = steps
        draw = lambda: (sampler.draw(trainer.random), words.draw(settings.words, trainer.random))  # noqa: E731
        first = train_text.utterance_losses(trainer.text.eval(), train_text.collate(rows[:8], ["synthetic"]))
        assert training.run(trainer, draw, args) == 0
        last = train_text.utterance_losses(trainer.text.eval(), train_text.collate(rows[:8], ["synthetic"]))
        return first, last, trainer.text.state_dict()

    first, last, whole = run(30, False)
    assert last["tokens"] < first["tokens"] - 1
    assert last["features"] < first["features"]
    assert last["duration"] < first["duration"]
    for path in tmp_path.glob("checkpoint*"):
        path.unlink()
    run(12, False)
    assert checkpoint.exists(tmp_path)
    _, _, resumed = run(30, True)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
