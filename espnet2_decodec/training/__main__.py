"""python -m espnet2_decodec.training: train DeCodec without ESPnet.

Several processes: torchrun --nproc_per_node 2 -m espnet2_decodec.training ...; `batch_size` is that of each process.
"""

import argparse
import logging
import os
from pathlib import Path

import torch
import torch.distributed as dist

from espnet2_decodec.data.config import load_yaml
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.training.config import init_from, set_options, trainer_options
from espnet2_decodec.training.data import read_data
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import Objective


def main(argv: list[str] | None = None) -> None:
    """Run the command line, see --help."""
    parser = argparse.ArgumentParser(prog="python -m espnet2_decodec.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with speech_train, background_train, *_dev")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, logs and the model")
    parser.add_argument(
        "--config", type=Path, help="YAML file, e.g. conf/codec/train_decodec.yaml; see docs/training.md"
    )
    parser.add_argument("--init", help="folder of a codec to start from, or `default` for the one in the package")
    default_device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=default_device, help="cpu or cuda (default: cuda if available)")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="options of the config, e.g. trainer_conf.lr=5e-4"
    )
    args = parser.parse_args(argv)
    rank = int(os.environ.get("RANK", 0))
    logging.basicConfig(level=logging.WARNING if rank else logging.INFO, format="%(asctime)s %(message)s")
    config = load_yaml(args.config) if args.config else {}
    set_options(config, args.set)
    options = trainer_options(config)
    torch.manual_seed(options.seed)
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group("nccl" if args.device == "cuda" else "gloo")
    if args.device == "cuda":
        args.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        torch.cuda.set_device(args.device)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    start = init_from(config, args.init) if args.init else None
    objective = Objective(**config.get("codec_conf", {}))
    if start is not None:
        objective.codec.load_state_dict(start.state_dict())
    data = read_data(args.data, objective.codec.sample_rate, args.device)
    mixing = Mixing(**{"sample_rate": objective.codec.sample_rate, **config.get("mixing_conf", {})})
    Trainer(objective, mixing, options, args.out, args.device).train(*data)
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
