"""Checks that a training took steps. ESPnet exits with code 0 in some cases where it did not."""

import json
from pathlib import Path

EPOCHS_FILE = "epochs.jsonl"
"""Written by `DeCodecTrainer`, one line per epoch and phase."""


def check_training(folder: str | Path) -> str:
    """Summarize a finished training of the codec task in one line.

    Args:
        folder: of the experiment.

    Raises:
        ValueError: if no steps were taken, nothing was validated, the losses are not finite, or there is no best model.
    """
    folder = Path(folder)
    if not (folder / EPOCHS_FILE).is_file():
        raise ValueError(f"{folder} has no {EPOCHS_FILE}: no epoch was finished.")
    lines = [json.loads(line) for line in (folder / EPOCHS_FILE).read_text(encoding="utf-8").splitlines()]
    last = {phase: [line for line in lines if line["phase"] == phase][-1:] for phase in ("train", "valid")}
    for phase, found in last.items():
        if not found:
            raise ValueError(f"{folder}: no {phase} epoch was finished.")
        if not found[0]["batches"]:
            raise ValueError(f"{folder}: the last {phase} epoch had no batches.")
    train, valid = (found[0] for found in last.values())
    if train.get("loss") is None or all(valid.get(name) is None for name in ("loss", "distance", "mel_loss")):
        raise ValueError(f"{folder}: the losses of epoch {train['epoch']} are not finite.")
    best = sorted(path for path in folder.glob("valid.*.best.pth") if path.exists())
    if not best or not (folder / "checkpoint.pth").exists():
        raise ValueError(f"{folder} has no best model or no checkpoint.pth.")
    model = f"{best[0].resolve().name} ({best[0].name})"
    return f"{folder}: {train['epoch']} epochs, {train['steps']} steps, best model {model}"
