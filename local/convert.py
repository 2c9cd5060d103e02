"""From recordings to Kaldi data directories: decode, resample, cut, write, list."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from local import audio, kaldi
from local.recording import SPLITS, STREAMS, Recording, safe, utterance_id


@dataclass(frozen=True)
class Outcome:
    """What became of one recording: its utterances, or why there are none."""

    recording: Recording
    utterances: tuple[kaldi.Utterance, ...]
    problem: str = ""


def convert(named: tuple[str, Recording], wav_folder: Path) -> Outcome:
    """Write one recording below ``wav_folder``; what is long and has no text in pieces of about 30 s."""
    name, recording = named
    try:
        samples = audio.load(recording.path)
    except ValueError as error:
        return Outcome(recording, (), str(error))
    parts = [samples] if recording.text else audio.pieces(samples)
    utterances = []
    for number, part in enumerate(parts):
        if not audio.is_usable(part):
            continue
        part_name = name if len(parts) == 1 else f"{name}_{number:03d}"
        path = wav_folder / safe(recording.label) / f"{part_name}.wav"
        audio.write(path, part)
        seconds = len(part) / audio.SAMPLE_RATE
        utterances.append(
            kaldi.Utterance(part_name, path, safe(recording.label), seconds, recording.text, recording.sound)
        )
    return Outcome(recording, tuple(utterances), "" if utterances else "silent or too short")


def without_repeats(recordings: Iterable[Recording]) -> tuple[list[Recording], list[Outcome]]:
    """Each file's content once, the test side first, so that no sound is on two sides; and the repeats."""
    order = {"test": 0, "dev": 1, "train": 2}
    first: dict[bytes, Recording] = {}
    repeats = []
    for recording in sorted(recordings, key=lambda r: order[r.split]):
        kept = first.setdefault(hashlib.sha256(recording.path.read_bytes()).digest(), recording)
        if kept is not recording:
            repeats.append(Outcome(recording, (), f"the same as {kept.path}"))
    return list(first.values()), repeats


def name_all(recordings: list[Recording]) -> list[tuple[str, Recording]]:
    """An utterance id for each; where two names become one in ASCII, digits of the name's hash are added."""
    ids = [utterance_id(recording) for recording in recordings]
    count = Counter(ids)
    named = []
    for name, recording in zip(ids, recordings, strict=True):
        if count[name] > 1:
            full = f"{recording.name}{recording.path.suffix}"
            name = f"{name}_{hashlib.sha256(full.encode()).hexdigest()[:6]}"
        named.append((name, recording))
    return named


def prepare(recordings: Iterable[Recording], data: Path, size: str, processes: int = 2) -> list[Outcome]:
    """Write ``data/<size>/<stream>_<split>`` for all six sets, and the wavs below ``data/<size>_wav``.

    Returns:
        The outcomes of the recordings that gave nothing, for the caller to report.

    Raises:
        ValueError: A set would be empty.
    """
    kept, repeats = without_repeats(recordings)
    named = name_all(kept)
    job = partial(convert, wav_folder=data / f"{size}_wav")
    if processes > 1:
        with get_context("spawn").Pool(processes) as pool:
            outcomes = pool.map(job, named, chunksize=8)
    else:
        outcomes = [job(item) for item in named]
    for stream in STREAMS:
        for split in SPLITS:
            chosen = [o for o in outcomes if (o.recording.stream, o.recording.split) == (stream, split)]
            folder = data / size / f"{stream}_{split}"
            kaldi.write(folder, [utterance for outcome in chosen for utterance in outcome.utterances])
            noisy = sorted({safe(o.recording.label) for o in chosen if o.recording.noisy})
            if noisy:
                (folder / "noisy_speakers").write_text("".join(f"{label}\n" for label in noisy))
    return [*repeats, *(outcome for outcome in outcomes if outcome.problem)]
