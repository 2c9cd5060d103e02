"""Tokens packed to as many bits as they need."""

import numpy as np


def pack(tokens: np.ndarray, bits: int) -> bytes:
    """Tokens of any shape, in C order, each in 0..2**bits - 1 -> bytes, the last one filled up with zeros.

    Raises:
        ValueError: if a token does not fit.
    """
    flat = np.asarray(tokens, dtype=np.int64).reshape(-1, 1)
    if flat.size and not 0 <= flat.min() <= flat.max() < 1 << bits:
        raise ValueError(f"A token is outside 0..{(1 << bits) - 1}, which is all that {bits} bits can hold.")
    return np.packbits(((flat >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)).tobytes()


def unpack(data: bytes, count: int, bits: int) -> np.ndarray:
    """The first `count` tokens of what `pack` made: [count] int64."""
    ones = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits).reshape(count, bits)
    return ones.astype(np.int64) @ (1 << np.arange(bits - 1, -1, -1))


def size(count: int, bits: int) -> int:
    """Bytes that `count` tokens take."""
    return -(-count * bits // 8)
