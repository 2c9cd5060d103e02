"""Room impulse responses that pyroomacoustics computes: shoebox rooms, one source and one microphone each."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from espnet2_decodec.progress import progress
from local import audio
from local.corpora.corpus import Corpus
from local.recording import ROOMS, Recording

COUNT = 500
DIMENSIONS = ((2.5, 12.0), (2.5, 12.0), (2.4, 4.5))
"""Ranges in meters of length, width and height."""
T60 = (0.15, 0.9)
"""Range in seconds of the reverberation time."""
MARGIN = 0.4
"""Meters between the walls and source or microphone, and between the two."""


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """Responses of different rooms, computed where they are missing; ``simulated:200`` takes 200 rooms.

    Raises:
        ValueError: pyroomacoustics is not installed, or the number of rooms is none or below 3.
    """
    count = corpus.parts[0] if corpus.parts else str(COUNT)
    if not count.isdecimal() or int(count) < 3:
        raise corpus.error(f"the number of rooms is at least 3, as in simulated:{COUNT}, not {count!r}.")
    paths = {f"room{number:05d}": corpus.root / f"room{number:05d}.wav" for number in range(int(count))}
    splits = corpus.split(paths)
    for number, (room, path) in enumerate(progress(paths.items(), desc="simulating rooms", unit="rooms")):
        if not path.is_file():
            write_room(path, number)
        yield Recording(path, ROOMS, splits[room], f"simulated_{room}", room)


def write_room(path: Path, seed: int) -> None:
    """Compute a response [L] of a random room and write it with a peak of 0.9; the same seed gives the same room.

    Raises:
        ValueError: pyroomacoustics is not installed.
    """
    try:
        import pyroomacoustics
    except ImportError:
        raise ValueError("simulated: rooms need pyroomacoustics: pip install '.[rooms]'.") from None
    random = np.random.default_rng([seed, 28])
    size = np.array([random.uniform(*limits) for limits in DIMENSIONS])
    while True:  # small rooms cannot have long, and large ones short reverberation
        try:
            absorption, order = pyroomacoustics.inverse_sabine(random.uniform(*T60), size)
            break
        except ValueError:
            continue
    room = pyroomacoustics.ShoeBox(
        size, fs=audio.SAMPLE_RATE, materials=pyroomacoustics.Material(absorption), max_order=min(order, 40)
    )
    source = random.uniform(MARGIN, size - MARGIN)
    microphone = random.uniform(MARGIN, size - MARGIN)
    while np.linalg.norm(source - microphone) < MARGIN:
        microphone = random.uniform(MARGIN, size - MARGIN)
    room.add_source(source)
    room.add_microphone(microphone)
    room.compute_rir()
    response = room.rir[0][0]
    audio.write(path, (0.9 * response / np.abs(response).max()).astype(np.float32))
