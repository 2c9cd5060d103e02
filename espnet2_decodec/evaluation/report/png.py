"""PNG pictures with a palette, without a library."""

import struct
import zlib

import numpy as np


def encode(image: np.ndarray, palette: np.ndarray) -> bytes:
    """A PNG file; the same input gives the same bytes.

    Args:
        image: [H, W] uint8, indices into the palette, first row on top.
        palette: [N, 3] uint8 sRGB, N <= 256.

    Raises:
        ValueError: if the picture has no pixels, or points beyond the palette.
    """
    if image.ndim != 2 or not image.size:
        raise ValueError(f"A picture is [H, W] with pixels in it, not {image.shape}.")
    if image.max() >= len(palette):
        raise ValueError(f"Index {image.max()} is beyond the {len(palette)} colours of the palette.")
    height, width = image.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), image.astype(np.uint8)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Length, kind, data, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
