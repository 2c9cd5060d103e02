"""One or several folders of test mixtures as the recordings of one comparison."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from espnet2_decodec.data.seen import read_seen
from espnet2_decodec.evaluation.compare_cache import Task
from espnet2_decodec.evaluation.compare_work import Worker
from espnet2_decodec.evaluation.scoring import MixtureSet


class Sets:
    """What the tables of some folders say, by recording.

    Attributes:
        folders: folder -> its set.
        home: recording -> the folder that it lies in.
        paths: stem -> recording -> file.
        conditions, speakers: of the recordings.
        seen: yes or no, of those whose background's source is known to be among the training data or not to be.

    Args:
        folders: one or several that `make_mixtures` wrote.

    Raises:
        ValueError: if a table is missing, or two folders have a recording of the same name.
    """

    def __init__(self, folders: str | Path | Sequence[str | Path]):
        self.folders: dict[str, MixtureSet] = {}
        self.home: dict[str, str] = {}
        self.paths: dict[str, dict[str, str]] = {}
        self.conditions, self.speakers, self.seen = {}, {}, {}
        for folder in map(str, [folders] if isinstance(folders, (str, Path)) else folders):
            found = MixtureSet(folder)
            for key in found.keys:
                if key in self.home:
                    raise ValueError(
                        f"{self.home[key]} and {folder} both have a recording {key}, so they cannot be in one comparison: "
                        f"write one of them anew with another --suffix of `decodec recipe make_mixtures`."
                    )
                self.home[key] = folder
            self.folders[folder] = found
            for stem, paths in found.paths.items():
                self.paths.setdefault(stem, {}).update(paths)
            self.conditions |= found.conditions
            self.speakers |= found.speakers
            self.seen |= read_seen(folder)


class Workers:
    """Runs tasks of several folders in one process, see `Worker`.

    Args:
        out: folder of the comparison.
        ids: metrics and what tells one way of taking them from another.
    """

    def __init__(self, out: Path, ids: Mapping[str, str]):
        self.out, self.ids = out, ids
        self.workers: dict[str, Worker] = {}

    def __call__(self, work: tuple[str, tuple[Task, str, bool]]) -> None:
        """Run a task on a recording of a folder.

        Raises:
            ValueError: if the system fails.
        """
        folder, task = work
        if folder not in self.workers:
            self.workers[folder] = Worker(folder, self.out, self.ids)
        self.workers[folder](task)
