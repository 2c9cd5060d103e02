"""Test mixtures by kind of background: `python -m research.separation.kind_set --bank BANK --out D`.

Voices and noises that the trainings here have not seen: those of the development set, or with --final those of the
final set. D/speech and D/background are Kaldi folders, D/mixtures is the set.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from espnet2_decodec.data.kaldi import write_data_dir
from espnet2_decodec.data.kinds import CLASS_KINDS, KindConfig, make_kinds
from espnet2_decodec.io.pcm16 import to_pcm16
from espnet2_decodec.io.sound_output import write_wav
from research.separation.score import noise_banks
from research.tokens.audio_bank import AudioBank
from research.tokens.dev_set import ENGLISH, FINAL

RECORDINGS, VOICES = 30, 24
"""Most recordings of a voice or of a noise that are written, and most voices of a source."""


def write_bank(folder: Path, recordings: list[tuple[AudioBank, int]], groups: list[str], table: str) -> list[str]:
    """Write recordings of banks as a Kaldi folder, with the group of each in `table`; the ids."""
    keys, counts = [], defaultdict(int)
    tables: dict[str, dict[str, object]] = {"wav.scp": {}, "utt2spk": {}, table: {}}
    for (bank, i), group in zip(recordings, groups):
        owner = f"{bank.rows[i][3]}-{bank.rows[i][2]}".replace("_", "-").replace(" ", "-")
        counts[owner] += 1
        key = f"{owner}-{counts[owner]:03d}"
        path = folder / "wav" / f"{key}.wav"
        write_wav(path, to_pcm16(bank.recording(i).numpy().astype(np.float64)), 16000)
        tables["wav.scp"][key], tables["utt2spk"][key] = path.resolve(), owner
        if table != "utt2spk":
            tables[table][key] = group
        keys.append(key)
    write_data_dir(folder, tables)
    return keys


def main() -> None:
    """Write the folders and the mixtures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--final", action="store_true", help="the final set in place of the development set")
    parser.add_argument("--per-kind", type=int, default=24)
    args = parser.parse_args()
    random = np.random.default_rng(5)
    voices, languages = [], []
    for name in FINAL if args.final else ("speech_dev",):
        bank = AudioBank(args.bank, name)
        by_source = defaultdict(list)
        for source, label in sorted(bank.keys):
            by_source[source].append((source, label))
        for source, label in [key for keys in by_source.values() for key in keys[:VOICES]]:
            members = bank.members[source, label]
            chosen = random.permutation(members)[:RECORDINGS]
            voices += [(bank, int(i)) for i in chosen]
            languages += ["en" if source in ENGLISH else "und"] * len(chosen)
    write_bank(args.out / "speech", voices, languages, "utt2lang")
    noises, kinds = [], []
    names = {kind: name for name, kind in CLASS_KINDS.items()}
    for kind, banks in sorted(noise_banks(args.bank, args.final).items()):
        for bank, key in banks:
            chosen = random.permutation(bank.members[key])[:RECORDINGS]
            noises += [(bank, int(i)) for i in chosen]
            kinds += [names.get(kind, kind)] * len(chosen)
    write_bank(args.out / "background", noises, kinds, "utt2class")
    config = KindConfig(args.per_kind, (5.0, 7.0))
    count = make_kinds(args.out / "speech", args.out / "background", args.out / "mixtures", config)
    print(f"{count} mixtures in {args.out / 'mixtures'}")


if __name__ == "__main__":
    main()
