"""Default optimizers and learning rate schedules, completed from the config."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

COSINE = "cosineannealingwarmuprestarts"


def cosine_conf(warmup_steps: int) -> dict[str, Any]:
    """Options of one cosine cycle over the whole training; those that are None follow from the other options."""
    return {"warmup_steps": warmup_steps, "max_lr": None, "min_lr": None, "first_cycle_steps": None}


def complete_optimization(args: Namespace, defaults: Mapping[str, Any]) -> None:
    """Complete the options of optimizers and schedulers in `args`.

    A config that gives some options of a default optimizer or scheduler keeps the defaults of the others. A cosine
    schedule runs from the optimizer's learning rate down to a hundredth of it, over the whole training. There is none
    while statistics are collected.

    Args:
        args: options of the training.
        defaults: of the task, by name: optim, optim_conf, scheduler, scheduler_conf, and with a 2 for a second
            optimizer.

    Raises:
        ValueError: if the length of the training is not given.
    """
    names = [name for name in ("optim", "scheduler", "optim2", "scheduler2") if name in defaults]
    for name in names:
        if getattr(args, name) == defaults[name]:
            setattr(args, f"{name}_conf", {**defaults[f"{name}_conf"], **getattr(args, f"{name}_conf")})
    for name in names:
        if name.startswith("scheduler") and getattr(args, name) == COSINE:
            if args.collect_stats:
                setattr(args, name, None)
                continue
            conf = getattr(args, f"{name}_conf")
            if conf.get("max_lr") is None:
                conf["max_lr"] = getattr(args, name.replace("scheduler", "optim") + "_conf")["lr"]
            if conf.get("min_lr") is None:
                conf["min_lr"] = conf["max_lr"] * 0.01
            if conf.get("first_cycle_steps") is None:
                conf["first_cycle_steps"] = _total_steps(args) + 1
            conf["warmup_steps"] = min(conf["warmup_steps"], conf["first_cycle_steps"] // 2)


def _total_steps(args: Namespace) -> int:
    """Optimizer steps of the whole training."""
    if args.num_iters_per_epoch is None or args.iterator_type != "sequence":
        raise ValueError(
            "Give num_iters_per_epoch (with the sequence iterator), or first_cycle_steps in scheduler_conf."
        )
    return args.max_epoch * -(-args.num_iters_per_epoch // args.accum_grad)
