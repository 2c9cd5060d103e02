"""Reader of CTranslate2's ``model.bin``, without CTranslate2.

The file is little-endian: version, name and revision of the specification, the variables (name, shape, type, bytes),
then aliases, which are not needed here.
"""

import struct
from collections.abc import Callable

import torch
from torch import Tensor

TYPES = (torch.float32, torch.int8, torch.int16, torch.int32, torch.float16, torch.bfloat16)


class _Reader:
    """Sequential reading of a buffer."""

    def __init__(self, data: bytes):
        self.data, self.position = memoryview(data), 0

    def take(self, size: int) -> memoryview:
        part = self.data[self.position : self.position + size]
        if len(part) < size:
            raise ValueError(
                "The CTranslate2 model is truncated: download it again, and give all of its parts in order."
            )
        self.position += size
        return part

    def number(self, code: str) -> int:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def text(self) -> str:
        return bytes(self.take(self.number("H"))).rstrip(b"\0").decode()


def read_variables(data: bytes, select: Callable[[str], bool] = lambda name: True) -> dict[str, Tensor]:
    """Read the variables of a model.

    Args:
        data: content of ``model.bin``.
        select: whether to read the variable of a given name.

    Returns:
        Name -> tensor, in the stored type. Quantized weights are not dequantized; their scales are separate variables.

    Raises:
        ValueError: if this is not a CTranslate2 model of binary version 4 to 6, or it is truncated.
    """
    reader = _Reader(data)
    version = reader.number("I")
    if not 4 <= version <= 6:
        raise ValueError(f"This is not a CTranslate2 model of binary version 4 to 6: its first number is {version}.")
    reader.text(), reader.number("I")
    variables = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind, size = reader.number("B"), reader.number("I")
        content = reader.take(size)
        if not select(name):
            continue
        if kind >= len(TYPES):
            raise ValueError(f"The variable {name!r} of the CTranslate2 model has the unknown type {kind}.")
        variables[name] = torch.frombuffer(bytearray(content), dtype=TYPES[kind]).reshape(shape)
    return variables
