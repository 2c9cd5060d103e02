"""Pieces of recordings of one voice for the semantic encoder."""

import numpy as np
import pytest

from research.tokens.audio_bank import AudioBank
from research.tokens.prepare_semantic import LONGEST, SHORTEST, joined, pieces

SECOND = 16000


@pytest.fixture
def bank(tmp_path):
    """Two voices, of 3, 4, 5 and 50 s, and of 2 s and 1 sample more."""
    random, start, lines = np.random.default_rng(0), 0, []
    lengths = [
        ("one", 3 * SECOND),
        ("one", 4 * SECOND),
        ("one", 5 * SECOND),
        ("one", 50 * SECOND),
        ("other", 2 * SECOND + 1),
    ]
    samples = random.normal(0, 3000, sum(size for _, size in lengths)).astype(np.int16)
    for number, (label, size) in enumerate(lengths):
        lines.append(f"{start}\t{size}\t{label}\tcorpus\t\t{number}.wav\n")
        start += size
    (tmp_path / "speech_train.int16").write_bytes(samples.tobytes())
    (tmp_path / "speech_train.tsv").write_text("".join(lines))
    return AudioBank(tmp_path, "speech_train")


def test_every_sample_is_in_one_piece_of_its_voice(bank):
    seen = [np.zeros(size, int) for size in bank.lengths]
    for piece in pieces(bank):
        assert len({bank.rows[i][2] for i, _, _ in piece}) == 1
        assert sum(end - first for _, first, end in piece) < SHORTEST + LONGEST
        for i, first, end in piece:
            seen[i][first:end] += 1
    assert all((count == 1).all() for count in seen)


def test_a_piece_has_whole_frames_and_recordings_of_one_level(bank):
    first, *_, last = pieces(bank)
    assert len(joined(bank, first)) == 12 * SECOND
    wav = joined(bank, last)
    assert len(wav) == 2 * SECOND + 320 and not wav[2 * SECOND + 1 :].any()
    powers = [float(part.square().mean()) for part in joined(bank, first).split(SECOND)]
    assert max(powers) < 1.1 * min(powers)
