"""Data directories for ASR: transcribed speech in train, dev and test, and the test set again in noise."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from espnet2_decodec.atomic import write_text
from espnet2_decodec.data.kaldi import read_table, write_data_dir
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.mixtures import CLEAN, mix_at_snr, parse_snr
from espnet2_decodec.data.segments import Segment, SegmentSource
from espnet2_decodec.data.splits import Row, Tables, check_splits, read_transcribed, split_by_speaker
from espnet2_decodec.data.text import asr_transcript
from espnet2_decodec.io.audio import read
from espnet2_decodec.io.sound_output import write_wav
from espnet2_decodec.progress import progress


@dataclass(frozen=True)
class ASRDataConfig:
    """Options of the data directories; the same options and corpora give the same bytes.

    Attributes:
        speakers: speakers, or prefixes of their names; empty for all that have transcripts.
        snrs: conditions of the test sets: `clean`, or dB of the speech over the background (active powers, as in
            `data.mixtures`).
        seconds: shortest and longest recording.
        seed: of the choice of the backgrounds and of the segments cut from them.
        sample_rate: Hz.
    """

    speakers: tuple[str, ...] = ()
    snrs: tuple[str, ...] = (CLEAN, "20", "10", "5", "0")
    seconds: tuple[float, float] = (0.5, 20.0)
    seed: int = 0
    sample_rate: int = 16000

    def __post_init__(self):
        if not self.snrs or any(snr != CLEAN and parse_snr(snr) is None for snr in self.snrs):
            raise ValueError(f"A test set is clean or an SNR in dB, not {' '.join(self.snrs) or 'none'}.")


def test_set_name(snr: str) -> str:
    """Name of a test set: test_clean, test_snr5."""
    return f"test_{snr}" if snr == CLEAN else f"test_snr{snr}"


def prepare_asr(
    speech: Sequence[str | Path], background: str | Path, out: str | Path, config: ASRDataConfig
) -> list[str]:
    """Write out/{train,dev} and out/test_* with wav.scp, text, utt2spk and utt2dur; test sets with utt2background.

    Every test recording is in every test set once, at its own level, over the same segment of the same background.

    Args:
        speech: Kaldi directories with text.
        background: Kaldi directory of backgrounds that no codec was trained on.
        out: output folder; sets that it already has, made with the same options, are kept.
        config: options.

    Returns:
        One line about each set.

    Raises:
        ValueError: if `out` has other sets, no recording is left, or a table is wrong.
    """
    out = Path(out)
    rows, skipped = select_recordings(speech, config)
    splits = split_by_speaker(rows)
    check_splits(splits)
    texts = {name: tables["text"] for name, tables in splits.items()}
    settings = json.dumps(asdict(config) | {"text": texts}, indent=1, ensure_ascii=False)
    settings_file = out / "sets.json"
    if settings_file.is_file() and settings_file.read_text(encoding="utf-8") != settings:
        raise ValueError(f"{out} holds sets of other speakers or options: remove it, or choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    write_text(settings_file, settings)
    for name in ("train", "dev"):
        if not (out / name / "text").is_file():
            write_data_dir(out / name, splits[name])
    if not all((out / test_set_name(snr) / "text").is_file() for snr in config.snrs):
        _write_test_sets(splits["test"], background, out, config)
    lines = [f"{count} recordings skipped: {reason}" for reason, count in sorted(skipped.items())]
    return lines + [_summary(out / name) for name in ("train", "dev", *map(test_set_name, config.snrs))]


def select_recordings(folders: Sequence[str | Path], config: ASRDataConfig) -> tuple[dict[str, Row], Counter[str]]:
    """Recordings with normalized text that fit the options, and reason -> number of skipped recordings.

    Raises:
        ValueError: if there is none, or a recording is in two directories.
    """
    rows: dict[str, Row] = {}
    skipped: Counter[str] = Counter()
    shortest, longest = config.seconds
    for key, row in read_transcribed(folders, config.speakers):
        transcript = asr_transcript(row["text"])
        if transcript is None:
            skipped["a digit or no letter in the text"] += 1
        elif not shortest <= float(row["utt2dur"]) <= longest:
            skipped[f"not within {shortest:g} to {longest:g} s"] += 1
        else:
            rows[key] = row | {"text": transcript}
    if not rows:
        speakers, places = " ".join(config.speakers) or "any speaker", " ".join(map(str, folders))
        raise ValueError(f"No transcribed recording of {speakers} that can be used is in {places}.")
    return rows, skipped


def _write_test_sets(tables: Tables, background: str | Path, out: Path, config: ASRDataConfig) -> None:
    """Write the test set clean and at each SNR as 16-bit wav files; background classes alternate.

    Raises:
        ValueError: if the backgrounds cannot be used, or a recording is silent.
    """
    source = SegmentSource(background, config.seed, config.sample_rate)
    sets: dict[str, Tables] = {snr: tables | {"wav.scp": {}, "utt2background": {}} for snr in config.snrs}
    for index, key in enumerate(progress(tables["text"], desc="test sets", unit="utterances")):
        rng = np.random.default_rng([config.seed, index])
        group = source.groups[index % len(source.groups)]
        wav = read(tables["wav.scp"][key], config.sample_rate).double().numpy()
        power = active_power(wav)
        if not power:
            raise ValueError(f"{key} ({tables['wav.scp'][key]}) is silent.")
        noise = source.background(group, len(wav), rng)
        for snr, test_set in sets.items():
            samples, _, _ = mix_at_snr(Segment(wav, (key,)), noise, snr, 10 * np.log10(power))
            path = out / test_set_name(snr) / "wav" / f"{key}.wav"
            write_wav(path, samples, config.sample_rate)
            test_set["wav.scp"][key] = str(path.resolve())
            test_set["utt2background"][key] = "none" if snr == CLEAN else " ".join(noise.recordings)
    for snr, test_set in sets.items():
        write_data_dir(out / test_set_name(snr), test_set)


def _summary(folder: Path) -> str:
    """One line about a set: recordings, minutes, characters per second."""
    texts = read_table(folder / "text")
    seconds = sum(map(float, read_table(folder / "utt2dur").values()))
    rate = sum(map(len, texts.values())) / seconds
    return f"{folder.name}: {len(texts)} recordings, {seconds / 60:.1f} min, {rate:.1f} characters/s"
