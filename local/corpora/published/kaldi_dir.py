"""Any Kaldi data directory: wav.scp, utt2spk, and if they exist segments, text and utt2class."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from espnet2_decodec.data.kaldi import Table, read_optional_table, read_table
from local.corpora.corpus import Corpus
from local.recording import BACKGROUND_CLASSES, SPLITS, Recording


def recordings(corpus: Corpus, stream: str) -> Iterator[Recording]:
    """All utterances; directories train, dev and test inside are the split, otherwise speakers are split by name.

    Raises:
        ValueError: A table is missing or wrong, or a file that wav.scp names does not exist.
    """
    corpus.refuse_parts()
    root = corpus.find_root()
    folders = {split: root / split for split in SPLITS if (root / split / "wav.scp").is_file()}
    try:
        for split, folder in folders.items():
            yield from read_folder(corpus, folder, stream, split, root.name)
        if not folders:
            table = read_sources(root, stream)
            yield from read_folder(corpus, root, stream, corpus.split(set(table.values())), root.name)
    except ValueError as error:
        message = str(error)
        raise error if message.startswith(f"{corpus.name}: ") else corpus.error(message) from None


def read_sources(folder: Path, stream: str) -> Mapping[str, str]:
    """Utterance -> speaker or source; a background without utt2spk is its own source."""
    if stream == "speech" or (folder / "utt2spk").is_file():
        return read_table(folder / "utt2spk")
    listed = folder / "segments" if (folder / "segments").is_file() else folder / "wav.scp"
    return {name: name for name in read_table(listed)}


def read_folder(
    corpus: Corpus, folder: Path, stream: str, splits: Mapping[str, str] | str, label: str
) -> Iterator[Recording]:
    """The utterances of one directory.

    Args:
        corpus: For messages and counts.
        folder: The directory.
        stream: ``speech`` or ``background``.
        splits: Speaker or source -> split, or the split of all.
        label: Name of the directory, which distinguishes its speakers from those of other corpora.
    """
    files, segments, texts, classes = (
        read_optional_table(folder / name) for name in ("wav.scp", "segments", "text", "utt2class")
    )
    listed = segments or files
    speakers = read_sources(folder, stream)
    if isinstance(speakers, Table):
        speakers.require(listed)
    corpus.check_listed(files.path, [(files.lines[name], Path(path)) for name, path in files.items()])
    for name in listed:
        recording, start, seconds = cut(segments, name) if segments else (name, 0.0, None)
        if recording not in files:
            raise ValueError(f"{segments.path}, line {segments.lines[name]}: {recording} has no line in {files.path}.")
        yield Recording(
            Path(files[recording]),
            stream,
            splits if isinstance(splits, str) else splits[speakers[name]],
            f"{label}_{speakers[name]}",
            name,
            text=corpus.transcript(texts.get(name, ""), name) if stream == "speech" else "",
            background_class=background_class(classes, name) if stream == "background" else "",
            start=start,
            seconds=seconds,
        )


def cut(segments: Table, name: str) -> tuple[str, float, float | None]:
    """Recording, start and duration in seconds of a line; -1 as the end is that of the file, with duration None."""
    try:
        recording, start, end = segments[name].split()
        first, last = float(start), float(end)
        if not 0 <= first < (last if last >= 0 else float("inf")) < float("inf") and last != -1:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{segments.path}, line {segments.lines[name]}: {segments[name]!r} is not 'recording start end'."
        ) from None
    return recording, first, None if last == -1 else last - first


def background_class(classes: Table, name: str) -> str:
    """The class in utt2class; environment where there is none."""
    label = classes.get(name, "environment")
    if label not in BACKGROUND_CLASSES:
        raise ValueError(
            f"{classes.path}, line {classes.lines[name]}: {label!r} is none of {', '.join(BACKGROUND_CLASSES)}."
        )
    return label
