"""A benchmark folder as `decodec evaluate` writes it, with random scores and synthetic recordings."""

import csv
import random
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
HOSTILE = '<script>alert("x")</script> & "co" \'s'
METRICS = ("si_sdr", "si_sdri", "mel", "pesq", "stoi", "dnsmos_ovrl", "level")
SYSTEMS = {
    "noisy input": None,
    "ours 1+1": 1.0,
    "ours 2+2": 2.0,
    "ours 4+4": 4.0,
    "ours 8+8": 8.0,
    "encodec 1.5": 1.5,
    "encodec 6": 6.0,
    "a denoiser": None,
    "a denoiser, then opus 12": 12.0,
    HOSTILE: 3.0,
}
CONDITIONS = ("-5", "0", "10", "clean", "background")
TARGETS = ("speech", "background", "mixture")
HEAD = {
    "command": "decodec evaluate <data> -o out",
    "commit": "abc1234",
    "date": "2026-01-01 00:00 UTC",
    "machine": "A & B",
}


def write_comparison(folder: Path, each: int = 3, keep: int = 1, seconds: float = 0.4, conditions=CONDITIONS) -> Path:
    """Write scores.csv, summary.csv, summary.md and wav/; DNSMOS is undefined everywhere."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(0)
    rows = [
        row(draw, system, condition, target, f"rec{i}_{condition}")
        for condition in conditions
        for i in range(each)
        for system in SYSTEMS
        for target in TARGETS
    ]
    write_csv(folder / "scores.csv", rows)
    write_csv(folder / "summary.csv", list(summaries(rows)))
    lines = [
        "# Scores",
        "",
        *(f"- {key}: {value}" for key, value in HEAD.items()),
        "",
        "## Speech",
        "",
        "- no: head",
    ]
    (folder / "summary.md").write_text("\n".join(lines), encoding="utf-8")
    for condition in conditions:
        for i in range(min(keep, each)):
            write_audio(folder / "wav", f"rec{i}_{condition}", i, int(seconds * RATE), RATE)
    return folder


def row(draw: random.Random, system: str, condition: str, target: str, uttid: str) -> dict[str, str]:
    """One line of scores.csv: better with the rate, PESQ and STOI of speech alone."""
    rate = SYSTEMS[system]
    quality = 2 * (rate or 2) ** 0.5 + draw.gauss(0, 1)
    values = {"si_sdr": quality, "si_sdri": quality + 3, "mel": 3 / (4 + quality), "level": quality - 9}
    if target == "speech":
        values |= {"pesq": 1 + abs(quality) / 4, "stoi": min(1, 0.6 + quality / 40)}
    silent = (target, condition) in {("background", "clean"), ("speech", "background")}
    figures = {m: "" if m not in values or (silent and m != "level") else f"{values[m]:.4f}" for m in METRICS}
    about = {
        "system": system,
        "kbps": "" if rate is None else f"{rate:g}",
        "condition": condition,
        "seen": "unseen",
    }
    return about | {"uttid": uttid, "speaker": "anna", "target": target} | figures


def summaries(rows):
    """Lines of summary.csv; the intervals are minimum and maximum."""
    groups = {}
    for line in rows:
        for metric in METRICS:
            key = line["system"], line["kbps"], line["condition"], line["target"], metric
            groups.setdefault(key, []).extend([float(line[metric])] if line[metric] else [])
    for key, values in groups.items():
        figures = ["", "", ""]
        if values:
            mean = sum(values) / len(values)
            figures = [f"{x:.4f}" for x in (mean, min(values), max(values))]
        names = ("system", "kbps", "condition", "target", "metric", "mean", "low", "high", "count")
        yield dict(zip(names, (*key, *figures, str(len(values)))))


def write_audio(folder: Path, uttid: str, seed: int, samples: int, rate: int) -> None:
    """References, and outputs of all systems but the noisy input."""
    noise = np.random.default_rng(seed).normal(size=samples)
    time = np.arange(samples) / rate
    hum = sum(np.sin(2 * np.pi * 140 * k * time + np.sin(9 * time)) / k for k in range(1, 30))
    speech = 0.05 * hum * (np.sin(2 * np.pi * 2 * time) > -0.3)
    stems = {"speech": speech, "background": 0.03 * noise, "mixture": speech + 0.03 * noise}
    names = [name.replace("/", "_") for name in SYSTEMS if name != "noisy input"]
    for i, name in enumerate(("_truth", *names)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for target, wav in stems.items():
            changed = wav + 0.002 * i * noise
            soundfile.write(
                folder / name / f"{uttid}.{target}.{('flac', 'wav')[i % 2]}", changed, rate, subtype="PCM_16"
            )


def write_examples(folder: Path, group: str) -> Path:
    """Two examples with a source, its conversion, and a longer reference."""
    draw = np.random.default_rng(1)
    for name, seconds in (("source", 0.4), ("converted", 0.4), ("reference", 0.9)):
        soundfile.write(folder / f"{name}.wav", 0.1 * draw.normal(size=int(seconds * RATE)), RATE)
    notes = {"source": "what is said", "converted": "similarity 0.61 & <more>", "reference": ""}
    names = ("group", "example", "label", "file", "note")
    rows = [
        dict(zip(names, (group, example, label, f"{label}.wav", note)))
        for example in ("utt 1", "utt 2")
        for label, note in notes.items()
    ]
    write_csv(folder / "examples.csv", rows)
    return folder


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    """A CSV file with the keys of the first row as its columns."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
