"""Data directories of hummed speech with transcripts, and of noise."""

import numpy as np
import pytest
import soundfile

RATE = 16000


def write_set(folder, recordings, **tables):
    """recordings: id -> (owner, samples); tables: name -> {id: value}."""
    folder.mkdir(parents=True)
    for name, (_, samples) in recordings.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE, subtype="PCM_16")
    tables = {
        "wav.scp": {name: folder / f"{name}.wav" for name in recordings},
        "utt2spk": {name: owner for name, (owner, _) in recordings.items()},
        "utt2dur": {name: len(samples) / RATE for name, (_, samples) in recordings.items()},
    } | tables
    for table, values in tables.items():
        (folder / table).write_text("".join(f"{name} {values[name]}\n" for name in sorted(values)))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """speech with text: 20 recordings of anna, 10 of bert, one of a number; background of two classes."""
    folder = tmp_path_factory.mktemp("corpus")
    random = np.random.default_rng(0)
    time = np.arange(RATE) / RATE

    def hum(index):
        return 0.1 * np.sin(2 * np.pi * (100 + 10 * index) * time) * np.sin(9 * time) ** 2

    names = [f"anna-{i:02d}" for i in range(20)] + [f"bert-{i:02d}" for i in range(10)] + ["bert-number"]
    voices = {name: (name.split("-")[0], hum(i)) for i, name in enumerate(names)}
    texts = {name: f"Ding, {'dong' * (i % 3 + 1)}!" for i, name in enumerate(names)} | {"bert-number": "Press 1."}
    write_set(folder / "speech", voices, text=texts)
    noises = {f"n{i}": (f"n{i}", 0.05 * random.standard_normal(RATE // 2 + 9000 * i)) for i in range(4)}
    write_set(folder / "background", noises, utt2class={name: ("rain", "wind")[i % 2] for i, name in enumerate(noises)})
    return folder
