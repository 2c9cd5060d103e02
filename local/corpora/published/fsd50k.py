"""FSD50K: 51,197 clips from Freesound with labels of AudioSet's ontology, at 44.1 kHz (CC BY 4.0; clips differ)."""

from collections.abc import Iterator
from pathlib import Path

from local.corpora.corpus import Corpus, freesound
from local.recording import Recording

WITH_VOICES = frozenset(
    """Human_voice Speech Male_speech_and_man_speaking Female_speech_and_woman_speaking Child_speech_and_kid_speaking
    Conversation Speech_synthesizer Whispering Shout Yell Screaming Singing Male_singing Female_singing Laughter Giggle
    Chuckle_and_chortle Crying_and_sobbing Sigh Human_group_actions Cheering Crowd Chatter Applause""".split()
)
"""Labels of clips with voices; a clip that has one of them is left out."""
MUSIC = frozenset(("Music", "Musical_instrument"))
ENVIRONMENT = frozenset(
    """Animal Wild_animals Bird Insect Livestock_and_farm_animals_and_working_animals Water Wind Rain Ocean Stream Fire
    Thunder Thunderstorm Vehicle Motor_vehicle_(road) Engine Traffic_noise_and_roadway_noise Aircraft
    Rail_transport""".split()
)
PARTS = {"dev": ("train", "val"), "eval": ("",)}


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """All clips without voices, in the published split: train, val (dev) and eval (test).

    Raises:
        ValueError: A table has other columns or names a clip that is missing.
    """
    corpus.refuse_parts()
    root = corpus.find_root("FSD50K")
    for part in PARTS:
        for path, labels, split in read_table(corpus, root, part):
            voices = sorted(labels & WITH_VOICES)
            if voices:
                corpus.leave_out(f"clips labelled {voices[0]}", path)
                continue
            kind = "music" if labels & MUSIC else "environment" if labels & ENVIRONMENT else "effects"
            yield Recording(path, "background", split, freesound(path.stem), path.stem, background_class=kind)


def read_table(corpus: Corpus, root: Path, part: str) -> Iterator[tuple[Path, set[str], str]]:
    """Clip, labels and split of each line of dev.csv or eval.csv."""
    listed = root / "FSD50K.ground_truth" / f"{part}.csv"
    rows = corpus.rows(listed, ("fname", "labels", *(("split",) if part == "dev" else ())))
    folder = corpus.require(root / f"FSD50K.{part}_audio")
    corpus.check_listed(listed, [(number, folder / f"{row['fname']}.wav") for number, row in rows])
    for number, row in rows:
        if part == "dev" and row["split"] not in PARTS["dev"]:
            raise corpus.error(f"{listed}, line {number}: split is train or val, not {row['split']!r}.")
        split = "test" if part == "eval" else "dev" if row["split"] == "val" else "train"
        yield folder / f"{row['fname']}.wav", set(row["labels"].split(",")), split
