"""Error rates of an experiment, kept set by set, and as tables in Markdown."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.evaluation.asr_scoring import Errors, count, find_scorer
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.tables import markdown_table

UNITS = {"char": "CER", "word": "WER"}
RECORD = "errors.json"
"""Beside the recognized text of a set."""

NOISY = ("0", "5", "10")
"""SNRs in dB that the mean of the noisy sets is over."""


def score(references: Mapping[str, str | Path], answers: str | Path, out: str | Path) -> str:
    """Write out/<set>/{text,errors.json,<unit>.align} for recognized text in which ids are <set>/<utterance>.

    Args:
        references: Kaldi table of text of each set.
        answers: what was recognized; a line may have no text.
        out: folder.

    Returns:
        What was scored with: sclite's path or "jiwer".

    Raises:
        ValueError: if utterances are missing or left over.
    """
    scorer = find_scorer()
    recognized: dict[str, dict[str, str]] = {name: {} for name in references}
    for line in Path(answers).read_text(encoding="utf-8").splitlines():
        key, _, text = line.partition(" ")
        name, _, utterance = key.partition("/")
        if name not in recognized:
            raise ValueError(f"{answers}: {key} is of none of the sets {', '.join(references)}.")
        recognized[name][utterance] = text.strip()
    for name, path in references.items():
        folder = Path(out, name)
        folder.mkdir(parents=True, exist_ok=True)
        spoken, texts = read_table(path), recognized[name]
        errors = {unit: asdict(count(spoken, texts, unit, scorer, folder / f"{unit}.align")) for unit in UNITS}
        (folder / "text").write_text("".join(f"{key} {texts[key]}\n" for key in sorted(texts)), encoding="utf-8")
        (folder / RECORD).write_text(json.dumps({"scorer": Path(scorer).name, **errors}) + "\n", encoding="utf-8")
    return scorer


def rates(folder: str | Path) -> dict[str, dict[str, float]]:
    """Unit -> condition (`clean`, `20`, ... and `noisy`, the mean over 0 to 10 dB) -> percent, of one decoding."""
    found: dict[str, dict[str, float]] = {unit: {} for unit in UNITS}
    for record in Path(folder).glob(f"test_*/{RECORD}"):
        errors = json.loads(record.read_text(encoding="utf-8"))
        for unit in UNITS:
            found[unit][record.parent.name.removeprefix("test_").removeprefix("snr")] = Errors(**errors[unit]).percent
    for values in found.values():
        if set(NOISY) <= values.keys():
            values["noisy"] = mean(values[snr] for snr in NOISY)
    return found


def report(folder: str | Path, head: Mapping[str, str]) -> str:
    """Write RESULTS.md of an experiment, all its decodings together, and return it.

    Args:
        folder: of the experiment, in which decode_*/<set>/errors.json are.
        head: lines for the block of environments, beside the usual ones.
    """
    folder = Path(folder)
    decodings = {path.name: [rates(path)] for path in sorted(folder.glob("decode_*")) if path.is_dir()}
    scorers = {json.loads(path.read_text(encoding="utf-8"))["scorer"] for path in folder.glob(f"decode_*/*/{RECORD}")}
    lines = [
        f"# {folder.name}",
        "",
        "## Environments",
        "",
        *(f"- {key}: {value}" for key, value in (head | _versions()).items()),
    ]
    lines += [f"- scored with: {', '.join(sorted(scorers))}", "", *tables(decodings)]
    text = "\n".join(lines) + "\n"
    with atomic_write(folder / "RESULTS.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return text


def tables(rows: Mapping[str, Sequence[Mapping[str, Mapping[str, float]]]], caption: str = "") -> list[str]:
    """A Markdown table for each unit: names down, conditions across.

    Args:
        rows: name -> `rates` of its runs; of several, mean and standard deviation are told.
        caption: what a name is, for the head of its column.
    """
    lines = []
    for unit, title in UNITS.items():
        conditions = _ordered({name for runs in rows.values() for run in runs for name in run[unit]})
        cells = {name: [_cell([run[unit].get(c) for run in runs]) for c in conditions] for name, runs in rows.items()}
        body = [[name, str(len(rows[name])), *cells[name]] for name in rows]
        heads = [{"clean": "clean", "noisy": "mean of 0 to 10 dB"}.get(c, f"{c} dB") for c in conditions]
        lines += [f"## {title} %", "", *markdown_table([caption, "runs", *heads], body), ""]
    return lines[:-1]


def compare(rows: Mapping[str, Sequence[str | Path]]) -> str:
    """Tables of several experiments, and what each reaches relative to the first.

    Args:
        rows: name -> folders decode_* of its runs, such as those of several seeds.

    Raises:
        ValueError: if a folder holds no error rates.
    """
    found = {name: [rates(folder) for folder in folders] for name, folders in rows.items()}
    for name, runs in found.items():
        for folder, run in zip(rows[name], runs):
            if not run["char"]:
                raise ValueError(f"{folder} of {name} holds no error rates: run stage 16 first.")
    lines = tables(found, "frontend")
    first = next(iter(found))
    conditions = [c for c in ("clean", "noisy") if all(c in run["char"] for runs in found.values() for run in runs)]
    if len(found) > 1 and conditions:
        means = {name: {c: mean(run["char"][c] for run in runs) for c in conditions} for name, runs in found.items()}
        body = [[name, *(f"{values[c] / means[first][c]:.2f}" for c in conditions)] for name, values in means.items()]
        heads = [{"clean": "clean", "noisy": "mean of 0 to 10 dB"}[c] for c in conditions]
        lines += ["", f"## CER relative to {first}", "", *markdown_table(["frontend", *heads], body)]
    return "\n".join(lines)


def _ordered(conditions: Iterable[str]) -> list[str]:
    """Clean first, then SNRs going down, then the mean."""
    return sorted(
        conditions, key=lambda c: (c == "noisy", c != "clean", -float(c) if c not in ("clean", "noisy") else 0)
    )


def _cell(values: Sequence[float | None]) -> str:
    """Mean of the runs, with the standard deviation where there are several."""
    if any(value is None for value in values):
        return "-"
    return f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def _versions() -> dict[str, str]:
    """The usual lines, less the command, which the recipe tells."""
    import espnet2

    known = environment()
    del known["command"]
    return known | {"software": f"{known['software']}, ESPnet {espnet2.__version__}"}
