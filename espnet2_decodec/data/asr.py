"""Data directories for ASR: transcribed voices in train, dev and test, and the test set again in noise."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.mixtures import CLEAN, mix, snr_of
from espnet2_decodec.data.segments import Segment, Source
from espnet2_decodec.data.text import asr_transcript
from espnet2_decodec.io.audio import read
from espnet2_decodec.progress import progress

SPLITS = ("train", "dev", "test")
TABLES = ("wav.scp", "text", "utt2spk", "utt2dur")


@dataclass(frozen=True)
class Plan:
    """What makes the sets; the same plan and corpus give the same bytes.

    Attributes:
        voices: speakers, or beginnings of their names; empty = all that have transcripts.
        snrs: of the noisy test sets, dB of the speech over the background (active powers, as in `evaluation.mixtures`),
            and `clean`.
        seconds: shortest and longest recording that is used.
        seed: of the backgrounds and of the places that are cut out of them.
        sample_rate: Hz.
    """

    voices: tuple[str, ...] = ()
    snrs: tuple[str, ...] = (CLEAN, "20", "10", "5", "0")
    seconds: tuple[float, float] = (0.5, 20.0)
    seed: int = 0
    sample_rate: int = 16000

    def __post_init__(self):
        if not self.snrs or any(snr != CLEAN and snr_of(snr) is None for snr in self.snrs):
            raise ValueError(f"A test set is clean or an SNR in dB, not {' '.join(self.snrs) or 'none'}.")


@dataclass
class Found:
    """Transcribed recordings: one dict by utterance id for each table, and how many could not be used and why."""

    tables: dict[str, dict[str, str]] = field(default_factory=lambda: {name: {} for name in TABLES})
    left_out: dict[str, int] = field(default_factory=dict)

    def drop(self, why: str) -> None:
        """Count a recording that is left out."""
        self.left_out[why] = self.left_out.get(why, 0) + 1


def split_of(index: int) -> str:
    """The split of the recording that is number `index` of its voice, sorted by id: 85 % train, 5 % dev, 10 % test."""
    return "test" if index % 10 == 0 else "dev" if index % 20 == 5 else "train"


def test_name(snr: str) -> str:
    """Name of a test set: test_clean, test_snr5."""
    return f"test_{snr}" if snr == CLEAN else f"test_snr{snr}"


def prepare(speech: Sequence[str | Path], background: str | Path, out: str | Path, plan: Plan) -> list[str]:
    """Write out/{train,dev} and out/test_* with wav.scp, text, utt2spk and utt2dur; tests in noise with utt2background.

    Every test recording is in every test set once, at its own level, over the same stretch of the same background.

    Args:
        speech: Kaldi directories with text.
        background: Kaldi directory of backgrounds that no codec was trained on.
        out: folder to write to; a set that is there already, made by the same plan, is kept.

    Returns:
        One line about each set.

    Raises:
        ValueError: if `out` holds other sets, no voice is left, or a table is wrong.
    """
    out = Path(out)
    found = collect(speech, plan)
    splits = split(found.tables)
    texts = {name: part["text"] for name, part in splits.items()}
    settings = json.dumps(asdict(plan) | {"text": texts}, indent=1, ensure_ascii=False)
    noted = out / "sets.json"
    if noted.is_file() and noted.read_text(encoding="utf-8") != settings:
        raise ValueError(f"{out} holds sets of other voices or options: remove it, or choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    noted.write_text(settings, encoding="utf-8")
    for name in ("train", "dev"):
        if not (out / name / "text").is_file():
            write_set(out / name, splits[name])
    if not all((out / test_name(snr) / "text").is_file() for snr in plan.snrs):
        write_tests(splits["test"], background, out, plan)
    lines = [f"{count} recordings left out: {why}" for why, count in sorted(found.left_out.items())]
    return lines + [summary(out / name) for name in ("train", "dev", *map(test_name, plan.snrs))]


def collect(folders: Sequence[str | Path], plan: Plan) -> Found:
    """The recordings of these directories that the plan wants, with normalized text.

    Raises:
        ValueError: if there is none, or an utterance is in two directories.
    """
    found = Found()
    for folder in map(Path, folders):
        if not (folder / "text").is_file():
            continue
        tables = {name: read_table(folder / name) for name in TABLES}
        for key, text in tables["text"].items():
            if key not in tables["wav.scp"] or (plan.voices and not tables["utt2spk"][key].startswith(plan.voices)):
                continue
            if key in found.tables["text"]:
                raise ValueError(f"{key} is in two directories, {folder} being the second.")
            words = asr_transcript(text)
            seconds = float(tables["utt2dur"][key])
            if words is None:
                found.drop("a digit or no letter in the text")
            elif not plan.seconds[0] <= seconds <= plan.seconds[1]:
                found.drop(f"not within {plan.seconds[0]:g} to {plan.seconds[1]:g} s")
            else:
                for name in TABLES:
                    found.tables[name][check_id(key)] = words if name == "text" else tables[name][key]
    if not found.tables["text"]:
        wanted, places = " ".join(plan.voices) or "any voice", " ".join(map(str, folders))
        raise ValueError(f"No transcribed recording of {wanted} that can be used is in {places}.")
    return found


def split(tables: dict[str, dict[str, str]]) -> dict[str, dict[str, dict[str, str]]]:
    """Split -> table -> utterance -> value, each voice on its own by `split_of`.

    Raises:
        ValueError: if a split stays empty.
    """
    counts: dict[str, int] = {}
    parts = {name: {table: {} for table in TABLES} for name in SPLITS}
    for key in sorted(tables["text"], key=str.encode):
        voice = tables["utt2spk"][key]
        part = parts[split_of(counts.get(voice, 0))]
        counts[voice] = counts.get(voice, 0) + 1
        for table in TABLES:
            part[table][key] = tables[table][key]
    empty = [name for name in SPLITS if not parts[name]["text"]]
    if empty:
        raise ValueError(f"{len(tables['text'])} recordings are too few: nothing is left for {' and '.join(empty)}.")
    return parts


def write_set(folder: Path, tables: dict[str, dict[str, str]]) -> None:
    """Write the tables of a data directory; `text` comes last, and tells that the set is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    voices: dict[str, list[str]] = {}
    for key, voice in tables["utt2spk"].items():
        voices.setdefault(voice, []).append(key)
    write_table(folder / "spk2utt", {voice: " ".join(sorted(keys, key=str.encode)) for voice, keys in voices.items()})
    for name in sorted(tables, key=lambda name: name == "text"):
        write_table(folder / name, tables[name])


def write_tests(tables: dict[str, dict[str, str]], background: str | Path, out: Path, plan: Plan) -> None:
    """Write the test set clean and at each SNR as 16-bit wavs, backgrounds of all classes taking turns.

    Raises:
        ValueError: if the backgrounds cannot be used, or a recording is silent.
    """
    source = Source(background, plan.seed, plan.sample_rate)
    sets = {snr: tables | {"wav.scp": {}, "utt2background": {}} for snr in plan.snrs}
    for index, key in enumerate(progress(tables["text"], desc="test sets", unit="utterances")):
        rng = np.random.default_rng([plan.seed, index])
        kind = source.groups[index % len(source.groups)]
        wav = read(tables["wav.scp"][key], plan.sample_rate).double().numpy()
        power = active_power(wav)
        if not power:
            raise ValueError(f"{key} ({tables['wav.scp'][key]}) is silent.")
        noise = source.background(kind, len(wav), rng)
        for snr, made in sets.items():
            samples, _, _ = mix(Segment(wav, (key,)), noise, snr, 10 * np.log10(power))
            path = out / test_name(snr) / "wav" / f"{key}.wav"
            with atomic_write(path) as temporary:
                soundfile.write(temporary, samples, plan.sample_rate, subtype="PCM_16", format="WAV")
            made["wav.scp"][key] = str(path.resolve())
            made["utt2background"][key] = "none" if snr == CLEAN else " ".join(noise.sources)
    for snr, made in sets.items():
        write_set(out / test_name(snr), made)


def summary(folder: Path) -> str:
    """One line about a set: recordings, minutes, letters a second."""
    texts = read_table(folder / "text")
    seconds = sum(float(value) for value in read_table(folder / "utt2dur").values())
    letters = sum(map(len, texts.values()))
    return f"{folder.name}: {len(texts)} recordings, {seconds / 60:.1f} min, {letters / seconds:.1f} characters/s"
