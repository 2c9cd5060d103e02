"""Make ``local/mini`` from CC-BY and CC-BY-SA packages: ``python -m local.make_mini DOWNLOADS FOLDER``."""

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from local import audio, debian
from local.corpora import asterisk, mini
from local.recording import ascii_name

# Language -> (split, minutes, license); prompts of MIN_SECONDS to MAX_SECONDS in the order of their hashes.
SPEECH = {
    "fr": ("train", 3.0, "CC-BY-SA-3.0"),
    "ru": ("train", 3.0, "CC-BY-3.0"),
    "it": ("dev", 1.0, "CC-BY-3.0"),
    "en": ("test", 1.75, "CC-BY-SA-3.0"),
}
MIN_SECONDS, MAX_SECONDS = 1.5, 9.0
G722_BYTES_PER_SECOND = 8000
BACKGROUND_LICENSE = "CC-BY-SA-3.0"
BITS = 13  # of 16: rounding noise of -83 dB, below that of G.722, at two thirds of the size


def main() -> None:
    """Write the flac files and the manifest; ``FOLDER/cut.tsv`` lists the backgrounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("downloads", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    cuts = mini.read_tsv(args.folder / "cut.tsv")
    names = [f"asterisk-core-sounds-{language}{kind}" for language in SPEECH for kind in ("", "-g722")]
    roots = debian.fetch([*names, *dict.fromkeys(row["package"] for row in cuts)], args.downloads)
    shutil.rmtree(args.folder / "audio", ignore_errors=True)
    rows = [*speech_rows(roots, args.folder), *background_rows(roots, cuts, args.folder)]
    lines = ["\t".join(mini.COLUMNS), *("\t".join(row) for row in sorted(rows))]
    (args.folder / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def speech_rows(roots: dict[str, Path], folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield prompts with transcripts, in an order that depends only on their names, until the minutes are reached."""
    for language, (split, minutes, license) in SPEECH.items():
        texts = asterisk.prompts(roots[f"asterisk-core-sounds-{language}"], language)
        package = f"asterisk-core-sounds-{language}-g722"
        remaining, speaker = minutes * 60, f"asterisk_{language}"
        files = asterisk.prompt_files(roots[package], language)
        spoken = [(path, name) for path, name in files if asterisk.is_spoken(texts.get(name, ""))]
        for path, name in sorted(spoken, key=lambda pair: hashlib.sha256(pair[1].encode()).digest()):
            seconds = path.stat().st_size / G722_BYTES_PER_SECOND
            if remaining > 0 and MIN_SECONDS <= seconds <= MAX_SECONDS:
                remaining -= seconds
                file = write(folder, f"audio/{speaker}/{ascii_name(name)}.flac", audio.load(path))
                yield file, "speech", split, speaker, "", texts[name], package, license


def background_rows(roots: dict[str, Path], cuts: list[dict[str, str]], folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield the rows of ``cut.tsv``: ``seconds`` from ``start``, or to the end for 0 seconds."""
    for row in cuts:
        source = roots[row["package"]] / row["file"]
        start, length = (int(row[key]) * audio.SAMPLE_RATE for key in ("start", "seconds"))
        samples = audio.load(source)[start : start + length if length else None]
        place = source.parent.name if source.parent.name != "sounds" else source.parents[1].name
        file = write(folder, f"audio/{row['speaker']}/{ascii_name(f'{place}_{source.stem}')}.flac", samples)
        rest = (row["split"], row["speaker"], row["class"], "", row["package"], BACKGROUND_LICENSE)
        yield file, "background", *rest


def write(folder: Path, file: str, samples: np.ndarray) -> str:
    """Write ``samples`` ``[L]`` as flac with :data:`BITS` bits, and return the name for the manifest."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    full = 2 ** (BITS - 1)
    rounded = np.clip(np.round(samples * full), -full, full - 1) / full
    soundfile.write(folder / file, rounded, audio.SAMPLE_RATE, subtype="PCM_16", compression_level=1.0)
    return file


if __name__ == "__main__":
    main()
