"""Reverberation of training speech by measured or simulated room impulse responses."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.data.kaldi import read_optional_table, read_table
from espnet2_decodec.io.audio import read


class RoomResponses:
    """Room impulse responses of a wav.scp; rooms, the names in utt2spk, are drawn with equal probability.

    Args:
        scp: path of the wav.scp.
        sample_rate: Hz of the speech; responses of other rates are converted.

    Raises:
        ValueError: if a table cannot be read, or the tables do not agree.
    """

    def __init__(self, scp: str | Path, sample_rate: int = 16000):
        self.scp, self.sample_rate = Path(scp), sample_rate
        self.paths = read_table(scp)
        rooms = read_optional_table(self.scp.parent / "utt2spk")
        if rooms:
            rooms.require(self.paths)
        members: dict[str, list[str]] = {}
        for name, path in self.paths.items():
            members.setdefault(rooms.get(name, name), []).append(path)
        self.rooms = list(members.values())

    def __repr__(self) -> str:
        return f"RoomResponses({len(self.paths)} of {len(self.rooms)} rooms in {self.scp})"

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """A random response [N] float32; its first sample, the direct sound, is 1.

        Raises:
            ValueError: if its file cannot be read, or begins with silence.
        """
        room = self.rooms[rng.integers(len(self.rooms))]
        return _response(room[rng.integers(len(room))], self.sample_rate)

    def reverberate(self, wav: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Speech [L] in a random room, [L] float32, aligned with the dry speech."""
        dry, response = torch.from_numpy(wav).double(), torch.from_numpy(self.draw(rng)).double()
        size = len(dry) + len(response) - 1
        wet = torch.fft.irfft(torch.fft.rfft(dry, n=size) * torch.fft.rfft(response, n=size), n=size)
        return wet[: len(dry)].float().numpy()

    def reverberate_some(self, wavs: Tensor, probability: float, rng: np.random.Generator) -> Tensor:
        """Each of the recordings [B, L] with this probability in a random room."""
        chosen = np.flatnonzero(rng.random(len(wavs)) < probability)
        wet = wavs.clone()
        for index in chosen:
            wet[index] = torch.from_numpy(self.reverberate(wavs[index].cpu().numpy(), rng)).to(wavs)
        return wet


@lru_cache(maxsize=1024)
def _response(path: str, sample_rate: int) -> np.ndarray:
    """Read a response and scale it to a direct sound of 1."""
    response = read(path, sample_rate).numpy()
    peak = np.abs(response).max()
    if not peak or abs(response[0]) < 0.5 * peak:
        raise ValueError(
            f"{path} does not begin with the direct sound: prepare room impulse responses with local/data.sh."
        )
    return response / response[0]
