"""Test mixtures by kind of background: the classes of a corpus, babble, and reverberant speech."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from espnet2_decodec.data.kaldi import check_id, read_optional_table, write_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.mixtures import LEVEL_RANGE, MAX_PEAK, STEMS, alternate_groups
from espnet2_decodec.data.rooms import RoomResponses
from espnet2_decodec.data.segments import SegmentSource
from espnet2_decodec.io.sound_output import write_wav
from espnet2_decodec.progress import progress

BABBLE, ROOM = "babble", "room"
"""Kinds that are made of speech: other voices, and the late reverberation of the same voice with noise."""
CLASS_KINDS = {"environment": "ambience"}
"""Class of a background -> its kind, where the names differ."""
EARLY_SECONDS = 0.05
"""Reflections after the direct sound that belong to the speech; later ones are background."""
MIN_BABBLE_VOICES = 4
"""Babble of fewer voices can be followed, and is competing speech instead."""


@dataclass(frozen=True)
class KindConfig:
    """Options of a set by kinds of background; the same options and corpora give the same mixtures.

    Attributes:
        per_kind: mixtures of each kind.
        seconds: shortest and longest mixture.
        snr: dB of the speech over the background, by their active powers.
        babble_snr, room_snr: the same for babble and for reverberant speech.
        voices: voices of the babble.
        seed: of all random choices.
        sample_rate: Hz.
    """

    per_kind: int = 20
    seconds: tuple[float, float] = (4.0, 8.0)
    snr: float = 0.0
    babble_snr: float = 5.0
    room_snr: float = 10.0
    voices: int = 6
    seed: int = 0
    sample_rate: int = 16000

    def __post_init__(self):
        if self.per_kind < 1 or not 0.5 <= self.seconds[0] <= self.seconds[1]:
            raise ValueError(
                f"There must be at least 1 mixture per kind, of 0.5 s or longer, shortest first, not {self.per_kind} "
                f"of {self.seconds[0]} to {self.seconds[1]} s."
            )
        if self.voices < MIN_BABBLE_VOICES:
            raise ValueError(f"Babble has at least {MIN_BABBLE_VOICES} voices, not {self.voices}.")


@dataclass(frozen=True)
class KindMixture:
    """Speech and background [L] each, whose sum is the mixture.

    Attributes:
        kind: of the background.
        snr: dB.
        speaker: of the speech.
        language: ISO 639-1 code of the speech; empty where unknown.
        speech, background: [L].
    """

    kind: str
    snr: float
    speaker: str
    language: str
    speech: np.ndarray
    background: np.ndarray


def make_kinds(
    speech: str | Path,
    background: str | Path,
    out: str | Path,
    config: KindConfig,
    babble: str | Path | None = None,
    rirs: str | Path | None = None,
) -> int:
    """Write a set with the kinds of background as conditions, for `decodec evaluate`.

    The kinds are the classes of the backgrounds, babble of other speakers, and rooms, where the speech is the direct
    sound with 50 ms of reflections, and the background the reverberation after it with a background of the first class.

    Args:
        speech: Kaldi folder with wav.scp and utt2spk, and utt2lang where languages are known.
        background: Kaldi folder with wav.scp and utt2class.
        out: output folder.
        config: options.
        babble: Kaldi folder of the voices in the babble; None for the other speakers of the speech.
        rirs: Kaldi folder of room impulse responses; None for decaying noise.

    Returns:
        Number of mixtures.

    Raises:
        ValueError: if there is no other speaker for the babble, or the corpora cannot be used.
    """
    return write_kinds(out, _mixtures(speech, background, config, babble or speech, rirs), config.sample_rate)


def write_kinds(out: str | Path, mixtures: Iterable[KindMixture], sample_rate: int = 16000) -> int:
    """Write mixtures as 16-bit wav files with {mixture,speech,background}.scp, utt2kind, utt2snr, utt2spk and utt2lang.

    The mixture is exactly the sum of its stems.

    Args:
        out: folder.
        mixtures: any number of each kind.
        sample_rate: Hz.

    Returns:
        Number of mixtures.
    """
    out, count = Path(out), 0
    tables: dict[str, dict[str, str]] = {"utt2lang": {}}
    for mixture in progress(mixtures, desc="mixtures", unit="mixtures"):
        key = check_id(f"{mixture.speaker}_{count:03d}_{mixture.kind}")
        parts = (mixture.speech, mixture.background)
        scale = min(1.0, MAX_PEAK / max(np.abs(x).max() for x in (*parts, sum(parts))))
        voice, noise = (np.rint(x * scale * 32768).astype(np.int16) for x in parts)
        for stem, samples in zip(STEMS, (voice + noise, voice, noise)):
            path = out / "wav" / stem / f"{key}.wav"
            write_wav(path, samples, sample_rate)
            tables.setdefault(f"{stem}.scp", {})[key] = str(path.resolve())
        values = {"utt2kind": mixture.kind, "utt2snr": f"{mixture.snr:g}", "utt2spk": mixture.speaker}
        values |= {"utt2lang": mixture.language} if mixture.language else {}
        for name, value in values.items():
            tables.setdefault(name, {})[key] = value
        count += 1
    for name, table in tables.items():
        if table:
            write_table(out / name, table)
    return count


def decaying_noise(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A room impulse response [N]: the direct sound, of amplitude 1, and noise that decays by 60 dB in 0.2 to 0.9 s.

    The direct-to-reverberant ratio is between 0 and 12 dB.
    """
    decay = rng.uniform(0.2, 0.9)
    time = np.arange(1, int(decay * sample_rate)) / sample_rate
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / decay)
    tail *= 10 ** (-rng.uniform(0, 12) / 20) / np.sqrt(np.square(tail).sum())
    return np.concatenate([[1.0], tail])


def convolve(wav: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The first L samples of the convolution of [L] with [N]."""
    size = 1 << (len(wav) + len(response) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(wav, size) * np.fft.rfft(response, size), size)[: len(wav)]


def _mixtures(
    speech: str | Path, background: str | Path, config: KindConfig, babble: str | Path, rirs: str | Path | None
) -> Iterator[KindMixture]:
    """The mixtures of `make_kinds`; speakers alternate."""
    rate = config.sample_rate
    voices, noises = SegmentSource(speech, config.seed, rate), SegmentSource(background, config.seed + 1, rate)
    crowd = SegmentSource(babble, config.seed + 2, rate)
    languages = read_optional_table(Path(speech) / "utt2lang")
    rooms = RoomResponses(Path(rirs) / "wav.scp", rate) if rirs else None
    if any(not set(crowd.groups) - {speaker} for speaker in voices.groups):
        raise ValueError(f"{babble} has one speaker only: give a folder of other voices for the babble (--babble).")
    classes = {CLASS_KINDS.get(name, name): name for name in noises.groups}
    snrs = dict.fromkeys(classes, config.snr) | {BABBLE: config.babble_snr, ROOM: config.room_snr}
    for i, (kind, snr) in enumerate(snrs.items()):
        for j in range(config.per_kind):
            rng = np.random.default_rng([config.seed, i, j])
            speaker = alternate_groups(voices.groups, i * config.per_kind + j, config.seed)
            longest = int(rng.uniform(*config.seconds) * rate)
            segment = voices.speech(speaker, int(config.seconds[0] * rate), longest, rng)
            voice, length, late = segment.wav, len(segment.wav), 0.0
            if kind == BABBLE:
                others = [name for name in crowd.groups if name != speaker]
                noise = _babble(crowd, rng.permutation(others), config.voices, length, rng)
            else:
                label = classes.get(kind) or classes.get(CLASS_KINDS["environment"]) or noises.groups[0]
                noise = noises.background(label, length, rng).wav
            if kind == ROOM:
                response = rooms.draw(rng).astype(float) if rooms else decaying_noise(rng, rate)
                voice, whole = convolve(voice, response[: int(EARLY_SECONDS * rate)]), convolve(voice, response)
                late = whole - voice
            gain = 10 ** (rng.uniform(*LEVEL_RANGE) / 20) / np.sqrt(active_power(voice))
            noise = noise * np.sqrt(active_power(voice) / active_power(noise)) * 10 ** (-snr / 20)
            language = languages.get(segment.recordings[0], "")
            yield KindMixture(kind, snr, speaker, language, gain * voice, gain * (late + noise))


def _babble(
    voices: SegmentSource, speakers: Iterable[str], count: int, length: int, rng: np.random.Generator
) -> np.ndarray:
    """The sum [L] of `count` voices of equal active power; with fewer speakers than that, some speak more than once."""
    names = list(speakers)
    segments = (voices.speech(names[i % len(names)], length, length, rng).wav for i in range(count))
    return sum((wav / np.sqrt(active_power(wav)) for wav in segments), np.zeros(length))
