"""Whether the background of a test mixture is from a source of the training data: table utt2seen."""

from pathlib import Path

from espnet2_decodec.data.kaldi import read_optional_table, read_table, write_table
from espnet2_decodec.data.mixtures import NO_LABEL


def write_seen(mixtures: str | Path, background: str | Path, training: str | Path) -> dict[str, int]:
    """Write the table utt2seen beside test mixtures: yes or no for each that has a background.

    A background is seen when its recording, or another one of the same source (utt2spk), is in the training data.

    Args:
        mixtures: folder that `make_mixtures` wrote.
        background: Kaldi folder of its backgrounds.
        training: Kaldi folder of the backgrounds of the training data.

    Returns:
        Number of mixtures of each kind.

    Raises:
        ValueError: if a table is missing, or a background is not from that folder.
    """
    mixtures = Path(mixtures)
    recordings, classes = read_table(mixtures / "utt2sources"), read_table(mixtures / "utt2background")
    sources, training_sources = read_table(Path(background) / "utt2spk"), read_table(Path(training) / "utt2spk")
    seen_sources, table = set(training_sources.values()), {}
    for key, names in recordings.items():
        if classes[key] == NO_LABEL:
            continue
        name = names.split()[-1]
        if name not in sources:
            raise ValueError(f"{mixtures}: the background of {key}, {name}, is not in {background}.")
        table[key] = "yes" if name in training_sources or sources[name] in seen_sources else "no"
    if table:
        write_table(mixtures / "utt2seen", table)
    return {answer: list(table.values()).count(answer) for answer in ("yes", "no")}


def read_seen(mixtures: str | Path) -> dict[str, str]:
    """The table utt2seen of a folder of mixtures, uttid -> yes or no; empty where there is none.

    Raises:
        ValueError: if it has other values.
    """
    path = Path(mixtures) / "utt2seen"
    table = read_optional_table(path)
    for key, answer in table.items():
        if answer not in ("yes", "no"):
            raise ValueError(f"{path} has {answer!r} for {key}: write yes or no.")
    return table
