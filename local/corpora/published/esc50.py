"""ESC-50: 2000 clips of 5 s in 50 classes from Freesound (CC BY-NC 3.0)."""

from collections.abc import Iterator

from local.corpora.corpus import Corpus, freesound
from local.recording import Recording

WITH_VOICES = ("crying_baby", "laughing")
FOLDS = {"1": "train", "2": "train", "3": "train", "4": "dev", "5": "test"}
COLUMNS = ("filename", "fold", "category", "src_file")
EFFECTS = (
    "door_wood_knock", "mouse_click", "keyboard_typing", "door_wood_creaks", "can_opening", "washing_machine",
    "vacuum_cleaner", "clock_alarm", "clock_tick", "glass_breaking", "clapping", "footsteps", "brushing_teeth",
    "drinking_sipping", "coughing", "sneezing", "breathing", "snoring", "pouring_water", "toilet_flush",
)  # fmt: skip


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """All clips but those with voices; folds 1 to 3 train, 4 is dev, 5 is test. A fold shares no source with another.

    Raises:
        ValueError: The table has other columns or folds, or names a clip that is missing.
    """
    corpus.refuse_parts()
    root = corpus.find_root("ESC-50-master", "ESC-50")
    listed = root / "meta" / "esc50.csv"
    rows = corpus.rows(listed, COLUMNS)
    corpus.check_listed(listed, [(number, root / "audio" / row["filename"]) for number, row in rows])
    for number, row in rows:
        path, category = root / "audio" / row["filename"], row["category"]
        if row["fold"] not in FOLDS:
            raise corpus.error(f"{listed}, line {number}: there is no fold {row['fold']!r}.")
        if category in WITH_VOICES:
            corpus.leave_out(f"clips of class {category}, which has voices", path)
            continue
        kind = "effects" if category in EFFECTS else "environment"
        source = freesound(row["src_file"])
        yield Recording(path, "background", FOLDS[row["fold"]], source, path.stem, background_class=kind)
