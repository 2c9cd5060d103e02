"""From the id of an utterance to the sounds of one training item; they are mixed per batch (see collate)."""

from zlib import crc32

import numpy as np
import torch

from espnet2_decodec.data.augment import change_speed
from espnet2_decodec.data.sampler import Random, Recordings

STEMS = ("audio", "speech", "background")


class StemPreprocessor:
    """What ESPnet's dataset calls on every item.

    In training: a segment of clean speech at a random speed, and `backgrounds` segments of background to choose
    from. Items that bring their stems along are only cropped, all at the same place. In validation: the middle
    `valid_length` samples of what was read, filled up with zeros.

    The randomness of an item comes from NumPy's global generator, which ESPnet seeds by epoch and worker, and
    from the item's id. So a run can be repeated and resumed, and the ranks of a distributed run draw differently.

    Args:
        train: whether for training.
        speech: where speech that is too short is filled up from.
        background: where backgrounds are drawn from; None leaves made noises only.
        segment_length: samples of a training item; None keeps its own length.
        valid_length: samples of a validation item; None keeps its own length.
        backgrounds: M.
        speeds: range; speed, pitch and voice change together.

    Raises:
        ValueError: if a length or M is below 1.
    """

    def __init__(
        self,
        train: bool,
        speech: Recordings | None = None,
        background: Recordings | None = None,
        segment_length: int | None = 16000,
        valid_length: int | None = 48000,
        backgrounds: int = 3,
        speeds: tuple[float, float] = (0.88, 1.14),
    ):
        if any(number is not None and number < 1 for number in (segment_length, valid_length, backgrounds)):
            raise ValueError("segment_length, valid_length and backgrounds must be 1 or more.")
        self.train, self.speech, self.background = train, speech, background
        self.segment_length, self.valid_length = segment_length, valid_length
        self.backgrounds, self.speeds = backgrounds, speeds

    @property
    def length(self) -> int | None:
        """Samples of every item; None where items keep their own."""
        return self.segment_length if self.train else self.valid_length

    def __repr__(self) -> str:
        return f"StemPreprocessor({self.length} samples, speech={self.speech}, background={self.background})"

    def __call__(self, uid: str, data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """{"audio": [L] or [L, C], ...} -> {"audio": [L'], "backgrounds": [M, L']}, or the stems that came, [L'].

        Raises:
            ValueError: if stems that came along differ in length.
        """
        stems = {name: _mono(data[name]) for name in STEMS if name in data}
        lengths = {len(samples) for samples in stems.values()}
        if len(lengths) > 1:
            raise ValueError(f"The stems of {uid} must be of one length, not {sorted(lengths)} samples.")
        if not self.train:
            return _crop(stems, self.length, 0.5)
        random = np.random.default_rng([np.random.randint(2**31), crc32(uid.encode())])
        if len(stems) > 1:
            return _crop(stems, self.length, random.random())
        speech = self._speech(uid, stems["audio"], random)
        return {"audio": speech, "backgrounds": self._backgrounds(len(speech), random)}

    def _speech(self, uid: str, samples: np.ndarray, random: Random) -> np.ndarray:
        """[L] of the utterance and, where it is short, of others of the same speaker, at a random speed."""
        length = self.length or len(samples)
        wanted = max(64, int(length * random.uniform(*self.speeds)) // 64 * 64)
        if self.speech is None:
            segment = _crop({"audio": samples}, wanted, random.random())["audio"]
        else:
            segment = self.speech.segment(uid, wanted, random, samples)
        return change_speed(torch.from_numpy(segment)[None], length)[0].numpy()

    def _backgrounds(self, length: int, random: Random) -> np.ndarray:
        """[M, L]; silence, which mixing replaces by made noise, where there are no recordings."""
        if self.background is None:
            return np.zeros((1, length), np.float32)
        names = [self.background.draw(random) for _ in range(self.backgrounds)]
        return np.stack([self.background.segment(name, length, random) for name in names])


def _mono(samples: np.ndarray) -> np.ndarray:
    """[L] or [L, C] -> [L] float32, channels averaged."""
    return (samples if samples.ndim == 1 else samples.mean(1)).astype(np.float32)


def _crop(stems: dict[str, np.ndarray], length: int | None, place: float) -> dict[str, np.ndarray]:
    """The same `length` samples of all stems, at `place` (0 start, 1 end), zeros after a shorter one."""
    have = len(next(iter(stems.values())))
    length = length or have
    start = int(max(0, have - length) * place)
    missing = max(0, length - have)
    return {name: np.pad(samples[start : start + length], (0, missing)) for name, samples in stems.items()}
