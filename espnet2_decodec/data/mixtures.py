"""Test mixtures, written once with their stems: the same speech and background segments in every condition."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from espnet2_decodec.atomic import write_text
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.segments import Segment, SegmentSource
from espnet2_decodec.io.sound_output import write_wav
from espnet2_decodec.progress import progress

CLEAN, BACKGROUND_ONLY = "clean", "background"
"""Conditions beside an SNR: no background, no speech."""
NO_LABEL = "none"
"""Speaker of a recording without speech, class of one without background."""
LEVEL_RANGE = (-32.0, -24.0)
"""Range in dBFS of the active level of the speech (of the background where it is alone)."""
MAX_PEAK = 0.95
"""A mixture with a larger peak is attenuated as a whole."""
STEMS = ("mixture", "speech", "background")


@dataclass(frozen=True)
class MixtureConfig:
    """Options of a set of mixtures; the same options and corpora give the same bytes.

    Attributes:
        snrs: conditions: dB of the speech over the background, `clean` or `background`. The SNR is that of the active
            powers: each is the mean power of its own 20 ms frames within 40 dB of its loudest frame.
        per_condition: mixtures of each condition.
        seconds: shortest and longest mixture.
        seed: of all random choices.
        sample_rate: Hz.
        whole_utterances: each mixture has one whole utterance, in place of several within `seconds`; there are at most
            as many mixtures of a condition as utterances.
        suffix: letters and digits that end the id of every mixture, so that two sets with the same speech can be
            compared in one run.
    """

    snrs: tuple[str, ...]
    per_condition: int = 20
    seconds: tuple[float, float] = (4.0, 8.0)
    seed: int = 0
    sample_rate: int = 16000
    suffix: str = ""
    whole_utterances: bool = False

    def __post_init__(self):
        for snr in self.snrs:
            parse_snr(snr)
        if not self.snrs or len(set(self.snrs)) != len(self.snrs):
            raise ValueError(f"Give each condition once, and at least one, not {' '.join(self.snrs) or 'none'}.")
        if self.per_condition < 1 or not 0.5 <= self.seconds[0] <= self.seconds[1]:
            raise ValueError(
                f"There must be at least 1 mixture per condition, of 0.5 s or longer, shortest first, "
                f"not {self.per_condition} of {self.seconds[0]} to {self.seconds[1]} s."
            )
        if self.suffix and not (self.suffix.isascii() and self.suffix.isalnum()):
            raise ValueError(f"A suffix has letters and digits only, not {self.suffix!r}.")

    def settings(self) -> dict:
        """All options except those that sets of earlier versions do not mention, where they have no effect."""
        later = ("suffix", "whole_utterances")
        return {name: value for name, value in asdict(self).items() if name not in later or value}


def parse_snr(condition: str) -> float | None:
    """SNR of a condition in dB; None for `clean` and `background`.

    Raises:
        ValueError: if it is neither a number nor one of these.
    """
    if condition in (CLEAN, BACKGROUND_ONLY):
        return None
    try:
        snr = float(condition)
    except ValueError:
        snr = math.nan
    if not math.isfinite(snr):
        raise ValueError(f"A condition is an SNR in dB, clean or background, not {condition!r}.")
    return snr


def condition_order(condition: str) -> tuple[int, float, str]:
    """Sort key: SNRs from low to high, clean speech, background alone, then all other names."""
    try:
        snr = parse_snr(condition)
    except ValueError:
        return 3, 0.0, condition
    return (0, snr, "") if snr is not None else (1 if condition == CLEAN else 2, 0.0, "")


def make_mixtures(speech: str | Path, background: str | Path, out: str | Path, config: MixtureConfig) -> bool:
    """Write mixtures and stems as 16-bit wav files with their tables.

    The tables are {mixture,speech,background}.scp, utt2snr, utt2spk, utt2background (class), utt2sources (ids of the
    recordings used) and, where transcripts are known, text. In 16 bits the mixture is exactly the sum of its stems.
    Speakers and background classes alternate.

    Args:
        speech: Kaldi folder with wav.scp and utt2spk.
        background: Kaldi folder with wav.scp and utt2spk; classes are in utt2class if there is one.
        out: output folder. If it has this very set already, nothing is done.
        config: options.

    Returns:
        Whether anything was written.

    Raises:
        ValueError: if `out` has another set, or the corpora cannot be used.
    """
    out = Path(out)
    voices = SegmentSource(speech, config.seed, config.sample_rate)
    noises = SegmentSource(background, config.seed + 1, config.sample_rate)
    if config.whole_utterances and config.per_condition > len(voices.order):
        raise ValueError(
            f"{speech} has {len(voices.order)} utterances, too few for {config.per_condition} mixtures of each "
            "condition."
        )
    fingerprints = {"speech": _fingerprint(voices), "background": _fingerprint(noises)}
    settings = json.dumps(config.settings() | fingerprints, indent=1) + "\n"
    settings_file = out / "mixtures.json"
    if settings_file.is_file() and settings_file.read_text(encoding="utf-8") != settings:
        raise ValueError(
            f"{out} holds mixtures made with other options or corpora: remove it, or choose another folder."
        )
    if settings_file.is_file() and _complete(out):
        return False
    out.mkdir(parents=True, exist_ok=True)
    write_text(settings_file, settings)
    tables: dict[str, dict[str, str]] = {}
    for index in progress(range(config.per_condition), desc="mixtures per condition", unit="mixtures"):
        for key, values in _write_segment(index, voices, noises, out, config):
            for table, value in values.items():
                tables.setdefault(table, {})[key] = value
    for name in sorted(tables, key=lambda name: (name == "utt2snr", name)):
        write_table(out / name, tables[name])
    return True


def _write_segment(
    index: int, voices: SegmentSource, noises: SegmentSource, out: Path, config: MixtureConfig
) -> Iterator[tuple[str, dict[str, str]]]:
    """Write one pair of segments in every condition; yield (id, {table: value}) of each."""
    rng = np.random.default_rng([config.seed, index, 0])
    label = alternate_groups(noises.groups, index, config.seed + 1)
    longest = int(rng.uniform(*config.seconds) * config.sample_rate)
    if config.whole_utterances:
        speaker, speech = voices.utterance(index)
    else:
        speaker = alternate_groups(voices.groups, index, config.seed)
        speech = voices.speech(speaker, int(config.seconds[0] * config.sample_rate), longest, rng)
    background = noises.background(label, len(speech.wav), rng)
    level = rng.uniform(*LEVEL_RANGE)
    for condition in config.snrs:
        has_speech, has_background = condition != BACKGROUND_ONLY, condition != CLEAN
        tag = condition if parse_snr(condition) is None else f"snr{condition}"
        suffix = f"-{config.suffix}" if config.suffix else ""
        key = check_id(f"{speaker if has_speech else NO_LABEL}_{index:03d}_{tag}{suffix}")
        recordings = speech.recordings * has_speech + background.recordings * has_background
        values = {
            "utt2snr": condition,
            "utt2spk": speaker if has_speech else NO_LABEL,
            "utt2background": label if has_background else NO_LABEL,
            "utt2sources": " ".join(recordings),
        }
        if has_speech and speech.whole and all(name in voices.texts for name in speech.recordings):
            values["text"] = " ".join(voices.texts[name] for name in speech.recordings)
        for stem, samples in zip(STEMS, mix_at_snr(speech, background, condition, level)):
            path = out / "wav" / stem / f"{key}.wav"
            write_wav(path, samples, config.sample_rate)
            values[f"{stem}.scp"] = str(path.resolve())
        yield key, values


def mix_at_snr(
    speech: Segment, background: Segment, condition: str, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mixture, speech and background, int16 [L] each; the first is exactly the sum of the others.

    Args:
        speech: [L].
        background: [L].
        condition: an SNR in dB, `clean` or `background`.
        level: dBFS of the active speech, or of the active background where it is alone.
    """
    snr = parse_snr(condition)
    voice = np.zeros_like(speech.wav) if condition == BACKGROUND_ONLY else _scaled(speech.wav, level)
    noise = np.zeros_like(voice) if condition == CLEAN else _scaled(background.wav, level - (snr or 0.0))
    gain = min(1.0, MAX_PEAK / max(np.abs(x).max() for x in (voice, noise, voice + noise)))
    voice, noise = (np.rint(x * gain * 32768).astype(np.int16) for x in (voice, noise))
    return voice + noise, voice, noise


def _scaled(wav: np.ndarray, level: float) -> np.ndarray:
    """[L] scaled to an active power of `level` dBFS."""
    return wav * (10 ** (level / 20) / np.sqrt(active_power(wav)))


def alternate_groups(groups: list[str], index: int, seed: int) -> str:
    """Group number `index` when all groups alternate, in a new order each round."""
    order = np.random.default_rng([seed, index // len(groups), 2]).permutation(len(groups))
    return groups[order[index % len(groups)]]


def _complete(out: Path) -> bool:
    """Whether the last table has been written, and no wav file was removed since."""
    if not (out / "utt2snr").is_file():
        return False
    return all(Path(path).is_file() for stem in STEMS for path in read_table(out / f"{stem}.scp").values())


def _fingerprint(source: SegmentSource) -> str:
    """Hash of the ids of a corpus and their groups, independent of its location."""
    return hashlib.sha256(json.dumps(source.group_of, sort_keys=True).encode()).hexdigest()[:16]
