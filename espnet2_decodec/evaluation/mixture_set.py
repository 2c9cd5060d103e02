"""Sets of test mixtures with their stems, as `make_mixtures` writes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from espnet2_decodec.data.kaldi import read_optional_table, read_table
from espnet2_decodec.data.mixtures import STEMS
from espnet2_decodec.data.seen import read_seen
from espnet2_decodec.io.audio import read


@dataclass(frozen=True)
class MixtureItem:
    """A test mixture and the stems that it is the sum of, each [L].

    Attributes:
        key: utterance id.
        condition: an SNR in dB, `clean` (no background), `background` (no speech), or a kind of background.
        mixture, speech, background: [L].
    """

    key: str
    condition: str
    mixture: Tensor
    speech: Tensor
    background: Tensor


class MixtureSet:
    """The recordings of one or several folders of test mixtures; audio is read when it is asked for.

    Attributes:
        folders: those given.
        keys: utterance ids, in the order of the folders and their tables.
        folder_of: utterance id -> its folder.
        paths: stem -> utterance id -> file.
        conditions, speakers: by utterance id.
        languages: ISO 639-1 code of the speech by utterance id, where it is known.
        seen: yes or no by utterance id, for backgrounds whose source is known to be in the training data or not.

    Args:
        folders: one or several that `make_mixtures` wrote, with {mixture,speech,background}.scp, utt2snr and utt2spk.
            Where a folder has utt2kind, the kinds of background in it are the conditions, in place of the SNRs;
            utt2lang has the languages.

    Raises:
        ValueError: if a table is missing, the tables of a folder list different recordings, or two folders have a
            recording of the same name.
    """

    def __init__(self, folders: str | Path | Sequence[str | Path]):
        self.folders = [Path(folder) for folder in ([folders] if isinstance(folders, (str, Path)) else folders)]
        self.folder_of: dict[str, Path] = {}
        self.paths: dict[str, dict[str, str]] = {stem: {} for stem in STEMS}
        self.conditions: dict[str, str] = {}
        self.speakers: dict[str, str] = {}
        self.seen: dict[str, str] = {}
        self.languages: dict[str, str] = {}
        for folder in self.folders:
            self._add(folder)
        self.keys = list(self.folder_of)

    def _add(self, folder: Path) -> None:
        """Read the tables of one folder."""
        paths = {stem: read_table(folder / f"{stem}.scp") for stem in STEMS}
        kinds = folder / "utt2kind"
        conditions = read_table(kinds if kinds.is_file() else folder / "utt2snr")
        speakers = read_table(folder / "utt2spk")
        for table in (*paths.values(), speakers):
            if table.keys() != conditions.keys():
                raise ValueError(f"{folder}: the tables list different recordings; write the set again.")
        for key in conditions:
            if key in self.folder_of:
                raise ValueError(
                    f"{self.folder_of[key]} and {folder} both have a recording {key}, so they cannot be evaluated "
                    f"together: write one of them again with another --suffix of make_mixtures."
                )
            self.folder_of[key] = folder
        for stem in STEMS:
            self.paths[stem] |= paths[stem]
        self.conditions |= conditions
        self.speakers |= speakers
        self.seen |= read_seen(folder)
        self.languages |= read_optional_table(folder / "utt2lang")

    def load(self, key: str, sample_rate: int) -> MixtureItem:
        """The mixture `key` and its stems at `sample_rate` Hz.

        Raises:
            ValueError: if the stems do not have the mixture's length, or cannot be read.
        """
        mixture, speech, background = (read(self.paths[stem][key], sample_rate) for stem in STEMS)
        if not len(mixture) == len(speech) == len(background):
            raise ValueError(f"The stems of {key} are not as long as its mixture.")
        return MixtureItem(key, self.conditions[key], mixture, speech, background)

    def remix_source(self, key: str) -> str:
        """The recording whose background `key` is remixed with: the next one of its folder and condition."""
        group = (self.folder_of[key], self.conditions[key])
        candidates = [other for other in self.keys if (self.folder_of[other], self.conditions[other]) == group]
        return candidates[(candidates.index(key) + 1) % len(candidates)]

    def select(self, conditions: Sequence[str] = (), limit: int | None = None) -> list[str]:
        """Ids of the first recordings of each folder and condition, in the order in which they were mixed.

        Args:
            conditions: some of those of the set; empty for all. A condition that only some folders have is taken from
                these.
            limit: recordings of each folder and condition; None for all.

        Raises:
            ValueError: if no folder has such a condition, or the limit is below 1.
        """
        known = list(dict.fromkeys(self.conditions.values()))
        for condition in conditions:
            if condition not in known:
                raise ValueError(f"The set has no condition {condition!r}; there are {', '.join(known)}.")
        if limit is not None and limit < 1:
            raise ValueError(f"At least 1 recording of each condition is needed, not {limit}.")
        groups: dict[tuple[Path, str], list[str]] = {}
        for key in self.keys:
            groups.setdefault((self.folder_of[key], self.conditions[key]), []).append(key)
        selected = []
        for folder in self.folders:
            for condition in conditions or [condition for place, condition in groups if place == folder]:
                selected += sorted(groups.get((folder, condition), []), key=_order)[:limit]
        return selected


def segment_number(key: str) -> str | None:
    """The number of the segment in the id of a test mixture, the same at every SNR; None where it has none."""
    found = re.search(r"_(\d+)_[^_]+$", key)
    return found[1] if found else None


def _order(key: str) -> tuple[int, str]:
    """Sorts the recordings of a condition as `make_mixtures` numbers them."""
    return int(segment_number(key) or 0), key
