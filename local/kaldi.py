"""Kaldi data directories: written sorted, checked before anybody trusts them."""

from dataclasses import dataclass
from pathlib import Path

REQUIRED = ("wav.scp", "utt2spk", "spk2utt", "utt2dur")


@dataclass(frozen=True)
class Utterance:
    """One line of each file of a data directory; ``sound`` is a background's class."""

    id: str
    path: Path
    speaker: str
    seconds: float
    text: str = ""
    sound: str = ""


def read_table(path: Path) -> dict[str, str]:
    """A ``key value...`` file as a dict, in file order.

    Raises:
        ValueError: A line has no value, or a key stands twice.
    """
    table: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        key, _, value = line.partition(" ")
        if not value.strip():
            raise ValueError(f"{path}:{number}: '{line}' has no value.")
        if key in table:
            raise ValueError(f"{path}:{number}: {key} stands twice.")
        table[key] = value.strip()
    return table


def write_table(path: Path, table: dict[str, str]) -> None:
    """``table`` as ``key value`` lines in the order of ``LC_ALL=C sort``."""
    lines = [f"{key} {table[key]}\n" for key in sorted(table, key=lambda key: key.encode())]
    path.write_text("".join(lines), encoding="utf-8")


def write(folder: Path, utterances: list[Utterance]) -> None:
    """Write and check one data directory.

    Files: wav.scp, utt2spk, spk2utt, utt2dur (seconds), text (where there is one), utt2class (backgrounds).

    Raises:
        ValueError: Nothing to write, an id stands twice, or :func:`validate` objects.
    """
    if not utterances:
        raise ValueError(f"Nothing to write to {folder}: no recording was left for it.")
    if len({u.id for u in utterances}) != len(utterances):
        raise ValueError(f"{folder}: two recordings share one utterance id.")
    folder.mkdir(parents=True, exist_ok=True)
    speakers: dict[str, list[str]] = {}
    for utterance in sorted(utterances, key=lambda u: u.id.encode()):
        speakers.setdefault(utterance.speaker, []).append(utterance.id)
    write_table(folder / "wav.scp", {u.id: str(u.path.resolve()) for u in utterances})
    write_table(folder / "utt2spk", {u.id: u.speaker for u in utterances})
    write_table(folder / "spk2utt", {speaker: " ".join(ids) for speaker, ids in speakers.items()})
    write_table(folder / "utt2dur", {u.id: f"{u.seconds:.3f}" for u in utterances})
    _write_optional(folder / "text", {u.id: u.text for u in utterances if u.text})
    _write_optional(folder / "utt2class", {u.id: u.sound for u in utterances if u.sound})
    validate(folder)


def _write_optional(path: Path, table: dict[str, str]) -> None:
    if table:
        write_table(path, table)
    else:
        path.unlink(missing_ok=True)


def validate(folder: Path) -> None:
    """Check that a data directory is sorted, complete and consistent, and that its audio is there.

    Raises:
        ValueError: The first thing that is wrong, with the file it was found in.
    """
    tables = {}
    for name in (*REQUIRED, "text", "utt2class"):
        path = folder / name
        if not path.exists():
            if name in REQUIRED:
                raise ValueError(f"{folder} has no {name}: prepare it again.")
            continue
        tables[name] = read_table(path)
        keys = [key.encode() for key in tables[name]]
        if keys != sorted(keys):
            raise ValueError(f"{path} is not sorted as LC_ALL=C sort does.")
    ids = tables["wav.scp"].keys()
    for name in ("utt2spk", "utt2dur"):
        if tables[name].keys() != ids:
            raise ValueError(f"{folder}: {name} and wav.scp list different utterances.")
    for name in ("text", "utt2class"):
        extra = tables.get(name, {}).keys() - ids
        if extra:
            raise ValueError(f"{folder / name} names {min(extra)}, which wav.scp does not have.")
    spoken = {(u, speaker) for speaker, line in tables["spk2utt"].items() for u in line.split()}
    if spoken != set(tables["utt2spk"].items()):
        raise ValueError(f"{folder}: spk2utt is not the inverse of utt2spk.")
    for utterance, path in tables["wav.scp"].items():
        if not Path(path).is_file():
            raise ValueError(f"{folder / 'wav.scp'}: {utterance} points to {path}, which is not there.")
