"""Recordings as memory-mapped banks: `python -m research.tokens.prepare_data --downloads D --out BANK`.

A bank is NAME.int16, the samples of all recordings at 16 kHz, and NAME.tsv, one recording per line: start, length,
label, source, remark, file name. The speech, noises and music are those of the Debian packages of `local/`, and, with
`--recordings FOLDER`, further ones listed in FOLDER/manifest.tsv with the columns path, source, speaker_or_class, split
and lang, where a path begins with speech, noise or rir. Recordings for the final test go to banks `speech_final_*`.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from espnet2_decodec.io.pcm16 import to_pcm16
from local import audio, debian, g722
from local.corpora import asterisk, backgrounds, festvox, tuxpaint, voices
from local.prepare import BACKGROUNDS_WITH_SPEECH
from local.recording import utterance_id

PACKAGES = {
    "speech": (
        "festvox-ru",
        "asterisk-core-sounds-fr",
        "asterisk-core-sounds-fr-g722",
        "asterisk-core-sounds-en",
        "asterisk-core-sounds-en-g722",
        "tuxpaint-stamps-default",
        "ktuberling-data",
        "klettres-data",
        "gcin-voice",
        "hedgewars-data",
    ),
    "background": (
        "qabcs-data",
        "scratch",
        "megaglest-data",
        "lincity-ng-data",
        "singularity-music",
        "colobot-common-sounds",
        "freedroidrpg-data",
        "asterisk-moh-opsound-g722",
        "wesnoth-1.16-data",
        "wesnoth-1.16-music",
        "torcs-data",
    ),
}
FINAL_SOURCES = ("alphanumeric-audio", "malayalam-msc")


class Item(NamedTuple):
    """One recording: where it is, its bank, its label (speaker or class), its source and a remark (language, noisy)."""

    path: Path
    bank: str
    label: str
    source: str
    remark: str


def standard_items(downloads: Path) -> Iterator[Item]:
    """Recordings of the Debian packages, by the corpora of the recipe."""
    g722.find_decoder()
    roots = debian.fetch([*PACKAGES["speech"], *PACKAGES["background"]], downloads)
    excluded = set(BACKGROUNDS_WITH_SPEECH.read_text().split("\n"))
    asterisk.SPLITS = {"fr": "train", "en": "dev"}
    backgrounds.FOLDERS = tuple(f for f in backgrounds.FOLDERS if f.package in PACKAGES["background"])
    for corpus in (festvox, asterisk, tuxpaint, voices, backgrounds):
        for recording in corpus.recordings(roots):
            if utterance_id(recording) in excluded:
                continue
            stream = "speech" if recording.stream == "speech" else "noise"
            if stream == "noise" and recording.background_class == "music" and recording.split == "train":
                stream = "music"
            source = recording.speaker.split("_")[0]
            yield Item(
                recording.path,
                f"{stream}_{recording.split}",
                recording.speaker,
                source,
                "noisy" if recording.noisy else "",
            )


def recording_items(root: Path) -> Iterator[Item]:
    """The further voices, noises and rooms, by the splits of their manifest."""
    with (root / "manifest.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            kind = row["path"].split("/")[0]
            split = row["split"]
            if kind == "speech":
                if row["source"] in FINAL_SOURCES:
                    split = "final_" + row["source"].split("-")[0]
                elif row["source"] == "speechocean762" and split == "test":
                    split = "final_speechocean"
                elif row["source"] == "arabic-speech-commands" and split == "test":
                    split = "dev"
            label = row["speaker_or_class"] or row["source"]
            if row["source"].startswith("picovoice"):  # voices without labels: each recording is its own
                label = Path(row["path"]).stem
            yield Item(root / row["path"], f"{kind}_{split}", label, row["source"], row["lang"])


def read(item: Item) -> np.ndarray:
    """[L] int16 at 16 kHz; empty where it cannot be read, is silent or shorter than 0.15 s."""
    try:
        samples = audio.load(item.path)
    except ValueError:
        return np.zeros(0, np.int16)
    if len(samples) < 2400 or np.sqrt(np.mean(np.square(samples))) < 1e-3:
        return np.zeros(0, np.int16)
    return to_pcm16(samples)


def main() -> None:
    """Write all banks."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("downloads", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--recordings", type=Path, help="folder with manifest.tsv")
    parser.add_argument("--nj", type=int, default=2)
    args = parser.parse_args()
    items = list(standard_items(args.downloads))
    if args.recordings:
        items += recording_items(args.recordings)
    args.out.mkdir(parents=True, exist_ok=True)
    files: dict = {}
    tables: dict[str, list] = defaultdict(list)
    places: dict[str, int] = defaultdict(int)
    with ProcessPoolExecutor(args.nj) as pool:
        for item, samples in zip(items, pool.map(read, items, chunksize=32)):
            if not len(samples):
                continue
            if item.bank not in files:
                files[item.bank] = (args.out / f"{item.bank}.int16").open("wb")
            files[item.bank].write(samples.tobytes())
            row = (places[item.bank], len(samples), item.label, item.source, item.remark, item.path.name)
            tables[item.bank].append(row)
            places[item.bank] += len(samples)
    for name, rows in tables.items():
        files[name].close()
        lines = ("\t".join(map(str, row)) for row in rows)
        (args.out / f"{name}.tsv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        print(
            f"{name}: {places[name] / 960000:.1f} min, {len(rows)} recordings, {len({row[2] for row in rows})} labels"
        )


if __name__ == "__main__":
    main()
