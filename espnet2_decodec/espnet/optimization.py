"""Optimizers and learning rates of the codec task, completed from what the config says."""

from argparse import Namespace

COSINE = "cosineannealingwarmuprestarts"

UNTIL_THE_END = {"warmup_steps": 200, "max_lr": None, "min_lr": None, "first_cycle_steps": None}

OPTIMIZATION = {
    "optim": "adamw",
    "optim_conf": {"lr": 1e-3, "betas": [0.9, 0.99], "weight_decay": 1e-3},
    "scheduler": COSINE,
    "scheduler_conf": UNTIL_THE_END,
    "optim2": "adamw",
    "optim2_conf": {"lr": 5e-4, "betas": [0.8, 0.99], "weight_decay": 0.0},
    "scheduler2": COSINE,
    "scheduler2_conf": UNTIL_THE_END,
}
"""Defaults of the generator, and with a 2 of the discriminator. What is None follows from the rest."""


def complete(args: Namespace) -> None:
    """Fill up the optimizers' and schedulers' options in `args`.

    A config that gives some options of a default optimizer or scheduler keeps the default of the others. A
    cosine schedule runs from the optimizer's learning rate down to a hundredth of it, over the whole training.

    Raises:
        ValueError: if nobody says how long the training is.
    """
    for name in ("optim", "scheduler", "optim2", "scheduler2"):
        if getattr(args, name) == OPTIMIZATION[name]:
            given = getattr(args, f"{name}_conf")
            setattr(args, f"{name}_conf", {**OPTIMIZATION[f"{name}_conf"], **given})
    for suffix in ("", "2"):
        if getattr(args, f"scheduler{suffix}") == COSINE:
            conf = getattr(args, f"scheduler{suffix}_conf")
            if conf.get("max_lr") is None:
                conf["max_lr"] = getattr(args, f"optim{suffix}_conf")["lr"]
            if conf.get("min_lr") is None:
                conf["min_lr"] = conf["max_lr"] * 0.01
            if conf.get("first_cycle_steps") is None:
                conf["first_cycle_steps"] = _steps(args) + 1
            conf["warmup_steps"] = min(conf["warmup_steps"], conf["first_cycle_steps"] // 2)


def _steps(args: Namespace) -> int:
    """Generator steps of the whole training."""
    if args.num_iters_per_epoch is None or args.iterator_type != "sequence":
        raise ValueError("Give num_iters_per_epoch (sequence iterator) or first_cycle_steps in scheduler_conf.")
    return args.max_epoch * args.num_iters_per_epoch
