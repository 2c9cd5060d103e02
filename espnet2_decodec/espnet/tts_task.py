"""The text-to-speech task: text to the speech tokens of a codec that keeps the background apart."""

import json
import logging
from argparse import ArgumentParser, Namespace
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from espnet2.tasks.abs_task import AbsTask
from espnet2.train.collate_fn import CommonCollateFn
from espnet2.train.trainer import Trainer
from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import str_or_none

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.espnet.checkpoint import fill, load_strictly, read_config, read_weights
from espnet2_decodec.espnet.trainer import Progress
from espnet2_decodec.espnet.tts_model import DeCodecTTSModel
from espnet2_decodec.espnet.tts_preprocessor import TTSPreprocessor
from espnet2_decodec.tts.saving import save
from espnet2_decodec.tts.synthesizer import Synthesizer

COSINE = "cosineannealingwarmuprestarts"
DEFAULTS = {
    "batch_type": "numel",
    "batch_bins": 40000,
    "optim": "adamw",
    "optim_conf": {"lr": 2e-3, "betas": [0.9, 0.98], "weight_decay": 1e-2},
    "scheduler": COSINE,
    "scheduler_conf": {},
    "grad_clip": 1.0,
    "unused_parameters": True,
    "dist_backend": "nccl" if torch.cuda.is_available() else "gloo",
    "best_model_criterion": [("valid", "loss", "min")],
    "keep_nbest_models": [1],
    "use_matplotlib": False,
    "num_att_plot": 0,
}
"""Where this task's defaults differ from ESPnet's."""

PREFIX = "objective.synthesizer."
"""Of the model's weights in the checkpoints of this task."""


class TTSTrainer(Trainer):
    """ESPnet's, with progress that can be read, and no epoch of nothing."""

    @classmethod
    def train_one_epoch(cls, iterator, reporter, options, **others) -> bool:
        """One epoch of training.

        Raises:
            RuntimeError: if it had no steps, or no step with finite gradients.
        """
        invalid = super().train_one_epoch(
            iterator=Progress(iterator, reporter, options.max_epoch), reporter=reporter, options=options, **others
        )
        if reporter.count == 0 or invalid:
            what = "no batches" if reporter.count == 0 else "no step with finite gradients"
            raise RuntimeError(f"Epoch {reporter.get_epoch()} had {what}: training cannot go on.")
        return invalid

    @classmethod
    def validate_one_epoch(cls, reporter, **others) -> None:
        """One pass over the validation set.

        Raises:
            RuntimeError: if it had no batches.
        """
        super().validate_one_epoch(reporter=reporter, **others)
        if reporter.count == 0:
            raise RuntimeError("The validation set had no batches: it is empty.")


class DeCodecTTSTask(AbsTask):
    """Data are `text`, and `speech_codes`: arrays (T, K) as `decodec recipe tokenize` writes them."""

    num_optimizers = 1
    class_choices_list = []
    trainer = TTSTrainer

    @classmethod
    def get_parser(cls) -> ArgumentParser:
        """ESPnet's options, with the defaults of this task."""
        parser = super().get_parser()
        parser.set_defaults(**deepcopy(DEFAULTS))
        return parser

    @classmethod
    def add_task_arguments(cls, parser: ArgumentParser) -> None:
        """Options of this task."""
        parser.set_defaults(required=[*parser.get_default("required"), "token_list"])
        group = parser.add_argument_group("Task related")
        group.add_argument("--token_list", type=str_or_none, help="json list of tokens, see espnet2_decodec.data.tts")
        group.add_argument("--codec", type=str_or_none, help="folder of the codec; the shipped one when left out")
        group.add_argument("--codec_conf", action=NestedDictAction, default={}, help="its config; written by training")
        group.add_argument("--tts_conf", action=NestedDictAction, default={}, help="options of TextToCoordinates")
        group.add_argument("--model_conf", action=NestedDictAction, default={}, help="options of Objective")
        group.add_argument("--stats_file", type=str_or_none, help="coordinates_stats.npz that --collect_stats wrote")
        group.add_argument(
            "--preprocessor_conf", action=NestedDictAction, default={}, help="options of TTSPreprocessor"
        )
        group.add_argument("--train_utt2spk", type=str_or_none, help="whose prompts a recording gets in training")
        group.add_argument("--valid_utt2spk", type=str_or_none, help="the same in validation")

    @classmethod
    def required_data_names(cls, train: bool = True, inference: bool = False) -> tuple[str, ...]:
        """What every recording has."""
        return ("text",) if inference else ("text", "speech_codes")

    @classmethod
    def optional_data_names(cls, train: bool = True, inference: bool = False) -> tuple[str, ...]:
        """What it may have; the background's tokens are not trained on."""
        return ("prompt_codes", "background_codes")

    @classmethod
    def build_collate_fn(cls, args: Namespace, train: bool) -> CommonCollateFn:
        """Arrays of a batch, filled up with zeros."""
        return CommonCollateFn(float_pad_value=0.0, int_pad_value=0)

    @classmethod
    def build_preprocess_fn(cls, args: Namespace, train: bool) -> TTSPreprocessor:
        """A `TTSPreprocessor` that finds prompts among the recordings of its own set."""
        codes, speakers = {}, {}
        for part in ("train",) if train else ("train", "valid"):
            files = getattr(args, f"{part}_data_path_and_name_and_type")
            codes |= read_table(next(path for path, name, _ in files if name == "speech_codes"))
            table = getattr(args, f"{part}_utt2spk")
            found = read_table(table) if table else {}
            speakers |= {key: speaker if train else f"{part} {speaker}" for key, speaker in found.items()}
        return TTSPreprocessor(train, _tokens(args), codes, speakers, **deepcopy(args.preprocessor_conf))

    @classmethod
    def build_model(cls, args: Namespace) -> DeCodecTTSModel:
        """The model. Its codec's config and the tokens are written back, so that config.yaml keeps them."""
        args.token_list = _tokens(args)
        synthesizer = Synthesizer(
            args.token_list, deepcopy(args.codec_conf) or DeCodec.from_pretrained(args.codec), args.tts_conf
        )
        config = synthesizer.config()
        args.codec_conf, args.tts_conf = config["codec"], config["options"]
        if args.stats_file:
            synthesizer.coordinates.normalize_by(*_statistics(args.stats_file))
        elif not args.collect_stats:
            logging.warning("No --stats_file: coordinates are not normalized.")
        return DeCodecTTSModel(synthesizer, **args.model_conf)

    @classmethod
    def build_optimizers(cls, args: Namespace, model: DeCodecTTSModel) -> list[torch.optim.Optimizer]:
        """ESPnet's; options that a config leaves out of the default optimizer and scheduler are filled up.

        Raises:
            ValueError: if nobody says how many steps a training has.
        """
        if args.optim == DEFAULTS["optim"]:
            args.optim_conf = {**DEFAULTS["optim_conf"], **args.optim_conf}
        if args.scheduler == COSINE and not args.collect_stats:
            if "first_cycle_steps" not in args.scheduler_conf and args.num_iters_per_epoch is None:
                raise ValueError("Give num_iters_per_epoch, or first_cycle_steps in scheduler_conf.")
            steps = args.scheduler_conf.get("first_cycle_steps") or args.max_epoch * args.num_iters_per_epoch + 1
            rate = args.optim_conf["lr"]
            given = {"first_cycle_steps": steps, "max_lr": rate, "min_lr": rate / 100, "warmup_steps": 100}
            args.scheduler_conf = {**given, **args.scheduler_conf}
            args.scheduler_conf["warmup_steps"] = min(args.scheduler_conf["warmup_steps"], steps // 2)
        elif args.scheduler == COSINE:
            args.scheduler = None
        return super().build_optimizers(args=args, model=model)

    @classmethod
    def build_model_from_file(cls, config_file=None, model_file=None, device: str = "cpu"):
        """The model and the options of an experiment.

        Raises:
            ValueError: if a weight is missing or left over; ESPnet's own loader lets both pass.
        """
        return load_strictly(_rebuild, config_file, model_file, device)


def export(train_config: str | Path, model_file: str | Path, folder: str | Path) -> None:
    """Write the model of an experiment to a folder that `TTS.from_pretrained` reads.

    Args:
        train_config: config.yaml of the experiment.
        model_file: its weights, e.g. valid.loss.best.pth.
        folder: to write to.

    Raises:
        ValueError: if the weights do not fit.
    """
    model = _rebuild(read_config(train_config))
    fill(model, read_weights(model_file), str(model_file))
    save(model.objective.synthesizer.eval(), folder)


def _rebuild(args: Namespace) -> DeCodecTTSModel:
    """The model of a config.yaml, without the files that it was first built from."""
    return DeCodecTTSTask.build_model(Namespace(**{**vars(args), "stats_file": None, "collect_stats": True}))


def _tokens(args: Namespace) -> list[str]:
    """The list itself, from the file where it is one."""
    if isinstance(args.token_list, str):
        return list(CharacterTokenizer(json.loads(Path(args.token_list).read_text(encoding="utf-8"))).tokens)
    return list(args.token_list)


def _statistics(path: str | Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation [C] from sums."""
    with np.load(path) as file:
        count, total, squares = (file[name].astype(np.float64) for name in ("count", "sum", "sum_square"))
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return torch.from_numpy(mean).float(), torch.from_numpy(deviation).float()
