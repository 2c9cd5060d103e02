"""Training items and batches for ESPnet: segments of speech and backgrounds, mixed per batch."""

from collections.abc import Collection
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from espnet2_decodec.data.augment import change_speed
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.data.rooms import RoomResponses
from espnet2_decodec.data.segment_sampler import SegmentSampler
from espnet2_decodec.io.audio import check_samples

STEMS = ("audio", "speech", "background")


class StemPreprocessor:
    """Preprocessor of ESPnet's dataset, called on every item.

    In training: a segment of clean speech at a random speed, and `num_backgrounds` segments of background to choose
    from. Items that have their stems already are only cropped, all at the same position. In validation: the middle
    `valid_length` samples, padded with zeros.

    The randomness of an item comes from NumPy's global generator, which ESPnet seeds by epoch and worker, and
    from the item's id. So a run can be repeated and resumed, and the ranks of a distributed run draw differently.

    Args:
        train: whether for training.
        speech: recordings that extend speech that is too short.
        background: source of backgrounds; None leaves synthetic noise only.
        segment_length: samples of a training item; None keeps its own length.
        valid_length: samples of a validation item; None keeps its own length.
        num_backgrounds: M.
        speed_range: speed, pitch and voice change together.
        rooms: room impulse responses for the speech.
        rir_prob: share of the items whose speech is reverberated by one of them.

    Raises:
        ValueError: if a length or M is below 1, a speed is not above 0, or rir_prob is no probability.
    """

    def __init__(
        self,
        train: bool,
        speech: SegmentSampler | None = None,
        background: SegmentSampler | None = None,
        segment_length: int | None = 16000,
        valid_length: int | None = 48000,
        num_backgrounds: int = 3,
        speed_range: tuple[float, float] = (0.88, 1.14),
        rooms: RoomResponses | None = None,
        rir_prob: float = 0.3,
    ):
        if any(number is not None and number < 1 for number in (segment_length, valid_length, num_backgrounds)):
            raise ValueError("segment_length, valid_length and num_backgrounds must be 1 or more.")
        if speed_range[0] <= 0:
            raise ValueError(f"speed_range must be above 0, not {speed_range}.")
        if not 0 <= rir_prob <= 1:
            raise ValueError(f"rir_prob is a probability within 0..1, not {rir_prob:g}.")
        self.rooms, self.rir_prob = rooms, rir_prob
        self.train, self.speech, self.background = train, speech, background
        self.segment_length, self.valid_length = segment_length, valid_length
        self.num_backgrounds, self.speed_range = num_backgrounds, speed_range

    @property
    def length(self) -> int | None:
        """Samples of every item; None where items keep their own."""
        return self.segment_length if self.train else self.valid_length

    def __repr__(self) -> str:
        return f"StemPreprocessor({self.length} samples, speech={self.speech}, background={self.background})"

    def __call__(self, uid: str, data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """{"audio": [L] or [L, C], ...} -> {"audio": [L'], "backgrounds": [M, L']}, or the given stems, [L'].

        Raises:
            ValueError: if given stems differ in length, or samples are not finite or far beyond full scale.
        """
        stems = {name: _mono(data[name]) for name in STEMS if name in data}
        for name, samples in stems.items():
            check_samples(name, samples, 16000)
        lengths = {len(samples) for samples in stems.values()}
        if len(lengths) > 1:
            raise ValueError(f"The stems of {uid} must be of one length, not {sorted(lengths)} samples.")
        if not self.train:
            return _crop(stems, self.length, 0.5)
        rng = np.random.default_rng([np.random.randint(2**31), crc32(uid.encode())])
        if len(stems) > 1:
            return _crop(stems, self.length, rng.random())
        speech = self._speech(uid, stems["audio"], rng)
        return {"audio": speech, "backgrounds": self._backgrounds(len(speech), rng)}

    def training_item(self, name: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """{"audio": [L'], "backgrounds": [M, L']} of a recording that the speech sampler reads by itself.

        Args:
            name: of the recording in the speech sampler.
            rng: source of all randomness.
        """
        speech = self._speech(name, None, rng)
        return {"audio": speech, "backgrounds": self._backgrounds(len(speech), rng)}

    def _speech(self, uid: Any, samples: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """[L] of the utterance and, where it is short, others of its speaker, at a random speed, maybe in a room."""
        length = self.length or (16000 if samples is None else len(samples))
        source_length = max(64, int(length * rng.uniform(*self.speed_range)) // 64 * 64)
        if self.speech is None and samples is not None:
            segment = _crop({"audio": samples}, source_length, rng.random())["audio"]
        else:
            assert self.speech is not None, "recordings are read by a sampler or given"
            segment = self.speech.segment(uid, source_length, rng, samples)
        wav = change_speed(torch.from_numpy(segment)[None], length)[0].numpy()
        if self.rooms is not None and rng.random() < self.rir_prob:
            wav = self.rooms.reverberate(wav, rng)
        return wav

    def _backgrounds(self, length: int, rng: np.random.Generator) -> np.ndarray:
        """[M, L]; silence, which mixing replaces by synthetic noise, where there are no recordings."""
        if self.background is None:
            return np.zeros((1, length), np.float32)
        names = [self.background.draw(rng) for _ in range(self.num_backgrounds)]
        return np.stack([self.background.segment(name, length, rng) for name in names])


class MixingCollate:
    """Mixes the training items of `StemPreprocessor`, where the voices of a batch can be babble; stacks all else.

    Args:
        mixing: the mixing.
    """

    def __init__(self, mixing: Mixing):
        self.mixing = mixing

    def __repr__(self) -> str:
        return f"MixingCollate({self.mixing})"

    def __call__(self, data: Collection[tuple[str, dict[str, np.ndarray]]]) -> tuple[list[str], dict[str, Tensor]]:
        """Items -> ids, and {"audio", "speech", "background": [B, L], and "..._lengths": [B]}."""
        names, items = [name for name, _ in data], [item for _, item in data]
        columns = {key: [torch.from_numpy(item[key]) for item in items] for key in items[0]}
        lengths = torch.tensor([len(samples) for samples in columns["audio"]])
        if "backgrounds" in columns:
            generator = _batch_generator(names)
            batch = self.mixing(torch.stack(columns["audio"]), torch.stack(columns["backgrounds"]), generator)
            tensors = {"audio": batch.mixture, "speech": batch.speech, "background": batch.background}
        else:
            tensors = {key: pad_sequence(column, batch_first=True) for key, column in columns.items()}
        return names, tensors | {f"{key}_lengths": lengths for key in tensors}


def _batch_generator(names: list[str]) -> Generator:
    """Seeded as the randomness of the preprocessor: by epoch and worker, and by the items of the batch."""
    rng = np.random.default_rng([np.random.randint(2**31), crc32(" ".join(names).encode())])
    return Generator().manual_seed(int(rng.integers(2**63 - 1)))


def _mono(samples: np.ndarray) -> np.ndarray:
    """[L] or [L, C] -> [L] float32, channels averaged."""
    return (samples if samples.ndim == 1 else samples.mean(1)).astype(np.float32)


def _crop(stems: dict[str, np.ndarray], length: int | None, position: float) -> dict[str, np.ndarray]:
    """The same `length` samples of all stems, at `position` (0 start, 1 end), zeros after a shorter one."""
    available = len(next(iter(stems.values())))
    length = length or available
    start = int(max(0, available - length) * position)
    missing = max(0, length - available)
    return {name: np.pad(samples[start : start + length], (0, missing)) for name, samples in stems.items()}
