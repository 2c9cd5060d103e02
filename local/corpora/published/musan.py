"""MUSAN (OpenSLR 17): noises and music at 16 kHz; its speech, and music with vocals, are left out (CC BY 4.0)."""

import re
from collections.abc import Iterator
from pathlib import Path

from local.corpora.corpus import VOICES, Corpus, freesound
from local.recording import Recording

PARTS = ("noise", "music", "speech")


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """Noises and music without voices; no split is published, so recordings are split by name.

    Raises:
        ValueError: A file that LICENSE or ANNOTATIONS describes is missing, or music is not annotated.
    """
    root = corpus.find_root("musan")
    found = [path for part in corpus.choose(PARTS, root) for path in corpus.files(root / part, "*/*.wav")]
    folders = sorted({path.parent for path in found})
    notes = {folder: read_annotations(corpus, folder) for folder in folders}
    origins = {folder: read_freesound(corpus, folder) for folder in folders}
    kept = []
    for path in found:
        reason = reason_to_leave_out(corpus, path, notes[path.parent])
        if reason:
            corpus.leave_out(reason, path)
        else:
            kept.append((path, origins[path.parent].get(path.stem) or f"musan_{path.stem}"))
    splits = corpus.split({source for _, source in kept}) if kept else {}
    for path, source in kept:
        kind = path.parents[1].name
        background_class = "music" if kind == "music" else "effects" if "sound-bible" in path.stem else "environment"
        yield Recording(path, "background", splits[source], source, path.stem, background_class=background_class)


def reason_to_leave_out(corpus: Corpus, path: Path, notes: dict[str, str]) -> str:
    """Why a recording holds voices; empty if it does not."""
    kind = path.parents[1].name
    if kind == "speech":
        return "speech"
    note = notes.get(path.stem, "")
    if kind == "music":
        words = note.split()
        if len(words) < 2 or words[1] not in ("Y", "N"):
            raise corpus.error(f"{path.parent / 'ANNOTATIONS'} does not tell whether {path.stem} has vocals, Y or N.")
        return "music with vocals" if words[1] == "Y" else ""
    return "noise with voices" if VOICES.search(note) else ""


def read_annotations(corpus: Corpus, folder: Path) -> dict[str, str]:
    """Recording -> what ANNOTATIONS says about it: for music genre, vocals (Y or N) and artist."""
    path = folder / "ANNOTATIONS"
    if not path.is_file():
        return {}
    rows = [(number, *line.partition(" ")[::2]) for number, line in corpus.lines(path)]
    rows = [row for row in rows if row[1].startswith(folder.parent.name)]
    corpus.check_listed(path, [(number, folder / f"{name}.wav") for number, name, _ in rows])
    return {name: text for _, name, text in rows}


def read_freesound(corpus: Corpus, folder: Path) -> dict[str, str]:
    """Recording -> its source at freesound.org, where LICENSE has the address."""
    path, found, name = folder / "LICENSE", {}, ""
    for _, line in corpus.lines(path) if path.is_file() else ():
        name = next(iter(re.findall(rf"{folder.parent.name}-[\w-]+-\d{{4}}", line)), name)
        address = re.search(r"freesound\.org/(?:people/[^/\s]+/sounds/|s/)(\d+)", line)
        if name and address:
            found[name] = freesound(address[1])
    return found
