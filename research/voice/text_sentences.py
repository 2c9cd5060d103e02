"""English sentences to be spoken: `python -m research.voice.text_sentences --downloads D --out sentences.txt`.

They come from Debian packages with free texts: usage examples and definitions of WordNet (its own permissive license),
Jane Austen's novels, The Devil's Dictionary and the Jargon File (public domain), and from templates with numbers,
dates, names and questions. All words are in the lexicon.
"""

import argparse
import gzip
import re
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from espnet2_decodec.data.normalize import normalize_english, split_sentences
from espnet2_decodec.voice.text_phones import split_words
from local import debian
from research.voice.text_cmudict import lexicon
from research.voice.text_templates import template_sentences

PACKAGES = ("wordnet-base", "r-cran-janeaustenr", "dict-devil", "dict-jargon")
SHARES = {"example": 0.36, "austen": 0.22, "definition": 0.18, "jargon": 0.08, "devil": 0.06, "template": 0.10}
R_STRING = rb"\x00\x04\x00\x09(\x00\x00..)"
"""A string in the serialization of R, and its length."""
WORDS = 3, 25
"""Smallest and largest number of words of a sentence."""


def members(package: Path, pattern: str) -> Iterator[bytes]:
    """Content of the files of a Debian package whose path matches."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                if member.isfile() and re.search(pattern, member.name):
                    file = archive.extractfile(member)
                    assert file is not None
                    yield file.read()


def glosses(package: Path) -> Iterator[tuple[str, str]]:
    """Kind (example or definition) and text of WordNet's glosses."""
    for data in members(package, r"wordnet/data\.(noun|verb|adj|adv)$"):
        for line in data.decode("utf-8").splitlines():
            gloss = line.partition(" | ")[2]
            for example in re.findall(r'"([^"]+)"', gloss):
                yield "example", example
            yield "definition", re.sub(r"\([^)]*\)", "", gloss.partition('; "')[0])


def novels(package: Path) -> Iterator[tuple[str, str]]:
    """Sentences of Jane Austen's novels, from the compressed strings of an R data base."""
    for data in members(package, r"janeaustenr/data/Rdata\.rdb$"):
        for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
            try:
                content = zlib.decompressobj().decompress(data[match.start() :])
            except zlib.error:
                continue
            lines = []
            for string in re.finditer(R_STRING, content):
                end = string.end() + int.from_bytes(string[1], "big")
                lines.append(content[string.end() : end].decode("latin-1"))
            text = " ".join(lines)
            yield from (("austen", sentence) for sentence in split_sentences(text.replace("_", "")))


def dictionary(package: Path, name: str) -> Iterator[tuple[str, str]]:
    """Sentences of a dictionary in the format of dictd."""
    for data in members(package, r"\.dict\.dz$"):
        for entry in re.split(r"\n(?=\S)", gzip.decompress(data).decode("utf-8", "ignore")):
            text = " ".join(entry.partition("\n")[2].split())
            yield from ((name, sentence) for sentence in split_sentences(text))


def clean_sentence(text: str, known: set[str]) -> str | None:
    """The sentence with a capital and a full stop, or None if it is too long or short, or has unknown words."""
    text = " ".join(text.strip(" ;:,'\"").split())
    if not text.isascii() or re.search(r"[\x00-\x1f\[\]{}|\\<>=_~^*]|[A-Z]{3}", text):
        return None
    try:
        words = [word for word in split_words(normalize_english(text)) if word[0].isalpha()]
    except ValueError:
        return None
    if not WORDS[0] <= len(words) <= WORDS[1] or any(word.lower().strip("'") not in known for word in words):
        return None
    return text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else ".")


def main() -> None:
    """Write the sentences, in random order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--downloads", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=16000)
    args = parser.parse_args()
    debian.fetch(list(PACKAGES), args.downloads)
    packages = [next((args.downloads / "debs").glob(f"{name}_*.deb")) for name in PACKAGES]
    random, known = np.random.default_rng(0), set(lexicon())
    found: dict[str, list[str]] = {name: [] for name in SHARES}
    sources = (
        *glosses(packages[0]), *novels(packages[1]), *dictionary(packages[2], "devil"),
        *dictionary(packages[3], "jargon"), *(("template", text) for text in template_sentences(args.count, random)),
    )  # fmt: skip
    order = random.permutation(len(sources))
    seen: set[str] = set()
    for i in order:
        kind, text = sources[i]
        if len(found[kind]) < SHARES[kind] * args.count and text not in seen:
            seen.add(text)
            sentence = clean_sentence(text, known)
            if sentence:
                found[kind].append(sentence)
    sentences = [(kind, text) for kind, texts in found.items() for text in texts]
    lines = (f"{sentences[i][0]}\t{sentences[i][1]}\n" for i in random.permutation(len(sentences)))
    args.out.write_text("".join(lines), encoding="utf-8")
    print(", ".join(f"{kind}: {len(texts)}" for kind, texts in found.items()))


if __name__ == "__main__":
    main()
