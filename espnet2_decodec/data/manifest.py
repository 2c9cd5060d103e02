"""A note in each folder of results that says what made them, so that no folder mixes results of two codecs."""

import json
from collections.abc import Mapping
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.io.identity import codec_id

NOTE = "made_with.json"


def about(codec: DeCodec) -> dict[str, str | int]:
    """What tokens need to be decoded: the codec they are of, its sample rate and hop."""
    return {"codec": codec_id(codec).hex(), "sample_rate": codec.sample_rate, "hop": codec.hop}


def claim(out: Path, content: Mapping[str, str | int | bool]) -> None:
    """Leave the note in `out`, or see that the one that is there says the same.

    Raises:
        ValueError: if it does not.
    """
    note = out / NOTE
    if note.is_file() and read_note(out) != content:
        raise ValueError(f"{out} holds results of another codec or other options: remove it, or choose another folder.")
    with atomic_write(note) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_note(out: Path) -> dict[str, str | int | bool]:
    """The note in `out`.

    Raises:
        ValueError: if there is none, or it is damaged.
    """
    try:
        return json.loads((out / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{out} has no readable {NOTE}: it is no folder of results, or an unfinished one.") from None
