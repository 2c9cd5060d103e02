"""Models, datasets and collate functions can be pickled and copied; data workers may be spawned."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest
import torch
from espnet2.train.distributed_utils import DistributedOption
from torch.utils.data import DataLoader

from espnet2_decodec.espnet.asr_task import DeCodecASRTask
from espnet2_decodec.espnet.codec_task import DeCodecTask
from espnet2_decodec.espnet.tts_task import DeCodecTTSTask

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["codec", "asr", "tts"])
def training(request, options, asr_place, asr_training, tts_place, tts_options):
    """Task, options and model of a training with one data worker."""
    task, command = {
        "codec": (DeCodecTask, [*options, "--output_dir", "nowhere"]),
        "asr": (DeCodecASRTask, asr_training(asr_place, "nowhere")),
        "tts": (DeCodecTTSTask, [*tts_options(tts_place), "--output_dir", "nowhere", "--batch_type", "unsorted"]),
    }[request.param]
    args = task.parse([*command, "--num_workers", "1"])
    args.distributed = False
    return task, args, task.build_model(args)


@pytest.fixture
def spawn():
    """Processes are spawned, as on macOS and Windows."""
    method = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    yield
    multiprocessing.set_start_method(method, force=True)


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_models_can_be_pickled_and_copied(training):
    _, _, model = training
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert type(again) is type(model) and same(again.state_dict(), model.state_dict())


def test_a_spawned_worker_gives_the_batches_of_this_process(training, spawn):
    task, args, _ = training
    factory = task.build_iter_factory(args, DistributedOption(), "train")
    loader = factory.build_iter(1)
    (names, batch), *_ = loader
    np.random.seed(1 + args.seed)  # as ESPnet seeds the first worker in this epoch
    data = [copy.deepcopy(pickle.loads(pickle.dumps(factory.dataset)))[name] for name in names]
    own_names, own = factory.collate_fn(data)
    assert loader.num_workers == 1 and names == own_names and same(batch, own)


def test_a_loader_with_the_context_of_spawned_processes(training):
    task, args, _ = training
    factory = task.build_iter_factory(args, DistributedOption(), "valid")
    items = [("m0",), ("m1",)] if task is DeCodecTask else [("u0",), ("u1",)]
    arguments = {"batch_sampler": items, "collate_fn": factory.collate_fn}
    spawned = DataLoader(factory.dataset, num_workers=1, multiprocessing_context="spawn", **arguments)
    for (names, batch), (own_names, own) in zip(spawned, DataLoader(factory.dataset, **arguments), strict=True):
        assert names == own_names and same(batch, own)
