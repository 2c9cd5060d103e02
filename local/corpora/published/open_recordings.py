"""A folder of openly licensed voices, noises and rooms with a manifest.tsv, gathered from many repositories."""

import re
from collections.abc import Iterator
from pathlib import Path

from local.corpora.corpus import Corpus, freesound
from local.recording import ROOMS, SPLITS, Recording

COLUMNS = ("path", "source", "speaker_or_class", "split", "text", "note")
FOLDERS = {"speech": "speech", "noise": "background", "rir": ROOMS}
"""First folder of a path -> stream."""
WITH_VOICES = ("baby_cry", "crowd", "mermaid_song", "undead_moan", "zombie_growl")
MAX_SPEECH = 0.3
"""Share of voice activity from which a noise is left out; the manifest notes it as ``vad=0.49``."""
EFFECTS = ("CC-Sounds", "OpenSFX", "OpenSoundEffects", "antum-mod-sounds")
UNLABELLED = "pv_unknown"
"""Label of many speakers whose names are not known; each of their recordings counts as a speaker of its own."""


def recordings(corpus: Corpus, stream: str) -> Iterator[Recording]:
    """All recordings of a stream, in the split of the manifest.

    Raises:
        ValueError: The manifest is missing or has other columns, folders or splits, or a file is missing.
    """
    corpus.refuse_parts()
    root = corpus.find_root("recordings")
    listed = corpus.require(root / "manifest.tsv")
    rows = [
        (number, row) for number, row in read_manifest(corpus, listed) if FOLDERS[row["path"].split("/")[0]] == stream
    ]
    check_unpacked(corpus, root, rows)
    corpus.check_listed(listed, [(number, root / row["path"]) for number, row in rows])
    for _, row in rows:
        path = root / row["path"]
        reason = reason_to_leave_out(row) if stream == "background" else ""
        if reason:
            corpus.leave_out(reason, path)
            continue
        text = row["text"] if not row["text"].startswith("{") else ""  # meanings of commands, not transcripts
        yield Recording(
            path,
            stream,
            row["split"],
            source_of(row, stream),
            Path(row["path"]).with_suffix("").as_posix().partition("/")[2],
            text=corpus.transcript(text, path) if stream == "speech" else "",
            background_class=("effects" if row["source"] in EFFECTS else "environment")
            if stream == "background"
            else "",
        )


def read_manifest(corpus: Corpus, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and columns of each recording."""
    for number, row in corpus.rows(path, COLUMNS, "\t"):
        if row["path"].split("/")[0] not in FOLDERS or row["split"] not in SPLITS or not row["speaker_or_class"]:
            raise corpus.error(
                f"{path}, line {number}: a path in {', '.join(FOLDERS)}, a speaker or class, and a split "
                f"of {', '.join(SPLITS)} are needed."
            )
        yield number, row


def check_unpacked(corpus: Corpus, root: Path, rows: list[tuple[int, dict[str, str]]]) -> None:
    """Refuse archives that are still to be unpacked, with the command that does it."""
    folders = sorted({row["path"].split("/")[0] for _, row in rows})
    archives = sorted(path.name for path in root.glob("*.tar"))
    missing = [name for name in folders if not (root / name).is_dir()]
    if missing and archives:
        raise corpus.error(
            f"{root / missing[0]} is missing: unpack {' and '.join(archives)} there, with tar -xf, or copy the "
            "manifest to where they are unpacked."
        )


def reason_to_leave_out(row: dict[str, str]) -> str:
    """Why a noise holds voices; empty if it does not."""
    if row["speaker_or_class"] in WITH_VOICES:
        return f"noises of class {row['speaker_or_class']}, which has voices"
    activity = re.search(r"\bvad=([\d.]+)", row["note"])
    return "noises with speech" if activity and float(activity[1]) >= MAX_SPEECH else ""


def source_of(row: dict[str, str], stream: str) -> str:
    """Speaker, original recording or room, with the name that other corpora give it where they have it, too."""
    label, stem = row["speaker_or_class"], Path(row["path"]).stem
    if stream == ROOMS:
        return f"open_{label}"
    if stream == "background":
        clip = re.fullmatch(r"\d-(\d+)-[A-Z]", stem)
        return freesound(clip[1]) if row["source"] == "ESC-10" and clip else f"open_{row['source']}_{stem}"
    if row["source"].startswith("vctk"):
        return f"vctk_{label}"
    return f"open_{row['source']}_{stem if label == UNLABELLED else label}"
