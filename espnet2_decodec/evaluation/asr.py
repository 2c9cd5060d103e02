"""Error rates of speech recognition experiments, by test set, and as Markdown tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev

from espnet2_decodec.atomic import atomic_write, write_text
from espnet2_decodec.data.kaldi import read_lines, read_table
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.metrics.error_rate import ErrorCounts, count_errors, find_scorer
from espnet2_decodec.evaluation.tables import bullet_list, markdown_table

UNITS = {"char": "CER", "word": "WER"}

ERRORS_FILE = "errors.json"
"""Beside the recognized text of a test set."""

NOISY_SNRS = ("0", "5", "10")
"""SNRs in dB of the test sets whose mean is the condition `noisy`."""

HEADINGS = {"clean": "clean", "noisy": "mean of 0 to 10 dB"}
"""Headings of conditions that are not an SNR."""

Rates = dict[str, dict[str, float]]
"""Unit -> condition (`clean`, `20`, ... and `noisy`) -> error rate in percent."""


def score_decoding(references: Mapping[str, str | Path], hypotheses: str | Path, out: str | Path) -> str:
    """Write out/<set>/{text,errors.json,<unit>.align} for recognized text with ids <set>/<utterance>.

    Args:
        references: test set -> Kaldi table of its text.
        hypotheses: Kaldi table of recognized text; a line may have no text.
        out: folder.

    Returns:
        The scorer: sclite's path or "jiwer".

    Raises:
        ValueError: if utterances are missing, or belong to no set.
    """
    scorer = find_scorer()
    recognized: dict[str, dict[str, str]] = {name: {} for name in references}
    for _, line in read_lines(hypotheses):
        key, *text = line.split(maxsplit=1)
        name, _, utterance = key.partition("/")
        if name not in recognized:
            raise ValueError(f"{hypotheses}: {key} is in none of the sets {', '.join(references)}.")
        recognized[name][utterance] = "".join(text)
    for name, path in references.items():
        folder = Path(out, name)
        folder.mkdir(parents=True, exist_ok=True)
        truth, texts = read_table(path), recognized[name]
        errors = {unit: asdict(count_errors(truth, texts, unit, scorer, folder / f"{unit}.align")) for unit in UNITS}
        write_text(folder / "text", "".join(f"{key} {texts[key]}\n" for key in sorted(texts)))
        write_text(folder / ERRORS_FILE, json.dumps({"scorer": Path(scorer).name, **errors}) + "\n")
    return scorer


def read_error_rates(folder: str | Path) -> Rates:
    """The error rates of one decoding, a folder decode_* in which test_*/errors.json are."""
    found: Rates = {unit: {} for unit in UNITS}
    for path in Path(folder).glob(f"test_*/{ERRORS_FILE}"):
        errors = json.loads(path.read_text(encoding="utf-8"))
        condition = path.parent.name.removeprefix("test_").removeprefix("snr")
        for unit in UNITS:
            found[unit][condition] = 100 * ErrorCounts(**errors[unit]).rate
    for values in found.values():
        if set(NOISY_SNRS) <= values.keys():
            values["noisy"] = mean(values[snr] for snr in NOISY_SNRS)
    return found


def write_report(folder: str | Path, head: Mapping[str, str]) -> str:
    """Write RESULTS.md of an experiment with all its decodings, and return its text.

    Args:
        folder: of the experiment, in which decode_*/<set>/errors.json are.
        head: lines for the block of environments, beside the usual ones.
    """
    folder = Path(folder)
    decodings = {path.name: [read_error_rates(path)] for path in sorted(folder.glob("decode_*")) if path.is_dir()}
    files = folder.glob(f"decode_*/*/{ERRORS_FILE}")
    scorers = sorted({json.loads(path.read_text(encoding="utf-8"))["scorer"] for path in files})
    entries = {**head, **_espnet_environment(), "scored with": ", ".join(scorers)}
    lines = [f"# {folder.name}", "", "## Environments", "", *bullet_list(entries), "", *error_tables(decodings)]
    text = "\n".join(lines) + "\n"
    with atomic_write(folder / "RESULTS.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return text


def error_tables(runs: Mapping[str, Sequence[Rates]], heading: str = "") -> list[str]:
    """A Markdown table for each unit: names down, conditions across.

    Args:
        runs: name -> error rates of its runs; several become their mean and standard deviation.
        heading: of the column of names.
    """
    lines = []
    for unit, title in UNITS.items():
        conditions = _sorted({c for rates in runs.values() for run in rates for c in run[unit]})
        headings = [heading, "runs", *(HEADINGS.get(c, f"{c} dB") for c in conditions)]
        body = [
            [name, str(len(rates)), *(_mean_and_deviation([run[unit].get(c) for run in rates]) for c in conditions)]
            for name, rates in runs.items()
        ]
        lines += [f"## {title} %", "", *markdown_table(headings, body), ""]
    return lines[:-1]


def compare_experiments(decodings: Mapping[str, Sequence[str | Path]]) -> str:
    """Tables of several experiments, and the CER of each relative to the first.

    Args:
        decodings: name -> folders decode_* of its runs, such as those of several seeds.

    Raises:
        ValueError: if a folder has no error rates.
    """
    runs = {name: [read_error_rates(folder) for folder in folders] for name, folders in decodings.items()}
    for name, rates in runs.items():
        for folder, run in zip(decodings[name], rates):
            if not run["char"]:
                raise ValueError(f"{folder} of {name} has no error rates: run `decodec recipe asr_score` first.")
    lines = error_tables(runs, "frontend")
    first = next(iter(runs))
    conditions = [c for c in ("clean", "noisy") if all(c in run["char"] for rates in runs.values() for run in rates)]
    if len(runs) > 1 and conditions:
        means = {name: {c: mean(run["char"][c] for run in rates) for c in conditions} for name, rates in runs.items()}
        body = [[name, *(f"{values[c] / means[first][c]:.2f}" for c in conditions)] for name, values in means.items()]
        headings = ["frontend", *(HEADINGS[c] for c in conditions)]
        lines += ["", f"## CER relative to {first}", "", *markdown_table(headings, body)]
    return "\n".join(lines)


def _sorted(conditions: Iterable[str]) -> list[str]:
    """Clean first, then SNRs from high to low, then their mean."""
    return sorted(conditions, key=lambda c: (c == "noisy", c != "clean", 0 if c in HEADINGS else -float(c)))


def _mean_and_deviation(values: Sequence[float | None]) -> str:
    """Mean over runs, with the standard deviation where there are several; "-" where a run lacks the condition."""
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return "-"
    return f"{mean(numbers):.1f}" + (f" ± {stdev(numbers):.1f}" if len(numbers) > 1 else "")


def _espnet_environment() -> dict[str, str]:
    """The usual lines with ESPnet's version, without the command, which the recipe gives."""
    import espnet2

    entries = environment()
    del entries["command"]
    return entries | {"software": f"{entries['software']}, ESPnet {espnet2.__version__}"}
