"""Random damage to the bytes and to the JSON fields of a file."""

import json
from collections.abc import Callable

import numpy as np

EXTREMES = (0, 1, *(value for bits in (8, 16, 32, 64) for value in (2 ** (bits - 1) - 1, 2 ** (bits - 1), 2**bits - 1)))
"""Values of fields of 1 to 8 bytes."""
JSON_EXTREMES = (
    -1, 0, 1, 3, 0.5, 10**6, 10**9, 2**63, 10**30, 1e308, -1e308, float("nan"), float("inf"),
    None, True, "", "x", "é" * 300, [], [1], [[]], {}, {"name": "x"},
)  # fmt: skip


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Change one to three places; half of them lie within the first 128 bytes, where headers are."""
    for _ in range(rng.integers(1, 4)):
        kind: Callable[[bytearray, int, np.random.Generator], None] = KINDS[rng.integers(len(KINDS))]
        changed = bytearray(data)
        limit = max(1, min(128, len(changed)) if rng.random() < 0.5 else len(changed))
        kind(changed, int(rng.integers(limit)), rng)
        data = bytes(changed)
    return data


def _flip(data: bytearray, at: int, rng: np.random.Generator) -> None:
    if at < len(data):
        data[at] ^= 1 << int(rng.integers(8))


def _truncate(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[at:]


def _zeros(data: bytearray, at: int, rng: np.random.Generator) -> None:
    count = min(len(data) - at, int(rng.integers(1, max(2, len(data) // 4))))
    data[at : at + count] = bytes(count)


def _insert(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at:at] = rng.bytes(int(rng.integers(1, 65)))


def _delete(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[at : at + int(rng.integers(1, 65))]


def _repeat(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at:at] = data[at : at + int(rng.integers(1, 2000))]


def _field(data: bytearray, at: int, rng: np.random.Generator) -> None:
    size, order = int(2 ** rng.integers(4)), ("little", "big")[rng.integers(2)]
    value = EXTREMES[rng.integers(len(EXTREMES))] % 2 ** (8 * size)
    if at + size <= len(data):
        data[at : at + size] = value.to_bytes(size, order)


KINDS = (_flip, _flip, _truncate, _zeros, _insert, _delete, _repeat, _field, _field)


def damage_json(text: str, rng: np.random.Generator) -> str:
    """Set one field, at any depth, to an extreme value, remove it, or add an unknown one."""
    content = json.loads(text)
    part, key = _choose(content, rng)
    action = rng.random()
    if action < 0.8:
        part[key] = JSON_EXTREMES[rng.integers(len(JSON_EXTREMES))]
    elif action < 0.9:
        del part[key]
    elif isinstance(part, dict):
        part["unknown"] = part.pop(key)
    return json.dumps(content)


def _choose(content: dict, rng: np.random.Generator) -> tuple[dict | list, str | int]:
    """Return a random container within nested JSON, and one of its keys; leaves are likelier than sections."""
    part: dict | list = content
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = keys[rng.integers(len(keys))]
        if not isinstance(part[key], (dict, list)) or not part[key] or rng.random() < 0.1:
            return part, key
        part = part[key]


def damage_safetensors(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage one field of the header, with the length of the header set accordingly."""
    size = int.from_bytes(data[:8], "little")
    header = damage_json(data[8 : 8 + size].decode(), rng).encode()
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def damage_npy(data: bytes, rng: np.random.Generator) -> bytes:
    """Set the shape or the type in the header to another one, with the same length of the header."""
    size = int.from_bytes(data[8:10], "little")
    shapes = ["0, 5", "1, 5", "5,", "", "1000000000, 5", f"{10**18}, 5", "-1, 5", "1.5, 5", "2, 3, 4"]
    types = ["<i2", "<i8", ">i2", "<f4", "<f8", "|b1", "|O", "<U9", "<M8[s]", "V20", "<i3", "", "<c16", "|i1", "<u8"]
    header = (
        f"{{'descr': '{types[rng.integers(len(types))]}', 'fortran_order': {bool(rng.integers(2))}, "
        f"'shape': ({shapes[rng.integers(len(shapes))]}), }}"
    )
    return data[:10] + header.ljust(size - 1).encode()[: size - 1] + b"\n" + data[10 + size :]
