"""The recognizer of research/tokens finds phones in inputs that hold them, and only there."""

import numpy as np
import torch

from research.tokens.recognizer import SYMBOLS, Example, phone_error_rate, train


def examples(count: int, random: np.random.Generator) -> list[Example]:
    """Phones of 4 frames each; `phones` shows them, `noise` does not."""
    found = []
    for number in range(count):
        classes = random.permutation(6)[:5] + 1
        frames = torch.eye(7)[torch.from_numpy(classes).repeat_interleave(4)] * 3
        noise = torch.from_numpy(random.standard_normal(frames.shape)).float()
        found.append(Example({"phones": frames, "noise": noise, "log-mel": frames}, classes.tolist(), str(number)))
    return found


def test_phones_are_recognized_where_the_input_has_them():
    random = np.random.default_rng(0)
    seen, unseen = examples(400, random), examples(40, random)
    assert phone_error_rate(train(seen, "phones", 12), unseen, "phones") < 10
    assert phone_error_rate(train(seen, "noise", 2), unseen, "noise") > 60
    assert len(SYMBOLS) == 39
