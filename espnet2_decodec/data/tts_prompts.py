"""Prompts for a set: another recording of the same voice, clean and in noise, with what the noise was."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.levels import active_power, fade_edges
from espnet2_decodec.io.audio import read

KINDS = ("clean", "noisy", "background", "other")
"""Of the recordings: the prompt without and with noise, the noise alone, and another background to put in its place."""


@dataclass(frozen=True)
class Plan:
    """What prompts are like; the same plan and sets give the same bytes.

    Attributes:
        snrs: lowest and highest SNR of noisy prompts in dB, drawn evenly; powers are those of `evaluation.activity.active_power`.
        seconds: that a prompt has at least, of as many recordings as it takes, and at most.
        seed: of the backgrounds.
        sample_rate: Hz.
    """

    snrs: tuple[float, float] = (5.0, 5.0)
    seconds: tuple[float, float] = (3.0, 8.0)
    seed: int = 0
    sample_rate: int = 16000


def make_prompts(
    data: str | Path, background: str | Path, out: str | Path, plan: Plan, kinds: Sequence[str] = KINDS
) -> int:
    """Write out/<kind>/<uttid>.wav and out/<kind>.scp for each utterance of a set, see `KINDS`.

    Args:
        data: Kaldi directory with wav.scp and utt2spk.
        background: Kaldi directory, of which wav.scp is read.
        out: folder to write to.
        kinds: which of the recordings to write.

    Returns:
        How many utterances have prompts.

    Raises:
        ValueError: if no background sounds.
    """
    out, paths, speakers = Path(out), read_table(Path(data) / "wav.scp"), read_table(Path(data) / "utt2spk")
    sounds = list(read_table(Path(background) / "wav.scp").values())
    tables: dict[str, dict[str, Path]] = {kind: {} for kind in kinds}
    for number, key in enumerate(paths):
        random = np.random.default_rng((plan.seed, number))
        voice = _voice(key, paths, speakers, plan)
        sound = _sound(sounds, random, plan.sample_rate)
        noise = fade_edges(loop_to_length(sound, len(voice), crossfade=plan.sample_rate // 4)).numpy()
        snr = random.uniform(*plan.snrs)
        noise = noise * (active_power(voice) / active_power(noise) / 10 ** (snr / 10)) ** 0.5
        gain = min(1.0, 0.95 / float(np.abs(voice + noise).max()))
        other = _sound(sounds, random, plan.sample_rate)[: int(plan.seconds[1] * plan.sample_rate)].numpy()
        made = dict(zip(KINDS, (gain * voice, gain * (voice + noise), gain * noise, other)))
        for kind in kinds:
            path = out / kind / f"{check_id(key)}.wav"
            with atomic_write(path) as temporary:
                soundfile.write(temporary, made[kind], plan.sample_rate, subtype="PCM_16", format="WAV")
            tables[kind][key] = path.resolve()
    for kind, table in tables.items():
        write_table(out / f"{kind}.scp", table)
    return len(paths)


def _voice(key: str, paths: dict[str, str], speakers: dict[str, str], plan: Plan) -> np.ndarray:
    """[L] of recordings that come after `key` in its speaker's list, around and around; its own only if there is no other."""
    mine = [k for k in paths if speakers[k] == speakers[key]]
    at = mine.index(key)
    parts, length = [], 0
    for other in [*mine[at + 1 :], *mine[:at]] or [key]:
        parts.append(read(paths[other], plan.sample_rate).numpy())
        length += len(parts[-1])
        if length >= plan.seconds[0] * plan.sample_rate:
            break
    return np.concatenate(parts)[: int(plan.seconds[1] * plan.sample_rate)]


def _sound(paths: list[str], random: np.random.Generator, sample_rate: int) -> torch.Tensor:
    """A recording [L] that lasts at least half a second and sounds; the level is its own."""
    for index in random.permutation(len(paths)):
        wav = read(paths[index], sample_rate)
        if len(wav) >= sample_rate // 2 and active_power(wav[: 8 * sample_rate].numpy()) > 1e-6:
            return wav
    raise ValueError("No background lasts half a second and sounds.")
