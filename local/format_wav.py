"""From recordings to Kaldi data directories: decode, resample, split, write, list."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from espnet2_decodec.progress import progress
from local import audio, data_dir
from local.debian import sha256
from local.recording import ROOMS, SPLITS, STREAMS, Recording, ascii_name, utterance_id


@dataclass(frozen=True)
class Result:
    """The utterances of one recording, or the reason why there are none."""

    recording: Recording
    utterances: tuple[data_dir.Utterance, ...]
    problem: str = ""


def format_recording(named: tuple[str, Recording], wav_folder: Path) -> Result:
    """Write one recording below ``wav_folder``; a long one without transcript is split into chunks of about 30 s."""
    name, recording = named
    try:
        samples = audio.load(recording.path, recording.start, recording.seconds, recording.channel)
    except ValueError as error:
        return Result(recording, (), str(error))
    if recording.stream == ROOMS:
        return format_response(named, samples, wav_folder)
    chunks = [samples] if recording.text else audio.split(samples)
    speaker = ascii_name(recording.speaker)
    utterances = []
    for number, chunk in enumerate(chunks):
        if not audio.is_usable(chunk):
            continue
        chunk_name = name if len(chunks) == 1 else f"{name}_{number:03d}"
        path = wav_folder / speaker / f"{chunk_name}.wav"
        audio.write(path, chunk)
        seconds = len(chunk) / audio.SAMPLE_RATE
        utterances.append(
            data_dir.Utterance(chunk_name, path, speaker, seconds, recording.text, recording.background_class)
        )
    return Result(recording, tuple(utterances), "" if utterances else "silent or too short")


def format_response(named: tuple[str, Recording], samples: np.ndarray, wav_folder: Path) -> Result:
    """Write one room impulse response from its direct sound on, with a peak of 0.9."""
    name, recording = named
    response = audio.from_direct_sound(samples)
    if not len(response):
        return Result(recording, (), "silent")
    speaker = ascii_name(recording.speaker)
    path = wav_folder / speaker / f"{name}.wav"
    audio.write(path, response)
    return Result(recording, (data_dir.Utterance(name, path, speaker, len(response) / audio.SAMPLE_RATE),))


def remove_duplicates(recordings: Iterable[Recording]) -> tuple[list[Recording], list[Result]]:
    """Keep one of several identical files, that of the test set first, so that no sound is in two sets.

    Returns:
        The recordings that are kept, and the results of the duplicates.
    """
    order = {"test": 0, "dev": 1, "train": 2}
    ordered = sorted(recordings, key=lambda r: order[r.split])
    sizes = {path: path.stat().st_size for path in {r.path for r in ordered}}
    count = Counter(sizes.values())
    digests: dict[Path, str] = {}
    first: dict[tuple, Recording] = {}
    duplicates = []
    for recording in progress(ordered, desc="searching duplicates"):
        path, size = recording.path, sizes[recording.path]
        if path not in digests:  # a file whose size is unique need not be read
            digests[path] = sha256(path) if count[size] > 1 else str(path)
        part = (size, digests[path], recording.start, recording.seconds, recording.channel)
        kept = first.setdefault(part, recording)
        if kept is not recording:
            duplicates.append(Result(recording, (), f"identical to {kept.path}"))
    return list(first.values()), duplicates


def assign_ids(recordings: list[Recording]) -> list[tuple[str, Recording]]:
    """An utterance id for each; where two names are equal in ASCII, digits of the name's hash are appended."""
    ids = [utterance_id(recording) for recording in recordings]
    count = Counter(ids)
    named = []
    for name, recording in zip(ids, recordings, strict=True):
        if count[name] > 1:
            full = f"{recording.name}{recording.path.suffix}"
            name = f"{name}_{hashlib.sha256(full.encode()).hexdigest()[:6]}"
        named.append((name, recording))
    return named


def prepare(recordings: Iterable[Recording], data: Path, size: str, processes: int = 2) -> list[Result]:
    """Write ``data/<size>/<stream>_<split>`` for all six sets and those of rooms, and the wav files.

    The wav files are below ``data/<size>_wav``. Sets of rooms are written if there are rooms.

    Args:
        recordings: Those of all sets.
        data: Root of the data directories.
        size: Name of the corpus.
        processes: Parallel processes.

    Returns:
        The results of the recordings without utterances.

    Raises:
        ValueError: A set would be empty.
    """
    kept, duplicates = remove_duplicates(recordings)
    results = list(_format_all(assign_ids(kept), data / f"{size}_wav", processes))
    write_sets(results, data / size)
    return [*duplicates, *(result for result in results if result.problem)]


def write_sets(results: Iterable[Result], folder: Path) -> None:
    """Write ``folder/<stream>_<split>`` for all six sets and those of rooms.

    Raises:
        ValueError: A set would be empty.
    """
    results = list(results)
    for stream in (*STREAMS, ROOMS):
        for split in SPLITS:
            selected = [r for r in results if (r.recording.stream, r.recording.split) == (stream, split)]
            place = folder / f"{stream}_{split}"
            if stream == ROOMS and not any(result.utterances for result in selected):
                shutil.rmtree(place, ignore_errors=True)
                continue
            data_dir.write(place, [utterance for result in selected for utterance in result.utterances])
            noisy = sorted({ascii_name(r.recording.speaker) for r in selected if r.recording.noisy})
            if noisy:
                (place / "noisy_speakers").write_text("".join(f"{speaker}\n" for speaker in noisy))


def _format_all(named: list[tuple[str, Recording]], wav_folder: Path, processes: int) -> Iterator[Result]:
    """Yield the results in order; the progress names the present speaker or source."""
    job = partial(format_recording, wav_folder=wav_folder)
    with progress(desc="converting", total=len(named)) as bar, get_context("spawn").Pool(processes) as pool:
        for result in pool.imap(job, named, chunksize=8) if processes > 1 else map(job, named):
            bar.set_description_str(f"converting {result.recording.stream}, {result.recording.speaker}", refresh=False)
            bar.update()
            yield result
