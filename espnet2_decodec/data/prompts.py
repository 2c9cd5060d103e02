"""Prompts for text to speech: another recording of the same speaker, clean and in noise, with the noise alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.levels import active_power, fade_edges
from espnet2_decodec.io.audio import read
from espnet2_decodec.io.sound_output import write_wav
from espnet2_decodec.progress import progress

KINDS = ("clean", "noisy", "background", "other")
"""Recordings per utterance: prompt without and with noise, the noise alone, and another background to replace it."""


@dataclass(frozen=True)
class PromptConfig:
    """Options of the prompts; the same options and sets give the same bytes.

    Attributes:
        snrs: range of the SNR of noisy prompts in dB, drawn uniformly; powers are those of `levels.active_power`.
        seconds: shortest and longest prompt; recordings are joined up to the former and cut at the latter.
        seed: of the choice of the backgrounds.
        sample_rate: Hz.
    """

    snrs: tuple[float, float] = (5.0, 5.0)
    seconds: tuple[float, float] = (3.0, 8.0)
    seed: int = 0
    sample_rate: int = 16000


def make_prompts(
    data: str | Path, background: str | Path, out: str | Path, config: PromptConfig, kinds: Sequence[str] = KINDS
) -> int:
    """Write out/<kind>/<uttid>.wav and out/<kind>.scp for each utterance of a set, see `KINDS`.

    Args:
        data: Kaldi directory with wav.scp and utt2spk.
        background: Kaldi directory with wav.scp.
        out: output folder.
        config: options.
        kinds: which of the recordings to write.

    Returns:
        Number of utterances.

    Raises:
        ValueError: if every background is short or silent.
    """
    out, paths, speakers = Path(out), read_table(Path(data) / "wav.scp"), read_table(Path(data) / "utt2spk")
    backgrounds = list(read_table(Path(background) / "wav.scp").values())
    tables: dict[str, dict[str, Path]] = {kind: {} for kind in kinds}
    for number, key in enumerate(progress(paths, desc="prompts", unit="utterances")):
        rng = np.random.default_rng((config.seed, number))
        speech = _prompt(key, paths, speakers, config)
        segment = _draw_background(backgrounds, rng, config.sample_rate)
        looped = loop_to_length(segment, len(speech), crossfade=config.sample_rate // 4)
        noise = fade_edges(looped).numpy()
        snr = rng.uniform(*config.snrs)
        noise = noise * (active_power(speech) / active_power(noise) / 10 ** (snr / 10)) ** 0.5
        gain = min(1.0, 0.95 / float(np.abs(speech + noise).max()))
        max_length = int(config.seconds[1] * config.sample_rate)
        other = _draw_background(backgrounds, rng, config.sample_rate)[:max_length].numpy()
        samples = dict(zip(KINDS, (gain * speech, gain * (speech + noise), gain * noise, other)))
        for kind in kinds:
            path = out / kind / f"{check_id(key)}.wav"
            write_wav(path, samples[kind], config.sample_rate)
            tables[kind][key] = path.resolve()
    for kind, table in tables.items():
        write_table(out / f"{kind}.scp", table)
    return len(paths)


def _prompt(key: str, paths: dict[str, str], speakers: dict[str, str], config: PromptConfig) -> np.ndarray:
    """[L]: recordings that follow `key` in the cyclic list of its speaker; its own only if there is no other."""
    keys = [k for k in paths if speakers[k] == speakers[key]]
    index = keys.index(key)
    parts, length = [], 0
    for other in [*keys[index + 1 :], *keys[:index]] or [key]:
        parts.append(read(paths[other], config.sample_rate).numpy())
        length += len(parts[-1])
        if length >= config.seconds[0] * config.sample_rate:
            break
    return np.concatenate(parts)[: int(config.seconds[1] * config.sample_rate)]


def _draw_background(paths: list[str], rng: np.random.Generator, sample_rate: int) -> torch.Tensor:
    """A random recording [L] of at least half a second that is not silent, at its own level."""
    for index in rng.permutation(len(paths)):
        wav = read(paths[index], sample_rate)
        if len(wav) >= sample_rate // 2 and active_power(wav[: 8 * sample_rate].numpy()) > 1e-6:
            return wav
    raise ValueError("Every background is silent or shorter than half a second.")
