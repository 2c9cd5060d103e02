"""Training and validation data of the plain loop."""

import os
from pathlib import Path

import torch

from espnet2_decodec.data.mixing import Batch, Mixing
from espnet2_decodec.data.sampler import MemorySegmentSampler


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
    folder: str | Path, sample_rate: int = 16000, device: str = "cpu"
) -> tuple[MemorySegmentSampler, MemorySegmentSampler, dict[str, Batch]]:
    """Speech and backgrounds to train on, and mixtures of held-out ones at 0 and 10 dB.

    Args:
        folder: with speech_train, background_train, speech_dev and background_dev.
        sample_rate: Hz that all recordings must have.
        device: to draw segments on.

    Raises:
        ValueError: if a table or a recording cannot be used.
    """
    threads = os.cpu_count() or 1
    speech, background, *dev = (
        MemorySegmentSampler.from_directory(Path(folder) / name, sample_rate, threads).to(device)
        for name in ("speech_train", "background_train", "speech_dev", "background_dev")
    )
    for name, sampler in (("speech_train", speech), ("speech_dev", dev[0])):
        if not sampler.samples.any():
            raise ValueError(f"{Path(folder) / name / 'wav.scp'}: all recordings are silent.")
    return speech, background, validation_batches(dev[0], dev[1], (0.0, 10.0), 24, 32000)
