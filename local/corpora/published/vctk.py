"""VCTK 0.92: 110 English speakers at 48 kHz (CC BY 4.0). Of the two microphones, the first is used."""

from collections.abc import Iterator

from local.corpora.corpus import Corpus
from local.recording import Recording

TEST_SPEAKERS = ("p232", "p257")
"""The test speakers of VoiceBank-DEMAND, which is made from VCTK."""


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """All utterances of the first microphone; no split is published, so speakers are split by name.

    Speaker p315 has no transcripts, and p280 and p315 have no second microphone.

    Raises:
        ValueError: This is an earlier version, or a transcribed speaker has no recordings.
    """
    corpus.refuse_parts()
    root = corpus.find_root("VCTK-Corpus-0.92")
    if (root / "wav48").is_dir() and not (root / "wav48_silence_trimmed").is_dir():
        raise corpus.error(f"{root} is VCTK 0.80; version 0.92, which has wav48_silence_trimmed, is needed.")
    texts = corpus.require(root / "txt")
    first = corpus.files(root / "wav48_silence_trimmed", "*/*_mic1.flac")
    for path in (root / "wav48_silence_trimmed").glob("*/*_mic2.flac"):
        corpus.leave_out("recordings of the second microphone", path)
    splits = corpus.split({path.parent.name for path in first})
    splits |= {speaker: "test" for speaker in TEST_SPEAKERS if speaker in splits}
    silent = sorted(folder for folder in texts.iterdir() if folder.is_dir() and folder.name not in splits)
    if silent:
        raise corpus.error(
            f"{silent[0]} has transcripts, but the speaker has no recordings: the corpus is not completely unpacked."
        )
    for path in first:
        speaker, name = path.parent.name, path.stem.removesuffix("_mic1")
        text = corpus.text(texts / speaker / f"{name}.txt", path)
        yield Recording(path, "speech", splits[speaker], f"vctk_{speaker}", name, text=text)
