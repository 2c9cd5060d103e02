"""Made corpora: three speakers with short prompts, two background classes of short and long recordings."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.kaldi import write_table


def write_set(folder, groups, seconds, text, seed):
    """A Kaldi folder of band noises: {group: count}, each of a length from `seconds`."""
    rng = np.random.default_rng(seed)
    (folder / "wav").mkdir(parents=True)
    paths, owners, texts = {}, {}, {}
    for group, count in groups.items():
        for i in range(count):
            key = f"{group}-{i:02d}"
            length = int(rng.uniform(*seconds) * 16000)
            wav = np.convolve(rng.normal(size=length), [0.5, 0.3, 0.2], mode="same") * rng.uniform(0.02, 0.2)
            wav[: 16000 // 20] = 0
            paths[key], owners[key], texts[key] = folder / "wav" / f"{key}.wav", group, f"words of {key}"
            soundfile.write(paths[key], wav, 16000)
    write_table(folder / "wav.scp", paths)
    write_table(folder / "utt2spk", owners)
    if text:
        write_table(folder / "text", texts)
    return folder


@pytest.fixture(scope="session")
def corpora(tmp_path_factory):
    """Folders of speech and of backgrounds."""
    root = tmp_path_factory.mktemp("corpora")
    speech = write_set(root / "speech", {"anna": 8, "boris": 8, "carla": 1}, (0.4, 0.8), True, 1)
    return speech, write_set(root / "background", {"rain": 1, "drums": 2}, (0.5, 3.0), False, 2)
