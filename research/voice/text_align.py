"""Forced alignment of phones and tokens by a hidden Markov model that is counted on synthetic speech."""

import numpy as np

from espnet2_decodec.data.normalize import PUNCTUATION
from espnet2_decodec.voice.text_phones import PHONE_IDS, PHONES, SILENCE, SPACE
from research.voice.text_bank import DURATION_UNITS, Utterance

OPTIONAL = np.array([phone == SPACE or phone in PUNCTUATION for phone in PHONES])
"""Whether a symbol may take no time."""
PAUSE_FRAMES = 5
"""A space of as many frames becomes a comma and a space."""
SMOOTHING = 0.02


def emission_table(utterances: list[Utterance], codes: int = 1024) -> np.ndarray:
    """Log probability [len(PHONES), N] of a token given its phone. A space may be silence as well."""
    counts = np.zeros((len(PHONES), codes))
    for row in utterances:
        ends = np.cumsum(row.durations.astype(np.int64))
        centres = DURATION_UNITS * np.arange(len(row.tokens)) + DURATION_UNITS // 2
        inside = np.minimum(np.searchsorted(ends, centres, side="right"), len(row.phones) - 1)
        np.add.at(counts, (row.phones[inside], row.tokens), 1)
    prior = (counts.sum(0) + 1) / (counts.sum() + codes)
    table = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    silence, space = PHONE_IDS[SILENCE], PHONE_IDS[SPACE]
    for index in np.flatnonzero(OPTIONAL):
        table[index] = 0.5 * (table[index] + table[silence])
    unseen = counts.sum(1) == 0
    table[unseen] = table[space]
    return np.log((1 - SMOOTHING) * table + SMOOTHING * prior)


def align(phones: np.ndarray, tokens: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, float]:
    """Viterbi alignment.

    Args:
        phones: [M], which begins and ends with silence.
        tokens: [T].
        table: from `emission_table`.

    Returns:
        Durations [M] in frames, and the mean log probability of a frame.

    Raises:
        ValueError: if there are fewer frames than phones that take time.
    """
    optional = OPTIONAL[phones]
    if len(tokens) < (~optional).sum():
        raise ValueError(f"{len(tokens)} frames are too few for {len(phones)} phones.")
    emission = table[phones[:, None], tokens[None]].T  # [T, M]
    score = np.full(len(phones), -np.inf)
    score[0] = emission[0, 0]
    steps = np.zeros((len(tokens), len(phones)), np.int8)
    may_skip = [np.ones(len(phones), bool), np.ones(len(phones), bool)]
    may_skip += [np.concatenate([[False] * 2, optional[1:-1]])]
    may_skip += [np.concatenate([[False] * 3, (optional[1:] & optional[:-1])[1:-1]])] if len(phones) > 3 else []
    for t in range(1, len(tokens)):
        choices = np.stack([
            np.where(allowed, np.concatenate([np.full(step, -np.inf), score[: len(score) - step]]), -np.inf)
            for step, allowed in enumerate(may_skip)
        ])  # fmt: skip
        steps[t] = choices.argmax(0)
        score = choices.max(0) + emission[t]
    position = len(phones) - 1
    durations = np.zeros(len(phones), np.int64)
    for t in range(len(tokens) - 1, -1, -1):
        durations[position] += 1
        position -= int(steps[t, position])
    return durations, float(score[-1] / len(tokens))


def mark_pauses(phones: np.ndarray, durations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Long spaces, where a reader paused, become a comma and a space: phones [M], durations [M] -> [M'], [M']."""
    comma, space = PHONE_IDS[","], PHONE_IDS[SPACE]
    pairs: list[tuple[int, int]] = []
    for phone, duration in zip(phones.tolist(), durations.tolist()):
        follows_mark = bool(pairs) and PHONES[pairs[-1][0]] in PUNCTUATION
        if phone == space and duration >= PAUSE_FRAMES and not follows_mark:
            pairs += [(comma, duration - 1), (space, 1)]
        else:
            pairs.append((phone, duration))
    return np.array([p for p, _ in pairs], np.uint8), np.array([d for _, d in pairs])
