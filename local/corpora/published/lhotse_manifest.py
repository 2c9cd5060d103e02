"""Any manifest of lhotse: a folder with recordings and supervisions, or with cuts, as .jsonl or .jsonl.gz."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.corpora.corpus import Corpus
from local.recording import Recording, ascii_name

SPLIT_NAMES = {
    "train": "train",
    "tr": "train",
    "dev": "dev",
    "valid": "dev",
    "cv": "dev",
    "test": "test",
    "eval": "test",
}
Row = dict[str, Any]


def recordings(corpus: Corpus, stream: str) -> Iterator[Recording]:
    """All supervisions, or all recordings of backgrounds; manifests named ..._train..., ..._dev... are the split.

    Raises:
        ValueError: A manifest is damaged, or misses a recording, a speaker or a file.
    """
    corpus.refuse_parts()
    if not corpus.root.exists():
        raise corpus.error(f"{corpus.root} does not exist: give a folder of manifests, or one of cuts.")
    paths = [corpus.root] if corpus.root.is_file() else sorted(corpus.root.glob("*.jsonl*"))
    cuts = [path for path in paths if "cuts" in path.name]
    found: list[tuple[Path, dict[str, Any]]] = []
    for path in cuts:
        found += [
            (path, item) for number, row in read_rows(corpus, path) for item in from_cut(corpus, path, number, row)
        ]
    if not cuts:
        for path in (path for path in paths if "recordings" in path.name):
            found += [(path, item) for item in from_recordings(corpus, path, stream)]
    if not found:
        raise corpus.error(
            f"{corpus.root} has no recordings: files named *cuts* or *recordings* with lines are needed."
        )
    named = {path: split_of(path) for path, _ in found}
    label = ascii_name(corpus.root.name.split(".")[0])
    splits = corpus.split({item["speaker"] for _, item in found}) if "" in named.values() else {}
    for path, item in found:
        text = corpus.transcript(item["text"], item["name"]) if stream == "speech" else ""
        speaker, split = f"{label}_{item['speaker']}", named[path] or splits[item["speaker"]]
        rest = {key: item[key] for key in ("start", "seconds", "channel")}
        kind = "environment" if stream == "background" else ""
        yield Recording(item["path"], stream, split, speaker, item["name"], text=text, background_class=kind, **rest)


def split_of(path: Path) -> str:
    """The split in the name of a manifest; empty where there is none."""
    words = re.split(r"[-_.]", path.name.lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "")


def read_rows(corpus: Corpus, path: Path) -> Iterator[tuple[int, Row]]:
    """Line number and content of the lines of a manifest."""
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, dict(json.loads(line))
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise corpus.error(f"{path}, line {number}: it is not a manifest of lhotse: {error}.") from None


def from_recordings(corpus: Corpus, path: Path, stream: str) -> Iterator[dict[str, Any]]:
    """The segments of each line of a manifest of recordings, with the supervisions beside it."""
    rows = {row.get("id"): (number, row) for number, row in read_rows(corpus, path)}
    if stream == "background":
        for number, row in rows.values():
            yield describe(corpus, path, number, row, {"speaker": row.get("id")})
        return
    supervised = path.with_name(path.name.replace("recordings", "supervisions"))
    seen = set()
    for number, supervision in read_rows(corpus, corpus.require(supervised)):
        key = supervision.get("recording_id")
        if key not in rows:
            raise corpus.error(f"{supervised}, line {number}: the recording {key} is not in {path}.")
        seen.add(key)
        yield describe(corpus, supervised, number, rows[key][1], supervision)
    for key in rows.keys() - seen:
        corpus.leave_out("recordings without supervision", key)


def from_cut(corpus: Corpus, path: Path, number: int, cut: Row) -> Iterator[dict[str, Any]]:
    """The segments of a cut: its supervisions, or the whole cut where it has none."""
    if not isinstance(cut.get("recording"), dict):
        raise corpus.error(f"{path}, line {number}: the cut {cut.get('id')} has no recording.")
    offset = cut.get("start", 0.0)
    for supervision in cut.get("supervisions") or [{"start": 0.0, "duration": cut["duration"], "speaker": cut["id"]}]:
        moved = {"channel": cut.get("channel"), **supervision, "start": offset + supervision.get("start", 0.0)}
        yield describe(corpus, path, number, cut["recording"], moved)


def describe(corpus: Corpus, path: Path, number: int, recording: Row, supervision: Row) -> dict[str, Any]:
    """Path, part, speaker and text of one supervision."""
    sources = recording.get("sources") or [{}]
    if sources[0].get("type") != "file":
        raise corpus.error(
            f"{path}, line {number}: the recording {recording.get('id')} is not a file, but {sources[0].get('type')!r}."
        )
    file = Path(sources[0]["source"])
    file = file if file.is_file() else path.parent / file
    corpus.check_listed(path, [(number, file)])
    name, speaker = supervision.get("id") or recording.get("id"), supervision.get("speaker")
    if not name or not speaker:
        raise corpus.error(f"{path}, line {number}: {name or 'a supervision'} has no {'speaker' if name else 'id'}.")
    start, seconds, channel = supervision.get("start", 0.0), supervision.get("duration"), supervision.get("channel")
    whole = not start and (seconds is None or abs(seconds - recording.get("duration", 0)) < 1e-3)
    channels = sources[0].get("channels") or [0]
    single = channels.index(channel) if isinstance(channel, int) and channel in channels and len(channels) > 1 else None
    return {
        "path": file, "name": str(name), "speaker": str(speaker), "text": supervision.get("text") or "",
        "start": float(start), "seconds": None if whole or seconds is None else float(seconds), "channel": single,
    }  # fmt: skip
