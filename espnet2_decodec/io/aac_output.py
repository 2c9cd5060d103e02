"""M4A files: AAC, encoded by FFmpeg through PyAV, with a header that states the exact number of samples."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from espnet2_decodec.io.sound_output import CheckedFile

BIT_RATE = 64000
"""Of the AAC stream in bit/s, transparent for mono at 16 kHz."""


class AacOutput:
    """A mono M4A file for writing, with the interface of `SoundOutput`.

    Args:
        path: the file.
        sample_rate: in Hz.
        comment: for the metadata.

    Raises:
        ValueError: if AAC has no such sample rate.
        OSError: if the file cannot be created.
    """

    def __init__(self, path: Path, sample_rate: int, comment: str):
        self._file = CheckedFile(path)
        # Edit lists count in the time scale of the movie, whose default of 1 ms would round the duration.
        self._container = av.open(
            self._file, "w", format="ipod", container_options={"movie_timescale": str(sample_rate)}
        )
        try:
            self._stream = self._container.add_stream("aac", rate=sample_rate, layout="mono", bit_rate=BIT_RATE)
            self._stream.codec_context.open()
        except (av.FFmpegError, ValueError):
            self._file.close()
            raise ValueError(f"AAC has no sample rate of {sample_rate} Hz; write another format.") from None
        self._container.metadata["comment"] = comment
        self._fifo, self._size = av.AudioFifo(), self._stream.codec_context.frame_size
        self._rate, self._samples, self._closed = sample_rate, 0, False

    def write(self, wav: np.ndarray) -> None:
        """Append samples [l].

        Raises:
            OSError: if they cannot be written, as the disk is full.
        """
        if not len(wav):
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wav, np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._samples, Fraction(1, self._rate)
        self._samples += len(wav)
        self._fifo.write(frame)
        while (block := self._fifo.read(self._size)) is not None:
            self._container.mux(self._stream.encode(block))
            self._file.check()

    def close(self) -> None:
        """Finish the file; it may be called again.

        Raises:
            OSError: if the rest of it cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._samples:
                rest = self._fifo.read(0, partial=True)
                if rest is not None:
                    self._container.mux(self._stream.encode(rest))
                self._container.mux(self._stream.encode(None))
            self._container.close()
        finally:
            self._file.close()
        self._file.check()
