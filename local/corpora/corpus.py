"""A corpus that the user has unpacked: where it is, which parts are wanted, and what is left out of it."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from espnet2_decodec.data.kaldi import read_lines
from local.corpora import own


@dataclass
class Corpus:
    """One corpus, as its module in :mod:`local.corpora.published` sees it.

    Attributes:
        name: Name on the command line, for messages.
        root: Folder or file that the user has named.
        parts: Parts that are wanted; empty for all.
        dev: Fraction of the speakers or sources for dev, where no split is published.
        test: The same for test.
        left_out: Reason -> recordings that are left out.
        remarks: Remark -> recordings that are used all the same.
        examples: Reason or remark -> the first file.
    """

    name: str
    root: Path
    parts: tuple[str, ...] = ()
    dev: float = 0.1
    test: float = 0.1
    left_out: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    examples: dict[str, object] = field(default_factory=dict)

    def leave_out(self, reason: str, example: object, count: int = 1) -> None:
        """Count recordings that are not used."""
        self.left_out[reason] += count
        self.examples.setdefault(reason, example)

    def remark(self, remark: str, example: object, count: int = 1) -> None:
        """Count recordings that are used, but not as they should be."""
        self.remarks[remark] += count
        self.examples.setdefault(remark, example)

    def report(self) -> list[str]:
        """One line for each reason and each remark, with the number and the first file."""
        lines = [f"{self.name}: {n} left out: {reason}" for reason, n in self.left_out.items()]
        lines += [f"{self.name}: {n} {remark}" for remark, n in self.remarks.items()]
        reasons = [*self.left_out, *self.remarks]
        return [f"{line} (first: {self.examples[reason]})" for line, reason in zip(lines, reasons, strict=True)]

    def error(self, message: str) -> ValueError:
        """An error that names the corpus."""
        return ValueError(f"{self.name}: {message}")

    def find_root(self, *names: str) -> Path:
        """The folder of the corpus: ``root``, or the folder in it that is named as the corpus unpacks.

        Raises:
            ValueError: ``root`` is not a folder.
        """
        if not self.root.is_dir():
            raise self.error(f"{self.root} is not a folder: write the path of the unpacked corpus to db.sh.")
        return next((self.root / name for name in names if (self.root / name).is_dir()), self.root)

    def require(self, path: Path) -> Path:
        """A file or folder that every copy of the corpus has.

        Raises:
            ValueError: It does not exist.
        """
        if not path.exists():
            raise self.error(f"{path} is missing: this is another corpus, or it is not completely unpacked.")
        return path

    def choose(self, known: Collection[str], root: Path) -> list[str]:
        """The wanted parts of those that are published, or all that are in ``root``.

        Raises:
            ValueError: A wanted part does not exist, or there is none at all.
        """
        for part in self.parts:
            if part not in known:
                raise self.error(f"there is no part {part!r}; the parts are {', '.join(known)}.")
            self.require(root / part)
        found = [part for part in known if (root / part).is_dir() and part in (self.parts or known)]
        if not found:
            raise self.error(f"{root} has none of {', '.join(known)}: this is another corpus, or it is not unpacked.")
        return found

    def refuse_parts(self) -> None:
        """Raise a ValueError where parts are wanted of a corpus that has none."""
        if self.parts:
            raise self.error(f"it has no parts to choose, such as {self.parts[0]!r}.")

    def files(self, folder: Path, pattern: str) -> list[Path]:
        """The files below a folder that match a pattern, sorted.

        Raises:
            ValueError: There is none.
        """
        found = sorted(path for path in self.require(folder).glob(pattern) if not path.name.startswith("."))
        if not found:
            raise self.error(f"{folder} has no {pattern}: the corpus is not completely unpacked.")
        return found

    def lines(self, path: Path) -> Iterator[tuple[int, str]]:
        """Number and content of the lines of a file.

        Raises:
            ValueError: The file does not exist, or is not UTF-8.
        """
        try:
            yield from read_lines(self.require(path))
        except ValueError as error:
            message = str(error)
            raise error if message.startswith(f"{self.name}: ") else self.error(message) from None

    def rows(self, path: Path, columns: Collection[str], delimiter: str = ",") -> list[tuple[int, dict[str, str]]]:
        """Line number and cells of each row of a table with a head.

        Raises:
            ValueError: The file does not exist, or lacks a column.
        """
        with self.require(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise self.error(f"{path}, line 1: there is no column {missing[0]}.")
            return [(reader.line_num, row) for row in reader]

    def text(self, path: Path, recording: Path) -> str:
        """The transcript in a file of its own; empty, with a remark, where there is none."""
        text = " ".join(line for _, line in self.lines(path)) if path.is_file() else ""
        return self.transcript(text, recording)

    def transcript(self, text: str, recording: object) -> str:
        """A transcript with single blanks; an empty one is remarked."""
        text = " ".join(text.split())
        if not text:
            self.remark("without transcript", recording)
        return text

    def check_listed(self, listed: Path, names: Collection[tuple[int, Path]]) -> None:
        """Check that the files that a list of the corpus names are there.

        Raises:
            ValueError: One is missing; the message has the line of the list.
        """
        missing = [(number, path) for number, path in names if not path.is_file()]
        if missing:
            number, path = missing[0]
            rest = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise self.error(
                f"{listed}, line {number}: {path} is missing{rest}: the corpus is not completely unpacked."
            )

    def split(self, labels: Collection[str]) -> dict[str, str]:
        """Speaker or source -> split, by the names alone.

        Raises:
            ValueError: There are fewer than three.
        """
        return own.split_speakers(sorted(labels), self.dev, self.test, self.root)


def freesound(number: str) -> str:
    """The source of a recording from freesound.org, the same in all corpora that have it."""
    return f"freesound_{number}"


VOICES = re.compile(
    r"(?<![a-z])(speech|speaking|talk\w*|voices?|vocals?|conversation\w*|babble|chatter\w*|crowds?|singing|sing|choir|"
    r"laugh\w*|giggl\w*|scream\w*|shout\w*|yell\w*|cheer\w*|whisper\w*|crying|cry|baby|child\w*|kids?|radio|people)(?![a-z])",
    re.IGNORECASE,
)
"""Words of file names and labels that stand for sounds with voices."""
