"""Decoded streams as data directories that VERSA and ESPnet's scoring read, and means of VERSA's scores."""

import ast
import json
import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from espnet2_decodec.data.kaldi import Table, read_optional_table, read_table, write_data_dir, write_table
from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN, condition_order

REFERENCES = {
    "speech": ("speech.scp", BACKGROUND_ONLY),
    "background": ("background.scp", CLEAN),
    "both": ("mixture.scp", ""),
}
"""Decoded stream -> table of its references, and the condition in which these are silent."""


def write_scoring_dirs(mixtures: str | Path, decoded: str | Path, out: str | Path) -> dict[str, int]:
    """Write OUT/<stream>/{wav.scp,ref.scp,utt2spk,spk2utt,text} for each decoded stream.

    Utterances whose reference is silence are left out: speech where there is background alone, and background of clean
    speech. `text` has the utterances with a transcript, and is not written if there are none.

    Args:
        mixtures: folder that `make_mixtures` wrote.
        decoded: folder that `resynthesize` wrote.
        out: output folder.

    Returns:
        Stream -> number of utterances.

    Raises:
        ValueError: if a table is missing, or has no line for an utterance of another.
    """
    mixtures, decoded, out = Path(mixtures), Path(decoded), Path(out)
    conditions, speakers = read_table(mixtures / "utt2snr"), read_table(mixtures / "utt2spk")
    texts, counts = read_optional_table(mixtures / "text"), {}
    for stream, (table, silent) in REFERENCES.items():
        if not (decoded / f"{stream}.scp").is_file():
            continue
        wavs, references = read_table(decoded / f"{stream}.scp"), read_table(mixtures / table)
        for other in (conditions, speakers, references):
            other.require(wavs)
        kept = [key for key in wavs if conditions[key] != silent]
        if not kept:
            continue
        tables: dict[str, Mapping[str, object]] = {
            "wav.scp": {key: wavs[key] for key in kept},
            "utt2spk": {key: speakers[key] for key in kept},
        }
        transcripts = {key: texts[key] for key in kept if key in texts and stream != "background"}
        write_data_dir(out / stream, tables | ({"text": transcripts} if transcripts else {}))
        write_table(out / stream / "ref.scp", {key: references[key] for key in kept})
        counts[stream] = len(kept)
    return counts


def summarize_versa(folders: Mapping[str, str | Path], conditions: str | Path) -> str:
    """Means of VERSA's scores by condition, as a table in Markdown for each stream.

    Args:
        folders: stream -> folder with versa.*.txt, of which each line has the scores of an utterance.
        conditions: table utt2snr.

    Raises:
        ValueError: if a folder has no scores, or a line cannot be read.
    """
    snrs, parts = read_table(conditions), []
    for stream, folder in folders.items():
        sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        paths = sorted(Path(folder).glob("versa.*.txt"))
        for path in paths:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                key, scores = _parse(line, f"{path}, line {number}", snrs)
                for name, value in scores.items():
                    sums[name][snrs[key]].append(value)
        if not sums:
            raise ValueError(f"{folder} has no scores of VERSA: the files versa.*.txt are missing or empty.")
        columns = sorted({snr for found in sums.values() for snr in found}, key=condition_order)
        rows = [["score", *columns], [":--", *("--:" for _ in columns)]]
        for name, found in sums.items():
            rows.append([name, *(f"{sum(found[c]) / len(found[c]):.3f}" if found.get(c) else "" for c in columns)])
        lines = ("| " + " | ".join(row) + " |" for row in rows)
        parts.append(f"## {stream}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _parse(line: str, place: str, known: Table) -> tuple[str, dict[str, float]]:
    """Utterance and finite numbers of a line, which is JSON or, from older versions, a Python dict."""
    try:
        try:
            found = json.loads(line)
        except ValueError:
            found = ast.literal_eval(line)
        key = found["key"]
        if key not in known:
            raise KeyError(key)
    except (ValueError, SyntaxError, KeyError, TypeError):
        raise ValueError(f"{place} is not a line of VERSA's scores for an utterance of {known.path}.") from None
    numbers = {name: value for name, value in found.items() if isinstance(value, (int, float)) and name != "key"}
    return key, {name: float(value) for name, value in numbers.items() if math.isfinite(value)}
