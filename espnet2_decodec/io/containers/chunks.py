"""Formats whose header states the number of bytes: WAV, RIFX, RF64, W64, AIFF, 8SVX, AVI, AU, NIST, CAF, MP4, MPEG-TS.

Programs that write to a pipe, where the length is unknown, state 0, -1 or a number near 2 or 4 GB, which is ignored.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO, Literal

from espnet2_decodec.io.containers.layout import MAX_TRAILING_BYTES, Layout, missing_bytes, trailing_bytes

_ByteOrder = Literal["little", "big"]
_RIFF: dict[bytes, _ByteOrder] = {b"RIFF": "little", b"RF64": "little", b"BW64": "little", b"RIFX": "big"}


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a file of one of these formats, None for others.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    head = file.read(16)
    if head[:4] in _RIFF and head[8:12] in (b"WAVE", b"AVI "):
        return _joined_riff(file, size)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC", b"8SVX", b"16SV"):
        end = _end(_chunks(file, 12, "big"), (b"SSND", b"BODY"), size)
        if end <= size:
            form_end = max(end, 8 + int.from_bytes(head[4:8], "big"))
            problem = _uncounted(file, 0, "big", size) or trailing_bytes(file, form_end, size)
            return Layout([(0, size if head[8:11] == b"AIF" else end)], problem)
    elif head[:4] == b"riff" and head[4:8] == bytes.fromhex("2e91cf11"):
        end = _end(_w64_chunks(file), (b"data",), size)
    elif head[:4] == b"caff":
        end = _end(_caf_chunks(file), (b"data",), size)
        return Layout([(0, size)], missing_bytes(end, size) or trailing_bytes(file, _caf_end(file, size), size))
    elif head[:4] in (b".snd", b"dns."):
        order: _ByteOrder = "big" if head[:1] == b"." else "little"
        start, length = int.from_bytes(head[4:8], order), int.from_bytes(head[8:12], order)
        end = start + length if length and not _is_unknown(length) else size
    elif head[:7] == b"NIST_1A":
        end = _nist_bytes(file) or size
    elif head[4:8] == b"ftyp":
        end = max((start + length for _, start, length in _mp4_boxes(file)), default=size)
        return Layout([(0, size)], missing_bytes(end, size) or _second_movie(file))
    elif head[:1] == b"G" and _read_at(file, 188, 1) == _read_at(file, 376, 1) == b"G":
        return Layout([(0, size)], missing_bytes(size + -size % 188, size))  # packets of MPEG-TS
    else:
        return None
    # libsndfile takes all bytes after the start of the samples for samples
    return Layout([(0, min(end, size))], missing_bytes(end, size) or trailing_bytes(file, end, size))


def _read_at(file: BinaryIO, position: int, count: int) -> bytes:
    """Return up to `count` bytes; none for positions beyond the end, which a damaged header may give."""
    if position >= os.fstat(file.fileno()).st_size:
        return b""
    file.seek(position)
    return file.read(count)


def _is_unknown(length: int) -> bool:
    """Return whether a length of 32 bits stands for an unknown one: SoX states 0x7F000000 or 0x7FFFF000, others -1."""
    return 0x7F000000 <= length <= 0x80001000 or length >= 0xFF000000


def _joined_riff(file: BinaryIO, size: int) -> Layout:
    """Return the layout of one or several WAV or AVI files, one after another; long AVI files have extensions."""
    start = 0
    parts: list[tuple[int, int]] = []
    while True:
        head = _read_at(file, start, 12)
        order = _RIFF[head[:4]]
        length = int.from_bytes(head[4:8], order)
        long = _read_at(file, start + 12, 16)
        if length == 0xFFFFFFFF and long[:4] == b"ds64":
            length = int.from_bytes(long[8:], order)
        end = start + 8 + length + length % 2
        following = _read_at(file, end, 12)
        joined = following[:4] in _RIFF and following[8:] in (b"WAVE", b"AVI ", b"AVIX") and end > start + 12
        first = parts.pop()[0] if head[8:12] == b"AVIX" else start
        parts.append((first, end if joined else size))
        if head[8:11] == b"AVI":
            problem = missing_bytes(start + 8 + length, size) if length and not _is_unknown(length) else ""
        else:
            problem = _wav_problem(file, start, order, parts[-1][1])
        if problem or not joined:
            return Layout(parts, problem)
        start = end


def _wav_problem(file: BinaryIO, start: int, order: _ByteOrder, end: int) -> str:
    """Return the problem of one WAV file in a range of bytes: fewer or more samples than in its header."""
    long_length = 0
    data_end, data_length = end, 0
    for name, position, length in _chunks(file, start + 12, order):
        if name == b"ds64":
            long_length = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"data" and not data_length:
            if length == 0xFFFFFFFF and long_length:
                length = long_length
            elif not length or _is_unknown(length):
                return ""
            if position + length > end:
                return missing_bytes(position + length, end)
            data_end, data_length = position + length + length % 2, length
        elif data_length and name.isascii() and name.decode().isprintable() and position + length <= end:
            data_end = position + length + length % 2
    uncounted = end - data_end
    if data_length and uncounted > max(MAX_TRAILING_BYTES, data_length // 100):
        return f"{uncounted} bytes follow the samples that its header counts"
    return _uncounted(file, start, order, end)


def _uncounted(file: BinaryIO, start: int, order: _ByteOrder, end: int) -> str:
    """Return the problem of bytes within a RIFF or IFF form that are neither chunks nor zeros.

    Args:
        file: any position.
        start: of the form.
        order: of its lengths.
        end: of the file, or of the part of it that is looked at.
    """
    length = int.from_bytes(_read_at(file, start + 4, 4), order)
    if not length or _is_unknown(length):
        return ""
    position, file_end, end = start + 12, end, min(end, start + 8 + length)
    for name, at, count in _chunks(file, start + 12, order):
        is_name = name.isascii() and name.decode().isprintable()
        if is_name and end < at + count <= file_end:
            return ""  # the length of the form is too small, which no program minds
        if not is_name or at + count > end:
            break
        position = at + count + count % 2
    for shift in (-1, 0, 1):  # some programs leave out the byte after a chunk of odd length, or add a tag of ID3
        name = _read_at(file, position + shift, 4)
        if name.replace(b" ", b"_").replace(b"_", b"a").isalnum() or name[:3] in (b"ID3", b"TAG"):
            return ""
    if end - position <= 8 or not _read_at(file, position, MAX_TRAILING_BYTES)[: end - position].strip(b"\0"):
        return ""
    return f"{end - position} bytes in it belong to no chunk, so the length of its samples is wrong"


def _end(chunks: Iterator[tuple[bytes, int, int]], names: tuple[bytes, ...], size: int) -> int:
    """Return the position after the chunk of the samples, `size` if its length is not known."""
    for name, start, length in chunks:
        if name in names:
            unknown = length <= 0 or length >= 2**62 or (name != b"data" and _is_unknown(length))
            return size if unknown else start + length
    return size


def _chunks(file: BinaryIO, position: int, order: _ByteOrder) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, position and length of the chunks of RIFF or IFF, with the file at the position."""
    while True:
        head = _read_at(file, position, 8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], order)
        yield head[:4], position + 8, length
        position += 8 + length + length % 2


def _w64_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the first four bytes of the name, position and length of each chunk; stated lengths include 24 bytes."""
    position = 40
    while True:
        head = _read_at(file, position, 24)
        length = int.from_bytes(head[16:], "little", signed=True) - 24
        if len(head) < 24:
            return
        yield head[:4], position + 24, length
        if not 0 <= length < 2**62:
            return
        position += 24 + length + -length % 8


def _caf_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    position = 8
    while True:
        head = _read_at(file, position, 12)
        length = int.from_bytes(head[4:], "big", signed=True)
        if len(head) < 12:
            return
        yield head[:4], position + 12, length
        if not 0 <= length < 2**62:
            return
        position += 12 + length


def _caf_end(file: BinaryIO, size: int) -> int:
    """Return the position after the last chunk, `size` if its length is not known."""
    end = 8
    for name, start, length in _caf_chunks(file):
        if name == b"data" and length < 0:
            return size
        if name == b"caff" or not 0 <= length <= size - start:  # another file, or other data
            return start - 12
        end = start + length
    return end


def _second_movie(file: BinaryIO) -> str:
    """Return the problem of two joined MP4 files, of which decoders read the first: each has a movie box."""
    movies = [start for name, start, _ in _mp4_boxes(file) if name == b"moov"]
    return (
        f"another recording follows before byte {movies[1]}, which has to be split off to be read" if movies[1:] else ""
    )


def _mp4_boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    position = 0
    while True:
        head = _read_at(file, position, 16)
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:], "big") if length == 1 else length
        if len(head) < 8 or length < 8:  # a length of 0 means up to the end of the file
            return
        yield head[4:8], position, length
        position += length


def _nist_bytes(file: BinaryIO) -> int:
    """Return the length of a NIST SPHERE file according to its header, 0 if it is compressed or this is unknown."""
    file.seek(8)
    first = file.read(8).split()
    header = int(first[0]) if first and first[0].isdigit() else 1024
    file.seek(0)
    fields = {}
    for line in file.read(header).decode("latin-1").splitlines():
        name, _, value = line.partition(" -")
        fields[name] = value.partition(" ")[2].strip()
    if "embedded" in fields.get("sample_coding", ""):
        return 0
    try:
        length = int(fields["sample_count"]) * int(fields["channel_count"]) * int(fields["sample_n_bytes"])
        return header + length if length else 0
    except (KeyError, ValueError):
        return 0
