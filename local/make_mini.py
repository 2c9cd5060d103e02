"""How ``local/mini`` was cut from the CC-BY and CC-BY-SA packages: ``python -m local.make_mini DOWNLOADS FOLDER``."""

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from local import audio, debian
from local.corpora import asterisk, mini
from local.recording import safe

# Speech: language -> (split, minutes), prompts of MIN to MAX seconds, chosen by the hash of their name.
SPEECH = {"fr": ("train", 3.0), "ru": ("train", 3.0), "it": ("dev", 1.0), "en": ("test", 1.75)}
MIN_SECONDS, MAX_SECONDS = 1.5, 9.0
BITS = 13  # of 16: rounding noise at -83 dB, below that of G.722, saves a third of the size
LICENCES = {"fr": "CC-BY-SA-3.0", "ru": "CC-BY-3.0", "it": "CC-BY-3.0", "en": "CC-BY-SA-3.0"}

TILESETS = "usr/share/games/megaglest/tilesets"
MUSIC = "usr/share/asterisk/moh"
SOUNDS = "usr/share/scratch/Media/Sounds"
# Background: package, folder, file, split, label, class, start and length in seconds (length 0: all of it).
BACKGROUND = (
    ("megaglest-data", TILESETS, "fernland/sounds/night.ogg", "train", "megaglest_fernland", "environment", 4, 15),
    ("megaglest-data", TILESETS, "fernland/sounds/day.ogg", "train", "megaglest_fernland", "environment", 4, 15),
    ("megaglest-data", TILESETS, "birch_forest/sounds/rain.ogg", "train", "megaglest_birch", "environment", 0, 15),
    ("megaglest-data", TILESETS, "birch_forest/sounds/night.ogg", "train", "megaglest_birch", "environment", 20, 15),
    ("megaglest-data", TILESETS, "birch_forest/sounds/day.ogg", "train", "megaglest_birch", "environment", 2, 15),
    ("megaglest-data", TILESETS, "birch_forest/sounds/chicken.wav", "train", "megaglest_birch", "environment", 0, 0),
    ("megaglest-data", TILESETS, "mediterran/sounds/night.ogg", "train", "megaglest_mediterran", "environment", 2, 15),
    ("megaglest-data", TILESETS, "winter/sounds/wind.ogg", "train", "megaglest_winter", "environment", 0, 20),
    ("megaglest-data", TILESETS, "hell/sounds/hell.ogg", "train", "megaglest_hell", "environment", 0, 20),
    ("asterisk-moh-opsound-g722", MUSIC, "macroform-cold_day.g722", "train", "moh_macroform", "music", 60, 15),
    ("asterisk-moh-opsound-g722", MUSIC, "macroform-robot_dity.g722", "train", "moh_macroform", "music", 60, 15),
    ("asterisk-moh-opsound-g722", MUSIC, "macroform-the_simplicity.g722", "train", "moh_macroform", "music", 90, 15),
    ("megaglest-data", TILESETS, "autumn/sounds/rain.ogg", "dev", "megaglest_autumn", "environment", 0, 0),
    ("megaglest-data", TILESETS, "autumn/sounds/sunny_day.ogg", "dev", "megaglest_autumn", "environment", 0, 15),
    ("megaglest-data", TILESETS, "autumn/sounds/rooster.ogg", "dev", "megaglest_autumn", "environment", 0, 0),
    ("asterisk-moh-opsound-g722", MUSIC, "manolo_camp-morning_coffee.g722", "dev", "moh_manolo_camp", "music", 20, 15),
    ("asterisk-moh-opsound-g722", MUSIC, "reno_project-system.g722", "test", "moh_reno_project", "music", 60, 15),
    *(
        ("scratch", SOUNDS, name, "test", "scratch", sound, 0, 0)
        for sound, names in {
            "environment": (
                "Effects/CarPassing.wav Effects/MotorcyclePassing.wav Effects/WaterRunning.mp3 Effects/Typing.mp3 "
                "Effects/Bubbles.wav Effects/DoorCreak.wav Effects/SewingMachine.mp3 Animal/Crickets.wav "
                "Animal/Bird.wav Animal/Dog1.wav Animal/HorseGallop.wav Animal/WolfHowl.wav"
            ),
            "music": "Percussion/RideCymbal.wav Instruments/GuitarStrum.wav Instruments/Trumpet1.wav",
            "effects": "Electronic/ComputerBeeps1.wav Electronic/SpaceRipple.wav Effects/BellToll.wav",
        }.items()
        for name in names.split()
    ),
)
CC_BY_SA = "CC-BY-SA-3.0"


def main() -> None:
    """Write the flac files and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("downloads", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    packages = [name for name in asterisk.PACKAGES if "-es" not in name]
    roots = debian.fetch([*packages, *dict.fromkeys(row[0] for row in BACKGROUND)], args.downloads)
    shutil.rmtree(args.folder / "audio", ignore_errors=True)
    rows = [*speech_rows(roots, args.folder), *background_rows(roots, args.folder)]
    lines = ["\t".join(mini.COLUMNS), *("\t".join(row) for row in sorted(rows))]
    (args.folder / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def speech_rows(roots: dict[str, Path], folder: Path) -> Iterator[tuple[str, ...]]:
    """Prompts that have a text, in an order that depends on their names alone, until the minutes are full."""
    for language, (split, minutes) in SPEECH.items():
        texts = asterisk.prompts(roots[f"asterisk-core-sounds-{language}"], language)
        package = f"asterisk-core-sounds-{language}-g722"
        left, label = minutes * 60, f"asterisk_{language}"
        files = asterisk.prompt_files(roots[package], language)
        spoken = [(path, name) for path, name in files if asterisk.is_spoken(texts.get(name, ""))]
        for path, name in sorted(spoken, key=lambda pair: hashlib.sha256(pair[1].encode()).digest()):
            seconds = path.stat().st_size / 8000
            if left > 0 and MIN_SECONDS <= seconds <= MAX_SECONDS:
                left -= seconds
                file = write(folder, f"audio/{label}/{safe(name)}.flac", audio.load(path))
                yield file, "speech", split, label, "", texts[name], package, LICENCES[language]


def background_rows(roots: dict[str, Path], folder: Path) -> Iterator[tuple[str, ...]]:
    """The rows of :data:`BACKGROUND`, cut."""
    for package, place, name, split, label, sound, start, length in BACKGROUND:
        samples = audio.load(roots[package] / place / name)[start * audio.SAMPLE_RATE :]
        samples = samples[: length * audio.SAMPLE_RATE] if length else samples
        file = write(folder, f"audio/{label}/{safe(Path(name).with_suffix('').as_posix())}.flac", samples)
        yield file, "background", split, label, sound, "", package, CC_BY_SA


def write(folder: Path, file: str, samples: np.ndarray) -> str:
    """``samples`` ``[L]`` as flac of :data:`BITS` bits; returns the name for the manifest."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    full = 2 ** (BITS - 1)
    rounded = np.clip(np.round(samples * full), -full, full - 1) / full
    soundfile.write(folder / file, rounded, audio.SAMPLE_RATE, subtype="PCM_16", compression_level=1.0)
    return file


if __name__ == "__main__":
    main()
