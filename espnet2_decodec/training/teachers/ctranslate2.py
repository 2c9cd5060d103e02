"""Reader of CTranslate2's ``model.bin``, without CTranslate2.

The file is little-endian: version, name and revision of the specification, the variables (name, shape, type,
bytes), then aliases, which this project does not need.
"""

import struct
from collections.abc import Callable

import torch
from torch import Tensor

TYPES = (torch.float32, torch.int8, torch.int16, torch.int32, torch.float16, torch.bfloat16)


class _Cursor:
    """A place in a buffer that moves on with every read."""

    def __init__(self, data: bytes):
        self.data, self.place = memoryview(data), 0

    def take(self, size: int) -> memoryview:
        part = self.data[self.place : self.place + size]
        if len(part) < size:
            raise ValueError("the CTranslate2 model is cut short: fetch it again, and give all of its parts in order")
        self.place += size
        return part

    def number(self, code: str) -> int:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def text(self) -> str:
        return bytes(self.take(self.number("H"))).rstrip(b"\0").decode()


def read_variables(data: bytes, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, Tensor]:
    """Read the variables of a model.

    Args:
        data: the whole content of ``model.bin``.
        wanted: tells by its name whether a variable is to be read; the others are skipped.

    Returns:
        Name -> tensor, in the type in which it is stored. Quantized weights come as they are, with their
        scales beside them.

    Raises:
        ValueError: if this is no CTranslate2 model of binary version 4 to 6, or it is cut short.
    """
    cursor = _Cursor(data)
    version = cursor.number("I")
    if not 4 <= version <= 6:
        raise ValueError(f"not a CTranslate2 model of binary version 4 to 6: its first number is {version}")
    cursor.text(), cursor.number("I")
    variables = {}
    for _ in range(cursor.number("I")):
        name = cursor.text()
        shape = [cursor.number("I") for _ in range(cursor.number("B"))]
        kind, size = cursor.number("B"), cursor.number("I")
        content = cursor.take(size)
        if not wanted(name):
            continue
        if kind >= len(TYPES):
            raise ValueError(f"variable {name!r} of the CTranslate2 model has the unknown type number {kind}")
        variables[name] = torch.frombuffer(bytearray(content), dtype=TYPES[kind]).reshape(shape)
    return variables
