"""Test mixtures, written once with their stems: the same speech and background segments in every condition."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.segments import Segment, Source
from espnet2_decodec.progress import progress

CLEAN, ALONE = "clean", "background"
"""The conditions beside an SNR: no background, no speech."""
NOBODY = "none"
"""Speaker of a recording without speech, class of one without background."""
LEVEL = (-32.0, -24.0)
"""Range in dBFS of the active level of the speech (of the background where it is alone)."""
PEAK = 0.95
"""A mixture that would exceed this is turned down as a whole."""
STEMS = ("mixture", "speech", "background")


@dataclass(frozen=True)
class Plan:
    """What makes a set of mixtures; the same plan and the same corpora give the same bytes.

    Attributes:
        snrs: conditions: dB of the speech over the background, `clean` or `background`. The SNR is that of the active
            powers: each is the mean power of its own 20 ms frames within 40 dB of its loudest frame.
        per_condition: mixtures of each condition.
        seconds: shortest and longest mixture.
        seed: of everything random.
        sample_rate: Hz.
        suffix: letters and digits that end the id of every mixture, so that two sets with the same speech can be
            compared in one run.
    """

    snrs: tuple[str, ...]
    per_condition: int = 20
    seconds: tuple[float, float] = (4.0, 8.0)
    seed: int = 0
    sample_rate: int = 16000
    suffix: str = ""

    def __post_init__(self):
        for snr in self.snrs:
            snr_of(snr)
        if not self.snrs or len(set(self.snrs)) != len(self.snrs):
            raise ValueError(f"Give each condition once, and at least one, not {' '.join(self.snrs) or 'none'}.")
        if self.per_condition < 1 or not 0.5 <= self.seconds[0] <= self.seconds[1]:
            raise ValueError(
                f"There must be at least 1 mixture a condition, of 0.5 s or longer, shortest first, "
                f"not {self.per_condition} of {self.seconds[0]} to {self.seconds[1]} s."
            )
        if self.suffix and not (self.suffix.isascii() and self.suffix.isalnum()):
            raise ValueError(f"A suffix has letters and digits only, not {self.suffix!r}.")

    def settings(self) -> dict:
        """Everything but an empty suffix, which sets of earlier versions do not mention."""
        return {name: value for name, value in asdict(self).items() if name != "suffix" or value}


def snr_of(condition: str) -> float | None:
    """The SNR in dB of a condition; None for `clean` and `background`.

    Raises:
        ValueError: if it is neither a number nor one of these.
    """
    if condition in (CLEAN, ALONE):
        return None
    try:
        snr = float(condition)
    except ValueError:
        snr = math.nan
    if not math.isfinite(snr):
        raise ValueError(f"A condition is an SNR in dB, clean or background, not {condition!r}.")
    return snr


def condition_order(condition: str) -> tuple[int, float, str]:
    """Sorts SNRs from low to high, then clean speech, then background alone, then whatever there is."""
    try:
        snr = snr_of(condition)
    except ValueError:
        return 3, 0.0, condition
    return (0, snr, "") if snr is not None else (1 if condition == CLEAN else 2, 0.0, "")


def make_mixtures(speech: str | Path, background: str | Path, out: str | Path, plan: Plan) -> bool:
    """Write mixtures and stems as 16-bit wavs, with {mixture,speech,background}.scp, utt2snr, utt2spk, utt2background
    (class), utt2sources (ids of the recordings used) and, where transcripts are known, text.

    In 16 bits the mixture is exactly the sum of its stems. Speakers and background classes take turns.

    Args:
        speech, background: Kaldi folders with wav.scp and utt2spk; classes of backgrounds are in utt2class if there is one.
        out: folder to write to. When it holds this very set already, nothing is done.

    Returns:
        Whether anything was written.

    Raises:
        ValueError: if `out` holds another set, or the corpora cannot be used.
    """
    out = Path(out)
    sources = [Source(folder, plan.seed + i, plan.sample_rate) for i, folder in enumerate((speech, background))]
    settings = plan.settings() | {"speech": _fingerprint(sources[0]), "background": _fingerprint(sources[1])}
    settings = json.dumps(settings, indent=1) + "\n"
    noted = out / "mixtures.json"
    if noted.is_file() and noted.read_text(encoding="utf-8") != settings:
        raise ValueError(
            f"{out} holds mixtures made with other options or corpora: remove it, or choose another folder."
        )
    if noted.is_file() and _complete(out):
        return False
    out.mkdir(parents=True, exist_ok=True)
    noted.write_text(settings, encoding="utf-8")
    tables: dict[str, dict[str, str]] = {}
    for index in progress(range(plan.per_condition), desc="mixtures per condition", unit="mixtures"):
        for key, values in _write_segment(index, *sources, out, plan):
            for table, value in values.items():
                tables.setdefault(table, {})[key] = value
    for name in sorted(tables, key=lambda name: (name == "utt2snr", name)):
        write_table(out / name, tables[name])
    return True


def _write_segment(index: int, speech: Source, background: Source, out: Path, plan: Plan):
    """Write one pair of segments in every condition; gives (id, {table: value}) of each."""
    rng = np.random.default_rng([plan.seed, index, 0])
    speaker = _turn(speech.groups, index, plan.seed)
    kind = _turn(background.groups, index, plan.seed + 1)
    longest = int(rng.uniform(*plan.seconds) * plan.sample_rate)
    voice = speech.speech(speaker, int(plan.seconds[0] * plan.sample_rate), longest, rng)
    noise = background.background(kind, len(voice.wav), rng)
    level = rng.uniform(*LEVEL)
    for condition in plan.snrs:
        who, what = (NOBODY if condition == ALONE else speaker), (NOBODY if condition == CLEAN else kind)
        tag = condition if snr_of(condition) is None else f"snr{condition}"
        key = check_id(f"{who}_{index:03d}_{tag}{plan.suffix and '-' + plan.suffix}")
        used = (() if condition == ALONE else voice.sources) + (() if condition == CLEAN else noise.sources)
        values = {"utt2snr": condition, "utt2spk": who, "utt2background": what, "utt2sources": " ".join(used)}
        if condition != ALONE and voice.whole and all(name in speech.texts for name in voice.sources):
            values["text"] = " ".join(speech.texts[name] for name in voice.sources)
        for stem, samples in zip(STEMS, mix(voice, noise, condition, level)):
            path = out / "wav" / stem / f"{key}.wav"
            with atomic_write(path) as temporary:
                soundfile.write(temporary, samples, plan.sample_rate, subtype="PCM_16", format="WAV")
            values[f"{stem}.scp"] = str(path.resolve())
        yield key, values


def mix(
    speech: Segment, background: Segment, condition: str, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mixture, speech and background, int16 [L] each; the first is exactly the sum of the others.

    Args:
        condition: an SNR in dB, `clean` or `background`.
        level: dBFS of the active speech, or of the active background where it is alone.
    """
    snr = snr_of(condition)
    voice = np.zeros_like(speech.wav) if condition == ALONE else _at(speech.wav, level)
    noise = np.zeros_like(voice) if condition == CLEAN else _at(background.wav, level - (snr or 0.0))
    gain = min(1.0, PEAK / max(np.abs(x).max() for x in (voice, noise, voice + noise)))
    voice, noise = (np.rint(x * gain * 32768).astype(np.int16) for x in (voice, noise))
    return voice + noise, voice, noise


def _at(wav: np.ndarray, level: float) -> np.ndarray:
    """[L] scaled to an active power of `level` dBFS."""
    return wav * (10 ** (level / 20) / np.sqrt(active_power(wav)))


def _turn(groups: list[str], index: int, seed: int) -> str:
    """Group number `index` when all take turns, in a new order each round."""
    order = np.random.default_rng([seed, index // len(groups), 2]).permutation(len(groups))
    return groups[order[index % len(groups)]]


def _complete(out: Path) -> bool:
    """Whether the last table has been written, and no wav has gone since."""
    if not (out / "utt2snr").is_file():
        return False
    return all(Path(path).is_file() for stem in STEMS for path in read_table(out / f"{stem}.scp").values())


def _fingerprint(source: Source) -> str:
    """What a set is made of, wherever it lies: a hash of its ids and their groups."""
    return hashlib.sha256(json.dumps(source.owners, sort_keys=True).encode()).hexdigest()[:16]
