"""Reading .dcd files; for their layout see `dcd` and `header`."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.io import bits
from espnet2_decodec.io.errors import WrongModel
from espnet2_decodec.io.header import SIZE
from espnet2_decodec.io.identity import codec_id
from espnet2_decodec.io.scan import block_bytes, block_frames, scan
from espnet2_decodec.types import Codes


class Reader:
    """A .dcd file as blocks of tokens; iterate over it as often as you like.

    The whole file is checked when it is opened, so that nothing is decoded from a damaged one.

    Args:
        path: of the file.
        codec: the model that is going to decode it; None leaves out the check that it is the right one.

    Attributes:
        header: what the file says about itself.
        scan: that and which stream is present in which block.

    Raises:
        MissingFile, NotDcd, NewerDcd, TruncatedFile, DamagedDcd, WrongModel: what can be wrong.
    """

    def __init__(self, path: str | Path, codec: DeCodec | None = None):
        self.path, self.scan = Path(path), scan(path)
        self.header = self.scan.header
        if codec is not None and codec_id(codec) != self.header.codec_id:
            raise WrongModel(
                f"{path} was made by another model (id {self.header.codec_id.hex()}) than this one "
                f"(id {codec_id(codec).hex()}); give the folder of the right one."
            )

    @property
    def presence(self) -> tuple[Tensor, Tensor]:
        """For the speech and for the background: [blocks] bool, whether the stream is present."""
        return torch.tensor(self.scan.speech), torch.tensor(self.scan.background)

    def __iter__(self) -> Iterator[Codes]:
        """Blocks of tokens, of batch 1; a stream that is absent from a block has no levels in it."""
        header, left = self.header, self.header.length
        with open(self.path, "rb") as file:
            file.seek(SIZE)
            for index in range(len(self.scan.speech)):
                flags, frames = file.read(1)[0], block_frames(header, index)
                levels = header.speech_levels * (flags & 1), header.background_levels * (flags >> 1 & 1)
                data = file.read(block_bytes(header, index, flags))
                tokens = torch.from_numpy(bits.unpack(data, frames * sum(levels), header.bits))
                speech, background = tokens.view(frames, sum(levels)).T[None].split(levels, dim=1)
                samples = min(left, frames * header.hop)
                left -= samples
                yield Codes(speech, background, torch.tensor([samples]), header.sample_rate)
