"""python -m espnet2_decodec.training: train DeCodec without ESPnet.

Several processes: torchrun --nproc_per_node 2 -m espnet2_decodec.training ...; `batch_size` is that of each process.
"""

import logging
import os
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from espnet2_decodec.arguments import device, output_folder
from espnet2_decodec.data.config import load_yaml
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.program import ProgramParser, run_program, stop_on_signals
from espnet2_decodec.training.config import init_from, set_options, trainer_options
from espnet2_decodec.training.data import read_data, read_rooms
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.ranks import watch_parent

COLLECTIVE_TIMEOUT = timedelta(minutes=10)
"""Limit of the time that a rank waits for the others, such as one on a machine that does not answer any more."""


def main(argv: list[str] | None = None) -> None:
    """Run the command line, see --help."""
    parser = ProgramParser(prog="python -m espnet2_decodec.training", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with speech_train, background_train, *_dev, and optionally room impulse responses in rir_train",
    )
    parser.add_argument(
        "--shards", action="store_true", help="read speech_train/shards and background_train/shards while training"
    )
    parser.add_argument("--out", type=output_folder, required=True, help="folder for checkpoints, logs and the model")
    parser.add_argument(
        "--config", type=Path, help="YAML file, e.g. conf/codec/train_decodec.yaml; see docs/training.md"
    )
    parser.add_argument("--init", help="folder of a codec to start from, or `default` for the one in the package")
    parser.add_argument("--device", type=device, default="auto", help="cpu or cuda (default: cuda if available)")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="options of the config, e.g. trainer_conf.lr=5e-4"
    )
    args = parser.parse_args(argv)
    if "WORLD_SIZE" in os.environ:  # a rank that waits for others in an operation can only be ended by default actions
        watch_parent()
    else:
        stop_on_signals()
    rank = int(os.environ.get("RANK", 0))
    logging.basicConfig(level=logging.WARNING if rank else logging.INFO, format="%(asctime)s %(message)s")
    config = set_options(load_yaml(args.config) if args.config else {}, args.set)
    options = trainer_options(config)
    torch.manual_seed(options.seed)
    if "WORLD_SIZE" in os.environ:
        backend = "nccl" if args.device == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=COLLECTIVE_TIMEOUT)
    if args.device == "cuda":
        args.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        torch.cuda.set_device(args.device)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    start = init_from(config, args.init) if args.init else None
    objective = Objective(**config["codec_conf"])
    if start is not None:
        objective.codec.load_state_dict(start.state_dict())
    mixing = Mixing(**{"sample_rate": objective.codec.sample_rate, **config["mixing_conf"]})
    data = read_data(args.data, objective.codec.sample_rate, args.device, args.shards)
    rooms = read_rooms(args.data, objective.codec.sample_rate)
    Trainer(objective, mixing, options, args.out, args.device, rooms).train(*data)
    if dist.is_initialized():
        dist.barrier()  # gloo aborts where one rank leaves while another one still communicates
        dist.destroy_process_group()


if __name__ == "__main__":
    run_program(main, "Run the same command again to resume from the last checkpoint.")
