"""Where published corpora are downloaded, with the checksums that their publishers or torchaudio name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """One file of a corpus.

    Attributes:
        url: Its address.
        part: Part of the corpus that it holds, empty if it is all.
        checksum: MD5 of the file in hexadecimal, empty if none is published.
    """

    url: str
    part: str = ""
    checksum: str = ""

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.url.rpartition("/")[2]


OPENSLR = "https://www.openslr.org/resources"
LIBRISPEECH = {
    "train-clean-100": "2a93770f6d5c6c964bc36631d331a522",
    "train-clean-360": "c0e676e450a7ff2f54aeade5171606fa",
    "train-other-500": "d1a0fd59409feb2c614ce4d30c387708",
    "dev-clean": "42e2234ba48799c1f50f24a7926300a1",
    "dev-other": "c8d0bcc9cca99d4f8b62fcc847357931",
    "test-clean": "32fa31d27d2e1cad72775fee3f4849a9",
    "test-other": "fb5a50374b501bb3bac4815ee91d3135",
}
LIBRITTS = {
    "train-clean-100": "4a8c202b78fe1bc0c47916a98f3a2ea8",
    "train-clean-360": "a84ef10ddade5fd25df69596a2767b2d",
    "train-other-500": "7b181dd5ace343a5f38427999684aa6f",
    "dev-clean": "0c3076c1e5245bb3f0af7d82087ee207",
    "dev-other": "815555d8d75995782ac3ccd7f047213d",
    "test-clean": "7bed3bdb047c4c197f1ad3bc412db59f",
    "test-other": "ae3258249472a13b5abef2a816f733e4",
}

ARCHIVES = {
    "librispeech": [Archive(f"{OPENSLR}/12/{part}.tar.gz", part, md5) for part, md5 in LIBRISPEECH.items()],
    "libritts": [Archive(f"{OPENSLR}/60/{part}.tar.gz", part, md5) for part, md5 in LIBRITTS.items()],
    "vctk": [
        Archive(
            "https://datashare.ed.ac.uk/bitstream/handle/10283/3443/VCTK-Corpus-0.92.zip",
            checksum="8a6ba2946b36fcbef0212cad601f4bfa",
        )
    ],
    "aishell3": [Archive(f"{OPENSLR}/93/data_aishell3.tgz")],
    "musan": [Archive(f"{OPENSLR}/17/musan.tar.gz", checksum="0c472d4fc0c5141eca47ad1ffeb2a7df")],
    "esc50": [Archive("https://github.com/karolpiczak/ESC-50/archive/master.zip")],
    "rirs_noises": [Archive(f"{OPENSLR}/28/rirs_noises.zip", checksum="e6f48e257286e05de56413b4779d8ffb")],
}
BY_HAND = {
    "wham": "http://wham.whisper.ai",
    "dns": "https://github.com/microsoft/DNS-Challenge",
    "fsd50k": "https://zenodo.org/records/4060432",
    "demand": "https://zenodo.org/records/1227121",
}
"""Corpora that come in split archives, or by a script of their own -> where they are described."""
