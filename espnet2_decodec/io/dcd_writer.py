"""Writing .dcd files; for their layout see `dcd` and `header`."""

import zlib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.io import bits
from espnet2_decodec.io.header import SIZE, Header
from espnet2_decodec.types import Codes


class Writer:
    """Writes one recording, in a `with` statement; the file appears under its name when all went well.

    Args:
        path: of the file.
        header: from `header_for`; its length does not matter.
    """

    def __init__(self, path: str | Path, header: Header):
        self.path, self.header = Path(path), header
        self._length = self._crc = 0
        self._tokens = np.zeros((0, header.speech_levels + header.background_levels), np.int64)
        self._power = np.zeros((0, 2))

    def __enter__(self) -> "Writer":
        """Open a temporary file."""
        self._stack = ExitStack()
        self._file = self._stack.enter_context(open(self._stack.enter_context(atomic_write(self.path)), "wb"))
        self._file.write(bytes(SIZE))
        return self

    def write(self, codes: Codes, speech: Tensor | None = None, background: Tensor | None = None) -> None:
        """The next block of tokens, of batch 1 and any number of frames.

        Args:
            codes: a stream may have no levels here: it is absent from these frames.
            speech, background: [T] power of each frame of the stream relative to what is worth its bits; None for
                any power. A stream is left out of a block of the file whose frames have less than 1 on average.

        Raises:
            ValueError: if the codes do not fit the header, follow a block that ended within a frame, or a
                stream without levels shares a block of the file with tokens of it.
        """
        header, frames = self.header, codes.speech.shape[2]
        if self._length % header.hop:
            raise ValueError("Only the last block of a recording may end within a frame.")
        if len(codes.lengths) != 1 or frames != -(-int(codes.lengths[0]) // header.hop):
            raise ValueError("A block of codes is of one recording, with as many frames as its length needs.")
        columns, powers = [], []
        for name, tokens, power in (
            ("speech", codes.speech, speech),
            ("background", codes.background, background),
        ):
            levels = getattr(header, f"{name}_levels")
            if tokens.shape[1] not in (0, levels):
                raise ValueError(f"The codes have {tokens.shape[1]} {name} levels, the file has {levels}.")
            power = np.full(frames, np.inf) if power is None else power.cpu().numpy()
            powers.append(power if tokens.shape[1] else np.zeros(frames))
            table = tokens[0].T.cpu().numpy() if tokens.shape[1] else np.full((frames, levels), -1)
            columns.append(table)
        self._length += int(codes.lengths[0])
        self._tokens = np.concatenate([self._tokens, np.concatenate(columns, axis=1)])
        self._power = np.concatenate([self._power, np.stack(powers, axis=1)])
        while len(self._tokens) >= header.block_frames:
            self._put(header.block_frames)

    def _put(self, frames: int) -> None:
        """Write the first frames that are waiting as one block."""
        tokens, present = self._tokens[:frames], self._power[:frames].mean(axis=0) >= 1
        self._tokens, self._power = self._tokens[frames:], self._power[frames:]
        speech, background = np.split(tokens, [self.header.speech_levels], axis=1)
        kept = np.concatenate(
            [part for part, there in zip((speech, background), present) if there] or [tokens[:, :0]], 1
        )
        if (kept < 0).any():
            raise ValueError(f"A stream can only be absent from whole blocks of {self.header.block_frames} frames.")
        block = bytes([int(present[0]) + 2 * int(present[1])]) + bits.pack(kept, self.header.bits)
        self._crc = zlib.crc32(block, self._crc)
        self._file.write(block)

    def __exit__(self, kind, error, trace) -> bool | None:
        """Finish the file, or remove all traces of it after an error."""
        try:
            if kind is None:
                self._finish()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        return self._stack.__exit__(kind, error, trace)

    def _finish(self) -> None:
        if not self._length:
            raise ValueError(f"{self.path} was not written: there are no tokens.")
        if len(self._tokens):
            self._put(len(self._tokens))
        header = replace(self.header, length=self._length).pack()
        self._file.write(zlib.crc32(header, self._crc).to_bytes(4, "little"))
        self._file.seek(0)
        self._file.write(header)
