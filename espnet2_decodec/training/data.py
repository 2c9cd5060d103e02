"""Training and validation data of the plain loop."""

import os
from pathlib import Path

import torch

from espnet2_decodec.data.mixing import Batch, Mixing
from espnet2_decodec.data.rooms import RoomResponses
from espnet2_decodec.data.sampler import MemorySegmentSampler
from espnet2_decodec.data.segment_sampler import PAUSE, SegmentReader, SegmentSource
from espnet2_decodec.data.shard_writing import LIST
from espnet2_decodec.data.shards import ShardSegmentSampler


def validation_batches(
    speech: MemorySegmentSampler, background: MemorySegmentSampler, snrs: tuple[float, ...], count: int, length: int
) -> dict[str, Batch]:
    """Fixed mixtures of held-out recordings, the same at every call.

    Args:
        speech: held-out speech.
        background: held-out backgrounds.
        snrs: SNR of each batch in dB.
        count: B.
        length: L in samples.
    """
    batches = {}
    for snr in snrs:
        generator = torch.Generator(speech.samples.device).manual_seed(1)
        mixing = Mixing(
            snr=(snr, snr), level=(-26.0, -26.0), clean_prob=0, background_only_prob=0, extra_background_prob=0,
            noise_prob=0, babble_prob=0, equalize_prob=0, reverb_prob=0, lowpass_prob=0, clip_prob=0,
        )  # fmt: skip
        voices = speech.draw(count, length, generator)
        batches[f"{snr:g} dB"] = mixing(voices, background.draw(count, length, generator)[:, None], generator)
    return batches


def read_data(
    folder: str | Path, sample_rate: int = 16000, device: str = "cpu", shards: bool = False
) -> tuple[SegmentSource, SegmentSource, dict[str, Batch]]:
    """Speech and backgrounds to train on, and mixtures of held-out ones at 0 and 10 dB.

    Args:
        folder: with speech_train, background_train, speech_dev and background_dev.
        sample_rate: Hz that all recordings must have.
        device: to draw segments on.
        shards: read the training recordings from the tar files in speech_train/shards and background_train/shards when
            they are drawn, instead of keeping them in memory.

    Raises:
        ValueError: if a table or a recording cannot be used.
    """
    folder, threads = Path(folder), os.cpu_count() or 1

    def in_memory(name: str) -> MemorySegmentSampler:
        sampler = MemorySegmentSampler.from_directory(folder / name, sample_rate, threads).to(device)
        if name.startswith("speech") and not sampler.samples.any():
            raise ValueError(f"{folder / name / 'wav.scp'}: all recordings are silent.")
        return sampler

    def in_shards(name: str, pause: tuple[float, float] | None) -> SegmentReader:
        return SegmentReader(ShardSegmentSampler(folder / name / "shards" / LIST, sample_rate, pause), device, threads)

    if shards:
        train: tuple[SegmentSource, SegmentSource] = (
            in_shards("speech_train", PAUSE),
            in_shards("background_train", None),
        )
    else:
        train = in_memory("speech_train"), in_memory("background_train")
    validation = validation_batches(in_memory("speech_dev"), in_memory("background_dev"), (0.0, 10.0), 24, 32000)
    return *train, validation


def read_rooms(folder: str | Path, sample_rate: int = 16000) -> RoomResponses | None:
    """The room impulse responses in folder/rir_train; None if there are none.

    Raises:
        ValueError: if their tables cannot be used.
    """
    scp = Path(folder) / "rir_train" / "wav.scp"
    return RoomResponses(scp, sample_rate) if scp.is_file() else None
