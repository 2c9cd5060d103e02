"""Whether the background of a mixture comes from a source that training has heard."""

from pathlib import Path

from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.mixtures import NOBODY


def write_seen(mixtures: str | Path, background: str | Path, training: str | Path) -> dict[str, int]:
    """Write the table utt2seen beside test mixtures: yes or no for each that has a background.

    A background is seen when its recording, or another one of the same source (utt2spk), is among those of training.

    Args:
        mixtures: folder that `make_mixtures` wrote.
        background: Kaldi folder that their backgrounds are from.
        training: Kaldi folder of the backgrounds that training used.

    Returns:
        How many there are of each.

    Raises:
        ValueError: if a table is missing, or a background is not from that folder.
    """
    mixtures = Path(mixtures)
    used, classes = read_table(mixtures / "utt2sources"), read_table(mixtures / "utt2background")
    sources, heard = read_table(Path(background) / "utt2spk"), read_table(Path(training) / "utt2spk")
    known = set(heard.values())
    table = {}
    for key, names in used.items():
        if classes[key] == NOBODY:
            continue
        name = names.split()[-1]
        if name not in sources:
            raise ValueError(f"{mixtures}: the background of {key}, {name}, is not in {background}.")
        table[key] = "yes" if name in heard or sources[name] in known else "no"
    if table:
        write_table(mixtures / "utt2seen", table)
    return {answer: list(table.values()).count(answer) for answer in ("yes", "no")}


def read_seen(mixtures: str | Path) -> dict[str, str]:
    """The table utt2seen of a folder of mixtures, uttid -> yes or no; empty where there is none.

    Raises:
        ValueError: if it says anything else.
    """
    path = Path(mixtures) / "utt2seen"
    table = read_table(path) if path.is_file() else {}
    for key, answer in table.items():
        if answer not in ("yes", "no"):
            raise ValueError(f"{path} says {answer!r} of {key}: write yes or no.")
    return table
