"""Recordings of a Kaldi directory in tar files, for corpora of millions of files; the layout is that of WebDataset."""

import io
import json
import tarfile
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import check_id, read_optional_table, read_table
from espnet2_decodec.io.audio import AudioReader
from espnet2_decodec.io.npy import save_array
from espnet2_decodec.io.pcm16 import to_pcm16

FORMAT = 1
LIST = "shards.json"
"""File that describes a folder of shards: its format, sample rate, files and numbers of recordings."""
FRAMES, OFFSETS, SOURCES, WEIGHTS = "frames.npy", "offsets.npy", "sources.npy", "weights.npy"
"""Arrays [n] over all recordings in the order of the shards: samples, bytes before them in the tar file, number of the
source, relative frequency."""


def write_shards(
    folder: str | Path,
    out: str | Path,
    per_shard: int = 1000,
    part: tuple[int, int] = (1, 1),
    class_weights: Mapping[str, float] | None = None,
    noisy_weight: float = 1.0,
) -> int:
    """Write OUT/000000.tar, ... with the recordings of a data directory in random order, as 16-bit wav files.

    Args:
        folder: data directory with wav.scp and, if there are any, utt2spk, text, utt2class and noisy_speakers; all
            recordings have one sample rate.
        out: output folder; shards that it has already are kept.
        per_shard: number of recordings of each shard but the last.
        part: (k, n): only every n-th shard, beginning with number k of 1..n.
        class_weights: class -> relative frequency of its recordings in training; 1 for those left out.
        noisy_weight: relative frequency of the speakers listed in noisy_speakers.

    Returns:
        Number of shards written now.

    Raises:
        ValueError: if a table or a recording cannot be used.
    """
    folder, out = Path(folder), Path(out)
    paths = read_table(folder / "wav.scp")
    speakers, texts, classes = (read_optional_table(folder / name) for name in ("utt2spk", "text", "utt2class"))
    noisy_file = folder / "noisy_speakers"
    noisy = set(noisy_file.read_text(encoding="utf-8").split()) if noisy_file.is_file() else set()
    if speakers:
        speakers.require(paths)
    rate = AudioReader(next(iter(paths.values()))).source_rate
    written = 0
    shards = split_evenly(paths, per_shard)
    for number, names in list(enumerate(shards))[part[0] - 1 :: part[1]]:
        rows = [
            {
                "id": name,
                "source": speakers.get(name, name),
                "text": texts.get(name, ""),
                "weight": (class_weights or {}).get(classes.get(name, ""), 1.0)
                * (noisy_weight if speakers.get(name) in noisy else 1.0),
            }
            for name in names
        ]
        written += write_shard(out / f"{number:06d}.tar", [paths[name] for name in names], rows, rate)
    return written


def split_evenly(paths: Sequence[str] | Mapping[str, str], per_shard: int) -> list[list[str]]:
    """The ids in the random order that depends on their number alone, cut into shards."""
    names = list(paths)
    order = np.random.default_rng(len(names)).permutation(len(names))
    return [[names[i] for i in order[start : start + per_shard]] for start in range(0, len(names), per_shard)]


def write_shard(path: Path, files: Sequence[str], rows: Sequence[Mapping[str, object]], rate: int) -> bool:
    """Write a tar file with ID.wav and ID.json for each recording, and beside it the table PATH.json of what it holds.

    Returns:
        Whether it was written; False if it is there already, with the same recordings.

    Raises:
        ValueError: if a recording cannot be read or has another sample rate.
    """
    table = path.with_suffix(".json")
    if path.is_file() and table.is_file():
        found = json.loads(table.read_text(encoding="utf-8"))
        if [row["id"] for row in found] == [row["id"] for row in rows]:
            return False
    described = []
    with atomic_write(path) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for file, row in zip(files, rows, strict=True):
            wav, source_rate = _load(file)
            if source_rate != rate:
                raise ValueError(f"{file} is at {source_rate} Hz, but the first recording is at {rate} Hz.")
            content = _wav_file(wav, rate)
            offset = _add(tar, f"{check_id(str(row['id']))}.wav", content)
            header = len(content) - 2 * len(wav)
            _add(tar, f"{row['id']}.json", json.dumps(row, ensure_ascii=False).encode())
            described.append({**row, "frames": len(wav), "offset": offset + header})
    with atomic_write(table) as temporary:
        temporary.write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
    return True


def finish_shards(out: str | Path, sample_rate: int = 16000) -> int:
    """Write the arrays over all shards, and at the end shards.json.

    Returns:
        Number of recordings.

    Raises:
        ValueError: if a shard is missing, or there is none.
    """
    out = Path(out)
    tables = sorted(out.glob("[0-9]*.json"))
    missing = [table for number, table in enumerate(tables) if table.stem != f"{number:06d}"]
    if not tables or missing:
        place = missing[0].with_name(f"{tables.index(missing[0]):06d}.tar") if missing else out / "000000.tar"
        raise ValueError(f"{place} is missing: write the shards again.")
    rows = [row for table in tables for row in json.loads(table.read_text(encoding="utf-8"))]
    sources = sorted({row["source"] for row in rows})
    numbers = {source: number for number, source in enumerate(sources)}
    arrays: dict[str, np.ndarray] = {
        FRAMES: np.array([row["frames"] for row in rows], np.int32),
        OFFSETS: np.array([row["offset"] for row in rows], np.int64),
        SOURCES: np.array([numbers[row["source"]] for row in rows], np.int32),
        WEIGHTS: np.array([row["weight"] for row in rows], np.float32),
    }
    for name, array in arrays.items():
        save_array(out / name, array)
    counts = [len(json.loads(table.read_text(encoding="utf-8"))) for table in tables]
    listed = {
        "format": FORMAT, "sample_rate": sample_rate, "sources": len(sources),
        "shards": [[f"{table.stem}.tar", count] for table, count in zip(tables, counts)],
    }  # fmt: skip
    with atomic_write(out / LIST) as temporary:
        temporary.write_text(json.dumps(listed) + "\n", encoding="utf-8")
    return len(rows)


def _load(file: str) -> tuple[np.ndarray, int]:
    """A recording [L] in the range of 16 bits, and its sample rate."""
    reader = AudioReader(file)
    return torch.cat(list(reader)).numpy().clip(-1, 1), reader.source_rate


def _wav_file(wav: np.ndarray, rate: int) -> bytes:
    """A recording [L] as a WAV file of 16 bits; libsndfile calls back to write to memory, which loses signals."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_pcm16(wav).astype("<i2").tobytes())
    return content.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> int:
    """Append a member; return the offset of its content."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    header = len(member.tobuf(tar.format, tar.encoding, tar.errors))
    offset = tar.offset + header
    tar.addfile(member, io.BytesIO(content))
    return offset
