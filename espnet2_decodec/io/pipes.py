"""Standard input, pipes and process substitution as input."""

import shutil
import sys
import tempfile
from pathlib import Path

from espnet2_decodec.io.errors import MissingFileError

STANDARD_INPUT = "-"


class SpooledInput:
    """Input that can be read several times: a regular file as it is, a pipe copied to a temporary file.

    The temporary file has no name, so nothing remains of it, however the program ends.

    Args:
        path: file or pipe; `-` is the standard input.

    Attributes:
        path: of a regular file, for as long as this object lives.
        name: the path as it was given, for messages.

    Raises:
        MissingFileError: if the path does not exist, or is neither a file nor a pipe.
    """

    def __init__(self, path: str | Path):
        self.path, self.name = Path(path), str(path)
        is_standard = str(path) == STANDARD_INPUT
        if self.path.is_file() and not is_standard:
            return
        if is_standard and sys.stdin.isatty():
            raise MissingFileError("The standard input is a terminal; connect it to a file or a pipe.")
        if not (is_standard or self.path.is_fifo() or self.path.is_socket()):
            kind = "is a folder, not a file" if self.path.is_dir() else "is a device, not a file"
            raise MissingFileError(f"{path} {kind if self.path.exists() else 'does not exist'}.")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with this object
        source = sys.stdin.buffer if is_standard else open(self.path, "rb")
        try:
            shutil.copyfileobj(source, self._file)
        finally:
            if not is_standard:
                source.close()
        self._file.flush()
        self.path = Path(f"/proc/self/fd/{self._file.fileno()}")
