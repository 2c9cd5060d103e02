"""The text-to-speech task: text to speech tokens of the codec."""

import json
import logging
from argparse import ArgumentParser, Namespace
from copy import deepcopy
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from espnet2.tasks.abs_task import AbsTask
from espnet2.train.collate_fn import CommonCollateFn
from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import str_or_none

from espnet2_decodec.codec.config import complete
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.config import check_arguments
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.espnet.optimization import COSINE, cosine_conf
from espnet2_decodec.espnet.safe_task import DEFAULTS, SafeTask
from espnet2_decodec.espnet.trainer import SafeTrainer
from espnet2_decodec.espnet.tts_model import DeCodecTTSModel
from espnet2_decodec.espnet.tts_preprocessor import TTSPreprocessor
from espnet2_decodec.program import one_line
from espnet2_decodec.tts.synthesizer import Synthesizer

OPTIMIZATION = {
    "optim": "adamw",
    "optim_conf": {"lr": 2e-3, "betas": [0.9, 0.98], "weight_decay": 1e-2},
    "scheduler": COSINE,
    "scheduler_conf": cosine_conf(warmup_steps=100),
}
"""Optimization of the acoustic model."""


class DeCodecTTSTask(SafeTask, AbsTask):
    """Data are `text`, and `speech_codes`: arrays (T, K) as `decodec recipe tokenize` writes them."""

    num_optimizers = 1
    trainer = SafeTrainer
    defaults = {
        **DEFAULTS,
        "batch_type": "numel",
        "batch_bins": 40000,
        "best_model_criterion": [("valid", "loss", "min")],
    }
    optimization = OPTIMIZATION

    @classmethod
    def add_task_arguments(cls, parser: ArgumentParser) -> None:
        """Add the options of this task."""
        parser.set_defaults(required=[*parser.get_default("required"), "token_list"])
        group = parser.add_argument_group("Task related")
        group.add_argument("--token_list", type=str_or_none, help="JSON list of tokens, see `decodec recipe tts_data`")
        group.add_argument("--codec", type=str_or_none, help="folder of the codec (default: the one in the package)")
        group.add_argument("--codec_conf", action=NestedDictAction, default={}, help="its config; written by training")
        group.add_argument("--tts_conf", action=NestedDictAction, default={}, help="options of AcousticModel")
        group.add_argument("--model_conf", action=NestedDictAction, default={}, help="options of DeCodecTTSModel")
        group.add_argument("--stats_file", type=str_or_none, help="features_stats.npz written by --collect_stats")
        group.add_argument(
            "--preprocessor_conf", action=NestedDictAction, default={}, help="options of TTSPreprocessor"
        )
        group.add_argument("--train_utt2spk", type=str_or_none, help="table of speakers, for prompts in training")
        group.add_argument("--valid_utt2spk", type=str_or_none, help="the same for validation")

    @classmethod
    def required_data_names(cls, train: bool = True, inference: bool = False) -> tuple[str, ...]:
        """Data that every utterance has."""
        return ("text",) if inference else ("text", "speech_codes")

    @classmethod
    def optional_data_names(cls, train: bool = True, inference: bool = False) -> tuple[str, ...]:
        """Data that it may have; tokens of the background are not used."""
        return ("prompt_codes", "background_codes")

    @classmethod
    def build_collate_fn(cls, args: Namespace, train: bool) -> CommonCollateFn:
        """Batches are padded with zeros."""
        return CommonCollateFn(float_pad_value=0.0, int_pad_value=0)

    @classmethod
    def build_preprocess_fn(cls, args: Namespace, train: bool) -> TTSPreprocessor:
        """A `TTSPreprocessor` that takes prompts from the recordings of its own set."""
        codes: dict[str, str] = {}
        speakers: dict[str, str] = {}
        for part in ("train",) if train else ("train", "valid"):
            files = getattr(args, f"{part}_data_path_and_name_and_type")
            codes |= read_table(next(path for path, name, _ in files if name == "speech_codes"))
            table = getattr(args, f"{part}_utt2spk")
            utt2spk = read_table(table) if table else {}
            speakers |= {key: speaker if train else f"{part} {speaker}" for key, speaker in utt2spk.items()}
        check_arguments(TTSPreprocessor, args.preprocessor_conf, "preprocessor_conf")
        quantizer = complete(args.codec_conf)["quantizer"]
        shape = (quantizer["speech_levels"], quantizer["codebook_size"])
        return TTSPreprocessor(train, _token_list(args), codes, speakers, shape, **deepcopy(args.preprocessor_conf))

    @classmethod
    def build_model(cls, args: Namespace) -> DeCodecTTSModel:
        """The model. The codec's config and the tokens are stored in `args`, so that config.yaml contains them."""
        args.token_list = _token_list(args)
        check_arguments(DeCodecTTSModel, args.model_conf, "model_conf")
        codec = deepcopy(args.codec_conf) or DeCodec.from_pretrained(args.codec)
        synthesizer = Synthesizer(args.token_list, codec, args.tts_conf)
        config = synthesizer.config()
        args.codec_conf, args.tts_conf = config["codec"], config["options"]
        if args.stats_file:
            synthesizer.features.set_statistics(*_read_statistics(args.stats_file))
        elif not args.collect_stats:
            logging.warning("No --stats_file was given: features are not normalized.")
        return DeCodecTTSModel(synthesizer, **args.model_conf)

    @classmethod
    def rebuild(cls, args: Namespace) -> DeCodecTTSModel:
        """The model of a config.yaml, without the file of statistics."""
        return cls.build_model(Namespace(**{**vars(args), "stats_file": None, "collect_stats": True}))


def export(train_config: str | Path, model_file: str | Path, folder: str | Path) -> None:
    """Write the model of an experiment to a folder that `TTS.from_pretrained` reads.

    Args:
        train_config: config.yaml of the experiment.
        model_file: its weights, e.g. valid.loss.best.pth.
        folder: to write to.

    Raises:
        ValueError: if the config is of something else, or the weights do not fit.
    """
    model, _ = DeCodecTTSTask.build_model_from_file(train_config, model_file)
    model.synthesizer.eval().save_pretrained(folder)


def _token_list(args: Namespace) -> list[str]:
    """The list of tokens, read from a file if it is a path."""
    if isinstance(args.token_list, str):
        try:
            return list(CharacterTokenizer(json.loads(Path(args.token_list).read_text(encoding="utf-8"))).tokens)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{args.token_list} is no JSON list of tokens: {error}.") from error
    return list(args.token_list)


def _read_statistics(path: str | Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation [C] from sums.

    Raises:
        ValueError: if the file is damaged.
    """
    try:
        with np.load(path) as file:
            count, total, squares = (file[name].astype(np.float64) for name in ("count", "sum", "sum_square"))
    except (ValueError, KeyError, EOFError, BadZipFile, AttributeError) as error:
        raise ValueError(f"{path} is damaged, or not written by --collect_stats: {one_line(error)}") from error
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()
