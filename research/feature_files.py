"""Features of the recordings of a bank, frame by frame: NAME.KIND as float16, and NAME.tsv as for the audio."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from research.tokens.audio_bank import AudioBank


def write_features(
    folder: Path,
    name: str,
    kinds: Sequence[str],
    rows: Sequence[Sequence[str]],
    results: Iterable[Sequence[np.ndarray]],
    every: int,
) -> int:
    """Write the features of all recordings.

    Args:
        folder: is made if it does not exist.
        name: of the bank.
        kinds: names of the features.
        rows: of each recording, the fields after start and length; see `AudioBank`.
        results: of each recording, the features [T, C] of each kind.
        every: recordings between two lines of progress.

    Returns:
        Number of frames.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [(folder / f"{name}.{kind}").open("wb") for kind in kinds]
    start, lines = 0, []
    for row, arrays in zip(rows, results):
        for file, array in zip(files, arrays):
            file.write(array.astype(np.float16).tobytes())
        lines.append("\t".join([str(start), str(len(arrays[0])), *row]) + "\n")
        start += len(arrays[0])
        if len(lines) % every == 0:
            print(f"{len(lines)} of {len(rows)} recordings", flush=True)
    for file in files:
        file.close()
    (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")
    print(f"{name}: {start / 3000:.1f} min of {len(lines)} recordings")
    return start


class FrameBank(AudioBank):
    """Features of `write_features`, drawn as `AudioBank` draws samples.

    Attributes:
        values: kind -> [T, C] of all recordings.

    Args:
        folder: of the features.
        name: of the bank.
        sizes: kind -> C.
        weights: source -> factor of its probability.
    """

    def __init__(
        self, folder: str | Path, name: str, sizes: Mapping[str, int], weights: dict[str, float] | None = None
    ):
        lines = (Path(folder) / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        self._index([line.split("\t") for line in lines], weights)
        self.values = {
            kind: np.memmap(Path(folder) / f"{name}.{kind}", np.float16, "r").reshape(-1, size)
            for kind, size in sizes.items()
        }

    def draw_segments(
        self,
        key: tuple[str, str],
        frames: int,
        random: np.random.Generator,
        avoid: Sequence[tuple[int, int]] = (),
    ) -> list[tuple[int, int]]:
        """Ranges of frames of one label, `frames` in total, of other recordings than those of `avoid` if there are."""
        taken, segments, missing = {start for start, _ in avoid}, [], frames
        while missing > 0:
            for _ in range(20):
                i = self.draw_recording(key, random)
                first, size = int(self.starts[i]), int(self.lengths[i])
                if not any(first <= start < first + size for start in taken):
                    break
            begin = first + int(random.integers(max(size - missing, 0) + 1))
            end = min(begin + missing, first + size)
            segments.append((begin, end))
            missing -= end - begin
        return segments

    def read(self, kind: str, segments: list[tuple[int, int]]) -> Tensor:
        """Features [T, C] of ranges of frames, float32."""
        return torch.from_numpy(np.concatenate([self.values[kind][a:b] for a, b in segments]).astype(np.float32))
