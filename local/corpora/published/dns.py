"""Noises of the DNS Challenge, from AudioSet, Freesound and DEMAND; 16 kHz (2020) or fullband (2022)."""

import re
from collections.abc import Iterator

from local.corpora.corpus import VOICES, Corpus, freesound
from local.recording import Recording

FOLDERS = ("datasets/noise", "datasets_fullband/noise_fullband", "noise_fullband", "noise")


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """All noises; no split is published, so they are split by the clip of AudioSet or Freesound.

    Files from Freesound whose names mention voices are left out. The clips of AudioSet were
    selected without speech by those who made the corpus.

    Raises:
        ValueError: There is no folder of noises.
    """
    corpus.refuse_parts()
    root = corpus.find_root("DNS-Challenge", "DNS-Challenge-master")
    folder = next((root / name for name in FOLDERS if (root / name).is_dir()), root)
    found = corpus.files(folder, "**/*.wav")
    kept = []
    for path in found:
        label = re.match(r"(.*?)_?Freesound", path.stem, re.IGNORECASE)
        if label and VOICES.search(label[1].replace("_", " ")):
            corpus.leave_out("noises with voices in the name", path)
        else:
            kept.append((path, source_of(path.stem)))
    splits = corpus.split({source for _, source in kept})
    for path, source in kept:
        name = path.relative_to(folder).with_suffix("").as_posix()
        yield Recording(path, "background", splits[source], source, name, background_class="environment")


def source_of(name: str) -> str:
    """The clip: ``fan_Freesound_validated_391432_0`` is of Freesound, ``-0Kz5gZdjrY`` of AudioSet, all else its own."""
    found = re.search(r"freesound_(?:validated_)?(\d+)", name, re.IGNORECASE)
    if found:
        return freesound(found[1])
    found = re.match(r"([\w-]{11})(?:_\d+)?$", name)
    return f"audioset_{found[1]}" if found else f"dns_{name}"
