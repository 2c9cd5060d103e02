"""RIRS_NOISES (OpenSLR 28): measured and simulated room impulse responses at 16 kHz (Apache-2.0)."""

import re
from collections.abc import Iterator

from local.corpora.corpus import Corpus
from local.recording import ROOMS, Recording

REAL = "real_rirs_isotropic_noises"
PARTS = (REAL, "simulated_rirs", "pointsource_noises")


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """The first channel of all responses, in sets of different rooms; noises are left out.

    Raises:
        ValueError: A response that the list of the measured ones names is missing.
    """
    root = corpus.find_root("RIRS_NOISES")
    found = []
    for part in corpus.choose(PARTS, root):
        measured = read_list(corpus, root) if part == REAL else {}
        for path in corpus.files(root / part, "*/*/*.wav" if part == "simulated_rirs" else "*.wav"):
            if part == "simulated_rirs":
                found.append((path, "_".join(path.relative_to(root / part).parts[:2])))
            elif part == REAL and (path.name in measured or (not measured and "_noise_" not in path.name)):
                found.append((path, measured.get(path.name) or re.sub(r"_[^_]*$", "", path.stem)))
            else:
                corpus.leave_out("noises", path)
    splits = corpus.split({room for _, room in found}) if found else {}
    for path, room in found:
        name = "_".join(path.relative_to(root).with_suffix("").parts)
        yield Recording(path, ROOMS, splits[room], room, name, channel=0)


def read_list(corpus: Corpus, root) -> dict[str, str]:
    """Name of a measured response -> room, from lines ``--rir-id ID --room-id ROOM ... FILE``."""
    listed = root / REAL / "rir_list"
    if not listed.is_file():
        return {}
    found, rows = {}, []
    for number, line in corpus.lines(listed):
        room = re.search(r"--room-id\s+(\S+)", line)
        name = line.split()[-1].rpartition("/")[2]
        found[name] = f"real_{room[1]}" if room else ""
        rows.append((number, root / REAL / name))
    corpus.check_listed(listed, rows)
    return found
