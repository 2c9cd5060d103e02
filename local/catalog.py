"""The corpora that can be named on the command line, and the recordings of a selection of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from espnet2_decodec.data.config import suggestion
from local.corpora.corpus import Corpus
from local.corpora.published import (
    aishell3,
    demand,
    dns,
    esc50,
    fsd50k,
    kaldi_dir,
    lhotse_manifest,
    librispeech,
    libritts,
    musan,
    open_recordings,
    rirs_noises,
    simulated_rooms,
    vctk,
    wham,
)
from local.protocols import Protocol
from local.recording import Recording
from local.splits import fill_missing_splits, keep_apart

Reader = Callable[[Corpus], Iterator[Recording]]

SPEECH: Mapping[str, Reader] = {
    "libritts": libritts.recordings,
    "librispeech": librispeech.recordings,
    "vctk": vctk.recordings,
    "aishell3": aishell3.recordings,
    "open": partial(open_recordings.recordings, stream="speech"),
}
BACKGROUND: Mapping[str, Reader] = {
    "musan": musan.recordings,
    "wham": wham.recordings,
    "dns": dns.recordings,
    "esc50": esc50.recordings,
    "fsd50k": fsd50k.recordings,
    "demand": demand.recordings,
    "open": partial(open_recordings.recordings, stream="background"),
}
ROOMS: Mapping[str, Reader] = {
    "rirs_noises": rirs_noises.recordings,
    "simulated": simulated_rooms.recordings,
    "open": partial(open_recordings.recordings, stream="rir"),
}
BY_STREAM = {"speech": SPEECH, "background": BACKGROUND, "rir": ROOMS}
BY_PATH = {"kaldi": kaldi_dir.recordings, "lhotse": lhotse_manifest.recordings}
"""Formats that take the place of a corpus, with their path: kaldi:FOLDER, lhotse:FOLDER."""


def open_corpus(word: str, stream: str, paths: Mapping[str, Path]) -> tuple[Corpus, Reader]:
    """The corpus and the reader of a word of the command line: ``NAME``, ``NAME:PART,PART`` or ``FORMAT:PATH``.

    Args:
        word: The word.
        stream: ``speech``, ``background`` or ``rir``.
        paths: Corpus -> its folder.

    Raises:
        ValueError: There is no such corpus, or it has no path.
    """
    name, _, rest = word.partition(":")
    if name in BY_PATH and stream != "rir":
        if not rest:
            raise ValueError(f"{name} needs a path: {name}:PATH.")
        return Corpus(word, Path(rest)), partial(BY_PATH[name], stream=stream)
    known = BY_STREAM[stream]
    if name not in known:
        raise ValueError(f"There is no {stream} corpus {name!r}. {suggestion(name, [*known, *BY_PATH])}")
    if name not in paths:
        raise ValueError(f"{name}: its path is not known; set {name.upper()} in db.sh.")
    return Corpus(name, paths[name], tuple(filter(None, rest.split(",")))), known[name]


def select(
    words: Mapping[str, Sequence[str]], paths: Mapping[str, Path], protocol: Protocol | None = None
) -> tuple[list[Recording], list[str]]:
    """The recordings of several corpora in disjoint sets.

    Args:
        words: Stream -> corpora, see :func:`open_corpus`.
        paths: Corpus -> its folder.
        protocol: Decides which test sets are used.

    Returns:
        The recordings, and a line for each omission or remark.

    Raises:
        ValueError: A corpus is wrong, incomplete or unknown.
    """
    opened = [(stream, *open_corpus(word, stream, paths)) for stream in words for word in words[stream]]
    found: list[Recording] = []
    lines: list[str] = []
    for stream, corpus, read in opened:
        recordings = list(read(corpus))
        if not recordings:
            raise corpus.error(f"{corpus.root} has no recording that can be used.")
        found += protocol.assign(corpus.name, recordings) if protocol else recordings
        lines += [f"{corpus.name}: {len(recordings)} recordings of {stream}", *corpus.report()]
    kept, shared = keep_apart(found)
    filled, drawn = fill_missing_splits(kept)
    lines += [*shared, *drawn]
    if protocol:
        filled, limited = protocol.limit(filled)
        lines += limited
    return filled, lines
