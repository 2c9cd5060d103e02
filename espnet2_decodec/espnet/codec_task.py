"""The codec task: DeCodec, and ESPnet's own codecs as baselines, trained on the same dynamically mixed data."""

import logging
from argparse import ArgumentParser, Namespace
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from espnet2.gan_codec.espnet_model import ESPnetGANCodecModel
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import SequenceIterFactory
from espnet2.tasks.abs_task import IteratorOptions
from espnet2.tasks.gan_codec import GANCodecTask, codec_choices
from espnet2.train.class_choices import ClassChoices
from espnet2.utils.nested_dict_action import NestedDictAction

from espnet2_decodec.codec.config import complete
from espnet2_decodec.data.config import check_arguments
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.data.preprocessor import MixingCollate, StemPreprocessor
from espnet2_decodec.data.rooms import RoomResponses
from espnet2_decodec.data.sampler import CLASS_WEIGHTS, DiskSegmentSampler
from espnet2_decodec.data.segment_sampler import PAUSE, SegmentSampler
from espnet2_decodec.data.shard_writing import LIST
from espnet2_decodec.data.shards import ShardSegmentSampler
from espnet2_decodec.espnet import registry  # noqa: F401  registers the codec
from espnet2_decodec.espnet.baseline_codecs import baseline_options, check_lengths
from espnet2_decodec.espnet.batch_sampler import WeightedBatchSampler
from espnet2_decodec.espnet.codec_model import DeCodecESPnetModel
from espnet2_decodec.espnet.gan_codec import GANDeCodec
from espnet2_decodec.espnet.optimization import COSINE, cosine_conf
from espnet2_decodec.espnet.safe_task import DEFAULTS, SafeTask
from espnet2_decodec.espnet.shard_batches import ShardBatches, ShardDataset, ShardIterFactory
from espnet2_decodec.espnet.trainer import DeCodecTrainer

OPTIMIZATION = {
    "optim": "adamw",
    "optim_conf": {"lr": 1e-3, "betas": [0.9, 0.99], "weight_decay": 1e-3},
    "scheduler": COSINE,
    "scheduler_conf": cosine_conf(warmup_steps=200),
    "optim2": "adamw",
    "optim2_conf": {"lr": 5e-4, "betas": [0.8, 0.99], "weight_decay": 0.0},
    "scheduler2": COSINE,
    "scheduler2_conf": cosine_conf(warmup_steps=200),
}
"""Optimization of the generator, and with a 2 of the discriminator."""


class DeCodecTask(SafeTask, GANCodecTask):
    """`--codec decodec` (the default), soundstream, encodec, dac or funcodec.

    Training data are clean speech with the name `audio`, and backgrounds from the wav.scp that is given by
    `--preprocessor_conf background_scp=...`. Validation data are mixtures, `audio`, with their stems `speech` and
    `background`.
    """

    trainer = DeCodecTrainer
    defaults = {
        **DEFAULTS,
        "batch_type": "unsorted",
        "batch_size": 16,
        "generator_first": True,
        "best_model_criterion": [("valid", "distance", "min")],
    }
    optimization = OPTIMIZATION
    class_choices_list = [ClassChoices("codec", classes=codec_choices.classes, default="decodec")]

    @classmethod
    def add_task_arguments(cls, parser: ArgumentParser) -> None:
        """Add the options of the codec task, of `DiskSegmentSampler` and `StemPreprocessor`, and of `Mixing`."""
        super().add_task_arguments(parser)
        group = parser.add_argument_group("Mixing related")
        group.add_argument(
            "--preprocessor_conf",
            action=NestedDictAction,
            default={},
            help="background_scp, rir_scp (room impulse responses), options of StemPreprocessor; speech_sampler and "
            "background_sampler: options of DiskSegmentSampler",
        )
        group.add_argument("--mixing_conf", action=NestedDictAction, default={}, help="options of Mixing")

    @classmethod
    def recording_rate(cls, args: Namespace) -> int:
        """Sample rate of the codec."""
        return sample_rate(args)

    @classmethod
    def optional_data_names(cls, train: bool = True, inference: bool = False) -> tuple[str, ...]:
        """Stems of mixtures, for validation."""
        return () if inference else ("speech", "background")

    @classmethod
    def build_preprocess_fn(cls, args: Namespace, train: bool):
        """A `StemPreprocessor`, or None with `--use_preprocessor false`."""
        if not args.use_preprocessor:
            return None
        conf, rate = deepcopy(args.preprocessor_conf), sample_rate(args)
        background_scp, rir_scp = conf.pop("background_scp", None), conf.pop("rir_scp", None)
        speech_options, background_options = conf.pop("speech_sampler", {}), conf.pop("background_sampler", {})
        check_arguments(StemPreprocessor, conf, "preprocessor_conf")
        for name, section in (("speech_sampler", speech_options), ("background_sampler", background_options)):
            check_arguments(DiskSegmentSampler, section, f"preprocessor_conf.{name}")
        if train:
            speech_options = {"sample_rate": rate, "pause": PAUSE, **speech_options}
            background_options = {"sample_rate": rate, "class_weights": CLASS_WEIGHTS, **background_options}
            conf["speech"] = segment_sampler(_audio_scp(args.train_data_path_and_name_and_type), speech_options)
            conf["background"] = segment_sampler(background_scp, background_options) if background_scp else None
            conf["rooms"] = RoomResponses(rir_scp, rate) if rir_scp else None
            if not background_scp:
                logging.warning(
                    "No preprocessor_conf background_scp=... was given: the only backgrounds are synthetic noises."
                )
        preprocessor = StemPreprocessor(train, **conf)
        if args.codec in ("soundstream", "encodec", "dac"):
            chunked = train and args.iterator_type == "chunk"
            check_lengths(args.codec_conf, args.chunk_length if chunked else preprocessor.length)
        return preprocessor

    @classmethod
    def build_collate_fn(cls, args: Namespace, train: bool) -> MixingCollate:
        """A `MixingCollate`."""
        check_arguments(Mixing, args.mixing_conf, "mixing_conf")
        return MixingCollate(Mixing(**{"sample_rate": sample_rate(args), **args.mixing_conf}))

    @classmethod
    def build_sequence_iter_factory(cls, args: Namespace, iter_options: IteratorOptions, mode: str) -> AbsIterFactory:
        """`WeightedBatchSampler` for training with unsorted batches, otherwise ESPnet's own iterator."""
        if mode != "train" or iter_options.batch_type != "unsorted":
            return super().build_sequence_iter_factory(
                args=Namespace(**{**vars(args), "shuffle_within_batch": False}), iter_options=iter_options, mode=mode
            )
        sampler = getattr(iter_options.preprocess_fn, "speech", None)
        if isinstance(sampler, ShardSegmentSampler):
            return cls.build_shard_iter_factory(args, iter_options, sampler)
        if sampler is None:
            sampler = DiskSegmentSampler(_audio_scp(iter_options.data_path_and_name_and_type), sample_rate(args))
        probabilities = sampler.probabilities_among(read_table(iter_options.shape_files[0]))
        rank, world_size = 0, 1
        if iter_options.distributed:
            rank, world_size = torch.distributed.get_rank(), torch.distributed.get_world_size()
        return SequenceIterFactory(
            dataset=cls.build_dataset(args, iter_options),
            batches=WeightedBatchSampler(
                list(probabilities), np.array(list(probabilities.values())), iter_options.batch_size, rank, world_size
            ),
            seed=args.seed,
            num_iters_per_epoch=iter_options.num_iters_per_epoch,
            num_workers=args.num_workers,
            collate_fn=iter_options.collate_fn,
            pin_memory=args.ngpu > 0,
        )

    @classmethod
    def build_shard_iter_factory(
        cls, args: Namespace, iter_options: IteratorOptions, sampler: ShardSegmentSampler
    ) -> ShardIterFactory:
        """Iterators over speech in shards."""
        rank, world_size = 0, 1
        if iter_options.distributed:
            rank, world_size = torch.distributed.get_rank(), torch.distributed.get_world_size()
        return ShardIterFactory(
            ShardDataset(sampler, iter_options.preprocess_fn, args.seed),
            ShardBatches(sampler, iter_options.batch_size, args.seed, rank, world_size),
            iter_options.num_iters_per_epoch,
            args.num_workers,
            iter_options.collate_fn,
            pin_memory=args.ngpu > 0,
        )

    @classmethod
    def build_model(cls, args: Namespace) -> ESPnetGANCodecModel:
        """The model of `args.codec`. All its options are stored in `args`, so that config.yaml contains them."""
        if args.codec != "decodec":
            args.codec_conf = baseline_options(args.codec, args.codec_conf)
            codec = codec_choices.get_class(args.codec)(**deepcopy(args.codec_conf))
            return ESPnetGANCodecModel(codec=codec, **args.model_conf)
        conf = deepcopy(args.codec_conf)
        if conf.get("teacher") == "none":
            conf["teacher"] = None
        check_arguments(GANDeCodec, conf, "codec_conf")
        check_arguments(ESPnetGANCodecModel, args.model_conf, "model_conf")
        codec = GANDeCodec(**conf)
        args.codec_conf = {**conf, "codec": deepcopy(codec.codec.config), **codec.settings()}
        return DeCodecESPnetModel(codec=codec, **args.model_conf)


def sample_rate(args: Namespace) -> int:
    """Sample rate in Hz of the codec that is trained."""
    if args.codec == "decodec":
        return complete(args.codec_conf.get("codec") or {})["sample_rate"]
    return args.codec_conf.get("sampling_rate", 24000)


def segment_sampler(path: str, options: dict[str, Any]) -> SegmentSampler:
    """The sampler of a wav.scp, or of a shards.json, whose weights were set when it was written.

    Raises:
        ValueError: if the recordings cannot be used.
    """
    if not path.endswith(LIST):
        return DiskSegmentSampler(path, **options)
    return ShardSegmentSampler(path, **{name: value for name, value in options.items() if "weight" not in name})


def _audio_scp(data: list) -> str:
    """Path of the wav.scp of the data named `audio`."""
    for path, name, _ in data:
        if name == "audio":
            return path
    raise ValueError(
        "There are no data with the name audio; give --train_data_path_and_name_and_type wav.scp,audio,sound."
    )
