"""Kaldi data directories: written sorted, and validated."""

from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.data.kaldi import Table, read_table, write_data_dir

REQUIRED = ("wav.scp", "utt2spk", "spk2utt", "utt2dur")
OPTIONAL = ("text", "utt2class")


@dataclass(frozen=True)
class Utterance:
    """One line of each file of a data directory.

    Attributes:
        id: Utterance id.
        path: Its wav file.
        speaker: The speaker, or the source of a background.
        seconds: Duration.
        text: Transcript, if there is one.
        background_class: Class of a background.
    """

    id: str
    path: Path
    speaker: str
    seconds: float
    text: str = ""
    background_class: str = ""


def write(folder: Path, utterances: list[Utterance]) -> None:
    """Write and validate one data directory.

    Files: wav.scp, utt2spk, spk2utt, utt2dur (seconds), text (if there are transcripts), utt2class (backgrounds).

    Args:
        folder: The data directory.
        utterances: Its contents, in any order.

    Raises:
        ValueError: There are no utterances, an id occurs twice, or :func:`validate` fails.
    """
    if not utterances:
        raise ValueError(f"{folder} would be empty: there is no usable recording for it.")
    if len({u.id for u in utterances}) != len(utterances):
        raise ValueError(f"{folder}: two recordings have the same utterance id.")
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, dict[str, object]] = {
        "wav.scp": {u.id: u.path.resolve() for u in utterances},
        "utt2spk": {u.id: u.speaker for u in utterances},
        "utt2dur": {u.id: f"{u.seconds:.3f}" for u in utterances},
        "text": {u.id: u.text for u in utterances if u.text},
        "utt2class": {u.id: u.background_class for u in utterances if u.background_class},
    }
    for name in OPTIONAL:
        if not tables[name]:
            (folder / name).unlink(missing_ok=True)
            del tables[name]
    write_data_dir(folder, tables)
    validate(folder)


def validate(folder: Path) -> None:
    """Check that a data directory is sorted, complete and consistent, and that its audio files exist.

    Args:
        folder: The data directory.

    Raises:
        ValueError: The first error, with the file in which it occurs.
    """
    tables: dict[str, Table] = {}
    for name in (*REQUIRED, *OPTIONAL):
        path = folder / name
        if not path.exists():
            if name in REQUIRED:
                raise ValueError(f"{folder} has no {name}: prepare the data again.")
            continue
        tables[name] = read_table(path)
        keys = [key.encode() for key in tables[name]]
        if keys != sorted(keys):
            raise ValueError(f"{path} is not sorted as LC_ALL=C sort does.")
    for name in ("utt2spk", "utt2dur"):
        tables[name].require(tables["wav.scp"])
        tables["wav.scp"].require(tables[name])
    for name in OPTIONAL:
        if name in tables:
            tables["wav.scp"].require(tables[name])
    pairs = {(utterance, speaker) for speaker, line in tables["spk2utt"].items() for utterance in line.split()}
    if pairs != set(tables["utt2spk"].items()):
        raise ValueError(f"{folder}: spk2utt is not the inverse of utt2spk.")
    for utterance, audio_file in tables["wav.scp"].items():
        if not Path(audio_file).is_file():
            line = tables["wav.scp"].lines[utterance]
            raise ValueError(
                f"{folder / 'wav.scp'}, line {line}: {audio_file}, the file of {utterance}, does not exist."
            )
