"""Base class of the ESPnet tasks: checks of options and files, errors in one line, ranks that end together."""

import multiprocessing
import signal
from argparse import Namespace
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, ClassVar

import torch
from espnet2.tasks.abs_task import IteratorOptions
from espnet2.train.abs_espnet_model import AbsESPnetModel
from espnet2.train.class_choices import ClassChoices
from espnet2.train.dataset import AbsDataset
from espnet2.train.distributed_utils import DistributedOption
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException

from espnet2_decodec.data.config import suggestion
from espnet2_decodec.espnet.checkpoint import load_strictly
from espnet2_decodec.espnet.checks import check_files, check_options
from espnet2_decodec.espnet.optimization import complete_optimization
from espnet2_decodec.espnet.option_parser import OptionParser
from espnet2_decodec.program import one_line, run_program, stop_on_signals
from espnet2_decodec.training.ranks import watch_parent

ADVICE = "Run the same command again to resume after the last complete epoch."

DEFAULTS = {
    "grad_clip": 1.0,
    "unused_parameters": True,
    "dist_backend": "nccl" if torch.cuda.is_available() else "gloo",
    "keep_nbest_models": [1],
    "use_matplotlib": False,
    "num_att_plot": 0,
}
"""Where the defaults of the tasks of this package differ from ESPnet's."""


class SafeTask:
    """Mixin for tasks of ESPnet, before ESPnet's class.

    Attributes:
        defaults: where the task's defaults differ from ESPnet's.
        optimization: default optimizers and schedulers, whose options `complete_optimization` completes.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"dist_backend": DEFAULTS["dist_backend"]}
    optimization: ClassVar[Mapping[str, Any]] = {}
    class_choices_list: ClassVar[list[ClassChoices]]

    @classmethod
    def get_parser(cls) -> OptionParser:
        """ESPnet's options, with the defaults of this task."""
        parser = OptionParser(super().get_parser())  # type: ignore[misc]  # of ESPnet's class
        parser.set_defaults(**deepcopy({**cls.defaults, **cls.optimization}))
        return parser

    @classmethod
    def parse(cls, cmd: Sequence[str] | None = None) -> Namespace:
        """Parse and check the options of a training; a wrong one on the command line ends the program with status 2.

        Raises:
            ValueError: as in `check_options` and `check_files`.
        """
        parser = cls.get_parser()
        args = parser.parse_args(cmd)
        if not args.print_config:
            missing = [f"--{name}" for name in args.required if getattr(args, name) is None]
            if missing:
                parser.error(f"the following arguments are required: {', '.join(missing)}")
            check_options(args, cls.class_choices_list)
            check_files(args, cls.recording_rate(args))
        return args

    @classmethod
    def recording_rate(cls, args: Namespace) -> int | None:
        """Sample rate in Hz that recordings must have; None for any."""
        return None

    @classmethod
    def main(cls, args: Namespace | None = None, cmd: Sequence[str] | None = None) -> None:
        """Train, in this process or in several that end together.

        Raises:
            ValueError: if an option or a file is wrong.
            RuntimeError: if one of several processes failed; it has printed why.
        """
        try:
            super().main(args=cls.parse(cmd) if args is None else args)  # type: ignore[misc]  # of ESPnet's class
        except (ProcessExitedException, ProcessRaisedException) as error:
            raise RuntimeError(f"A process of the training has ended: {one_line(error)}.") from error
        finally:
            for process in multiprocessing.active_children():
                if isinstance(process, multiprocessing.context.SpawnProcess):
                    process.terminate()

    @classmethod
    def main_worker(cls, args: Namespace) -> None:
        """Train in one process of one or several."""

        def work() -> None:
            try:
                super(SafeTask, cls).main_worker(args)  # type: ignore[misc]  # of ESPnet's class
            except RuntimeError as error:
                if "loading state_dict" not in str(error):
                    raise
                files = ", ".join(args.init_param)
                raise ValueError(f"--init_param {files} does not fit the model: {one_line(error)}") from error

        if args.distributed:
            watch_parent()
            for number in (signal.SIGTERM, signal.SIGHUP):  # Python handlers wait for collective operations to end
                signal.signal(number, signal.SIG_DFL)
        if multiprocessing.parent_process() is None:
            work()
        else:
            run_program(work)

    @classmethod
    def build_iter_options(cls, args: Namespace, distributed_option: DistributedOption, mode: str) -> IteratorOptions:
        """ESPnet's, except that without a shape file the first data file lists the utterances of unsorted batches."""
        options = super().build_iter_options(args, distributed_option, mode)  # type: ignore[misc]  # of ESPnet's class
        if options.batch_type == "unsorted" and not options.shape_files:
            options.shape_files = [options.data_path_and_name_and_type[0][0]]
        return options

    @classmethod
    def build_dataset(cls, *args: Any, **options: Any) -> AbsDataset:
        """ESPnet's dataset, with the utterance in errors."""
        return NamingDataset(super().build_dataset(*args, **options))  # type: ignore[misc]  # of ESPnet's class

    @classmethod
    def build_optimizers(cls, args: Namespace, model: AbsESPnetModel) -> list[torch.optim.Optimizer]:
        """ESPnet's, with completed options; see `complete_optimization`.

        Raises:
            ValueError: if `freeze_param` names a part that the model does not have.
        """
        names = [name for name, _ in model.named_parameters()]
        for part in args.freeze_param:
            if not any(f"{name}.".startswith(f"{part}.") for name in names):
                known = {".".join(name.split(".")[:depth]) for name in names for depth in (1, 2, 3)}
                raise ValueError(f"freeze_param: the model has no part {part!r}. {suggestion(part, known)}")
        complete_optimization(args, cls.optimization)
        return super().build_optimizers(args=args, model=model)  # type: ignore[misc]  # of ESPnet's class

    @classmethod
    def rebuild(cls, args: Namespace) -> AbsESPnetModel:
        """The model of a config.yaml, without the files from which it was first built."""
        return cls.build_model(args)  # type: ignore[attr-defined]  # of ESPnet's class

    @classmethod
    def build_model_from_file(cls, config_file=None, model_file=None, device: str = "cpu"):
        """The model and the options of an experiment.

        Raises:
            ValueError: if a weight is missing or unexpected, which ESPnet's own loader ignores.
        """
        return load_strictly(cls.rebuild, config_file, model_file, device)


class NamingDataset(AbsDataset):
    """A dataset whose errors name the utterance.

    Args:
        dataset: of ESPnet.
    """

    def __init__(self, dataset: AbsDataset):
        self.dataset = dataset

    def has_name(self, name: str) -> bool:
        """Whether the items have data of this name."""
        return self.dataset.has_name(name)

    def names(self) -> tuple[str, ...]:
        """Names of the data of an item."""
        return self.dataset.names()

    def __getitem__(self, uid: str) -> tuple[str, dict]:
        """Id and data of an utterance.

        Raises:
            ValueError: if a file cannot be read, or the data cannot be used.
        """
        try:
            return self.dataset[uid]
        except Exception as error:  # readers of ESPnet raise many types
            raise ValueError(f"Utterance {uid}: {one_line(error)}") from error

    def __repr__(self) -> str:
        return repr(self.dataset)


def run_task(task: type[SafeTask]) -> None:
    """Train a task with the arguments of the command line, and exit."""
    stop_on_signals()
    run_program(task.main, ADVICE)
