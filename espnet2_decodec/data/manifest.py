"""The file in each output folder that records what made it, so that no folder mixes outputs of two codecs."""

import json
from collections.abc import Mapping
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.io.identity import codec_id


class Manifest:
    """made_with.json of an output folder.

    Args:
        folder: the output folder.
    """

    FILE = "made_with.json"

    def __init__(self, folder: Path):
        self.folder, self.path = folder, folder / self.FILE

    @staticmethod
    def describe(codec: DeCodec) -> dict[str, str | int]:
        """Entries that decoding depends on: id of the codec, sample rate and hop."""
        return {"codec": codec_id(codec).hex(), "sample_rate": codec.sample_rate, "hop": codec.hop}

    def check(self, entries: Mapping[str, str | int | bool]) -> None:
        """Write the manifest, or compare it with the one that exists.

        Raises:
            ValueError: if the existing one has other entries.
        """
        if self.path.is_file() and self.read() != entries:
            raise ValueError(
                f"{self.folder} holds results of another codec or other options: remove it, or choose another folder."
            )
        with atomic_write(self.path) as temporary:
            temporary.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")

    def read(self) -> dict[str, str | int | bool]:
        """The entries.

        Raises:
            ValueError: if there is no manifest, or it is damaged.
        """
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise ValueError(
                f"{self.folder} has no readable {self.FILE}: it is not a folder of results, or an unfinished one."
            ) from None
