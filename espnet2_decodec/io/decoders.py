"""Decoding of any audio file: libsndfile where it is exact, PyAV (FFmpeg) for MP3 and what libsndfile does not read."""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import soundfile

from espnet2_decodec.io.containers import Layout, flac
from espnet2_decodec.io.containers.headers import is_damaged_adx

_RELIABLE_DURATION = ("mov", "matroska", "tta", "wv", "ape", "caf", "aiff", "flv", "mpc", "tak")
"""Containers of FFmpeg that state the duration; for others it is estimated from the bit rate."""
_TOLERANCE = 0.25
"""Seconds by which a stated duration may exceed that of the samples; some count the delay of the encoder."""


class DecodingError(ValueError):
    """The file cannot be decoded; the message is a clause without full stop, which does not name the file."""


class DamagedError(DecodingError):
    """The file can be decoded in part."""


_CHECKSUMS = ("flac", "wavpack", "tta", "ape")
"""Codecs whose checksums FFmpeg compares only if asked to, and whose durations are exact."""

Block = tuple[int, np.ndarray]
"""Sample rate in Hz and samples [l, C] float32."""


class AudioStream:
    """Samples of an audio file from its first to its last one, without seeking.

    Args:
        path: a regular file.
        layout: of the file.

    Attributes:
        sample_rate: of the first recording in the file, in Hz.
        channels: of the first recording.
        frames: number of samples of each channel according to the headers, None where they do not state it.
        seconds: duration according to the headers, 0 if unknown.
        is_seekable: whether libsndfile reads the file from any position on.

    Raises:
        DecodingError: if no decoder reads the file.
    """

    def __init__(self, path: Path, layout: Layout):
        self.path, self.layout = path, layout
        self._whole = layout.parts == [(0, path.stat().st_size)]
        first = self._open(0)
        self.sample_rate, self.channels = first.sample_rate, first.channels
        self.frames = first.frames if self._whole else None
        self.seconds = first.seconds
        self.is_seekable = self._whole and isinstance(first, _Sndfile) and self.frames is not None
        first.close()

    def blocks(self, size: int) -> Iterator[Block]:
        """Yield blocks of at least one sample.

        Args:
            size: samples of each channel to read at a time from libsndfile; PyAV gives the frames of the file.

        Raises:
            DamagedError: if fewer samples can be read than the headers state, or a part cannot be decoded.
        """
        for index in range(len(self.layout.parts)):
            decoder = self._open(index)
            try:
                yield from decoder.blocks(size)
            finally:
                decoder.close()

    def _open(self, index: int) -> "_Sndfile | _FFmpeg":
        source = self.path if self._whole else _ByteRange(self.path, *self.layout.parts[index])
        if self.layout.needs_ffmpeg:
            return _FFmpeg(source)
        decoder, problem = None, ""
        try:
            decoder = _Sndfile(source)
        except (soundfile.LibsndfileError, TypeError, DecodingError) as error:
            problem = _message(error) or "its header is damaged"
        if decoder is not None and decoder.frames != 0:
            return decoder
        if isinstance(source, _ByteRange):
            source.seek(0)
        try:
            return _FFmpeg(source)  # also WAV whose header states no samples: FFmpeg reads them up to the end
        except DecodingError:
            if decoder is not None:
                return decoder
            raise DecodingError(problem) from None


class _Sndfile:
    """A file or a part of one, decoded by libsndfile."""

    def __init__(self, source: "Path | _ByteRange"):
        # soundfile encodes a str strictly, and fails for names in Latin-1
        self._file = _SequentialFile(os.fsencode(source) if isinstance(source, Path) else source)
        if self._file.subtype.startswith("MPEG"):  # libsndfile estimates its length
            self.close()
            raise DecodingError("MPEG audio in another container")
        self.sample_rate, self.channels = self._file.samplerate, self._file.channels
        self._header = _first_bytes(source, 42) if self._file.format == "FLAC" else b""
        unknown = self._file.frames >= 2**62
        self.frames = None if unknown else self._file.frames
        self.seconds = 0.0 if unknown else self._file.frames / self.sample_rate

    def blocks(self, size: int) -> Iterator[Block]:
        done, checksum = 0, flac.Checksum(self._header)
        while self.frames is None or done < self.frames:
            count = size if self.frames is None else min(size, self.frames - done)
            try:
                samples = self._file.read(count, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise DamagedError(_message(error) or "a part of it cannot be decoded") from None
            if not len(samples):
                break
            done += len(samples)
            checksum.update(samples)
            yield self.sample_rate, samples
        if self.frames is not None and done < self.frames:
            raise DamagedError(f"{done} of {self.frames} frames are there")
        if checksum.is_wrong():
            raise DamagedError("the MD5 sum in its header is not that of its samples")
        remark = _TRUNCATED.search(self._file.extra_info) if self._file.format not in _CHECKED_FORMATS else None
        if remark:
            raise DamagedError(f"libsndfile found: {remark[0].strip(' *.')}")

    def close(self) -> None:
        self._file.close()


_CHECKED_FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "SVX", "FLAC", "OGG")
"""Formats of libsndfile whose lengths `containers` compares."""
_TRUNCATED = re.compile(r"^.*(should be|truncated|short read).*$", re.MULTILINE)
"""Remarks about missing bytes in the log of libsndfile."""


class _SequentialFile(soundfile.SoundFile):
    """Reads without a seek after each block: libFLAC cannot seek in files whose length is unknown."""

    def seekable(self) -> bool:
        return False


class _FFmpeg:
    """A file or a part of one, decoded by PyAV: its first audio stream."""

    frames: int | None = None

    def __init__(self, source: "Path | _ByteRange"):
        if is_damaged_adx(_first_bytes(source, 2**16 + 4), source.suffix if isinstance(source, Path) else ""):
            raise DecodingError("its header is damaged")
        try:
            self._container = av.open(
                str(source) if isinstance(source, Path) else source, mode="r", metadata_errors="replace"
            )
        except (av.FFmpegError, OSError) as error:
            raise DecodingError(_message(error)) from None
        streams = self._container.streams.audio
        if not streams or streams[0].codec_context is None or not streams[0].codec_context.sample_rate:
            self.close()
            raise DecodingError("there is no audio stream in it that can be decoded")
        self._stream = streams[0]
        self._stream.codec_context.thread_count = 1
        self._is_checked = self._stream.codec_context.name in _CHECKSUMS
        self._is_mov = self._container.format.name.startswith("mov")
        if self._is_checked:
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        elif self._stream.codec_context.name == "alac":  # its last frame is short, which FFmpeg cuts in CAF once more
            self._stream.codec_context.options = {"flags2": "skip_manual"}
        self.sample_rate, self.channels = self._stream.codec_context.sample_rate, self._stream.codec_context.channels
        self.seconds = self._stated_seconds() or 0.0

    def blocks(self, size: int) -> Iterator[Block]:
        return self._without_padding(self._frames()) if self._is_mov else self._frames()

    def _without_padding(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield blocks without the samples by which the last one exceeds the duration: an encoder pads its frame."""
        done, last = 0, None
        for rate, samples in blocks:
            if last is not None:
                yield last
            done, last = done + len(samples), (rate, samples)
        if last is not None:
            rate, samples = last
            excess = done - round(self.seconds * rate)
            yield rate, samples[: len(samples) - excess] if 0 < excess < len(samples) else samples

    def _frames(self) -> Iterator[Block]:
        done = 0.0
        is_pcm = self._stream.codec_context.name.startswith(("pcm_", "adpcm_adx"))
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt and not is_pcm:
                    raise DamagedError("a part of it is missing")
                for frame in packet.decode():
                    if frame.samples:
                        done += frame.samples / frame.sample_rate
                        yield frame.sample_rate, _samples(frame)
        except (av.FFmpegError, OSError) as error:
            raise DamagedError(_message(error)) from None
        is_stated = self._is_checked or self._container.format.name.startswith(_RELIABLE_DURATION)
        tolerance = 0.5 / self.sample_rate if self._is_checked else _TOLERANCE
        if is_stated and done < self.seconds - tolerance:
            raise DamagedError(f"{done:.2f} of the {self.seconds:.2f} s in its header are there")

    def close(self) -> None:
        self._container.close()

    def _stated_seconds(self) -> float | None:
        """Return the duration of the stream; of the container if there is no other stream; None if unknown."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        stated = re.fullmatch(r"(\d+):(\d+):([\d.]+)", self._stream.metadata.get("DURATION", ""))
        if stated:
            return 3600 * int(stated[1]) + 60 * int(stated[2]) + float(stated[3])
        if self._container.duration is not None and len(self._container.streams) == 1 and not self._is_checked:
            return self._container.duration / av.time_base
        return None


class _ByteRange(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, path: Path, start: int, end: int):
        self._file, self._start, self._end = open(path, "rb"), start, end
        self._file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        view = memoryview(buffer).cast("B")
        return self._file.readinto(view[: max(0, self._end - self._file.tell())])

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (self._start, self._file.tell(), self._end)[whence]
        return self._file.seek(max(self._start, base + offset)) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start

    def close(self) -> None:
        self._file.close()
        super().close()


def _first_bytes(source: "Path | _ByteRange", count: int) -> bytes:
    """Return bytes from the start of a file or a part of one, whose position stays as it is."""
    if isinstance(source, Path):
        with open(source, "rb") as file:
            return file.read(count)
    position = source.tell()
    source.seek(0)
    try:
        return source.read(count) or b""
    finally:
        source.seek(position)


def _samples(frame: "av.AudioFrame") -> np.ndarray:
    """Return the samples [l, C] of a frame as float32, full scale at 1."""
    if frame.format.name in ("s64", "s64p"):  # NumPy arrays of PyAV have at most 32 bits
        (frame,) = av.AudioResampler(format="dblp").resample(frame)
    samples = frame.to_ndarray()
    samples = samples.T if frame.format.is_planar else samples.reshape(frame.samples, -1)
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return (samples / float(-np.iinfo(samples.dtype).min)).astype(np.float32)
    return samples.astype(np.float32)


def _message(error: Exception) -> str:
    """Return the message of a library without its prefix, the name of the file and the full stop."""
    message = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return message.removeprefix("Error : ").strip().rstrip(".")
