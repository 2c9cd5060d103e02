"""Samples of any duration in a temporary file, for signals that are needed more than once."""

import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType

import numpy as np
import torch
from torch import Tensor

BLOCK_SAMPLES = 2**16


class SampleSpool:
    """Context manager that keeps samples in a temporary file, 4 bytes each, and gives them again in blocks.

    Args:
        blocks: samples [l], which are all read by the constructor.

    Attributes:
        samples: L, their number.
        power: their mean square; 0 without samples.
    """

    def __init__(self, blocks: Iterable[Tensor]):
        self.samples, energy = 0, 0.0
        self._file = tempfile.TemporaryFile()
        try:
            for block in blocks:
                wav = block.detach().cpu().float().numpy()
                self._file.write(wav.tobytes())
                self.samples += len(wav)
                energy += float(np.square(wav, dtype=np.float64).sum())
        except BaseException:
            self._file.close()
            raise
        self.power = energy / max(self.samples, 1)

    def __iter__(self) -> Iterator[Tensor]:
        """Yield blocks of samples [l], l >= 1, float32, from the first one on."""
        position = 0
        while True:
            self._file.seek(position)
            data = self._file.read(4 * BLOCK_SAMPLES)
            if not data:
                return
            position += len(data)
            yield torch.from_numpy(np.frombuffer(data, np.float32).copy())

    def __enter__(self) -> "SampleSpool":
        """Return the spool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete the file."""
        self._file.close()
