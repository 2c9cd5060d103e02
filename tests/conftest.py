"""What tests of several folders share."""

import os
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import write_table

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the programs that tests start
torch.set_num_threads(1)  # sums of several threads round differently from those of one data worker


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a tiny codec with random weights."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    DeCodec.from_config(TINY).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def vocoder_config():
    """The config of a tiny codec with parametric levels."""
    return {
        "backbone": {"n_mels": 4, "channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
        "split": {"speech_dim": 12, "background_dim": 12},
        "quantizer": {"speech_levels": 4, "background_levels": 2, "codebook_size": 16},
    }


@pytest.fixture(scope="module")
def vocoder_codec(vocoder_config):
    """A tiny codec with parametric levels, random weights, and codebooks at which something is near."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(vocoder_config).eval()
    for quantizer in (codec.speech_quantizer, codec.background_quantizer):
        quantizer.init_kmeans(0.2 * torch.randn(400, 12), 2)
    return codec


def write_noise_set(folder, groups, seconds, text, seed):
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
    """Folders of speech (three speakers, short recordings) and of backgrounds (two classes)."""
    root = tmp_path_factory.mktemp("corpora")
    speech = write_noise_set(root / "speech", {"anna": 8, "boris": 8, "carla": 1}, (0.4, 0.8), True, 1)
    return speech, write_noise_set(root / "background", {"rain": 1, "drums": 2}, (0.5, 3.0), False, 2)


@pytest.fixture(scope="session")
def write_dir():
    """A function that writes a Kaldi directory of noise with transcripts."""

    def write(folder, count: int, text: str = "Ab, де!", seconds: float = 2.0, speaker: str = "x"):
        folder.mkdir(parents=True)
        random = np.random.default_rng(0)
        names = [f"{speaker}-{i:02d}" for i in range(count)]
        for name in names:
            soundfile.write(folder / f"{name}.wav", 0.1 * random.standard_normal(int(16000 * seconds)), 16000)
        for table, value in (("utt2spk", speaker), ("utt2dur", seconds), ("text", text)):
            write_table(folder / table, dict.fromkeys(names, value))
        write_table(folder / "wav.scp", {name: folder / f"{name}.wav" for name in names})
        return folder

    return write


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser; without Chromium or Chrome on PATH the test is skipped, which is also said as a warning."""
    spec = spec_from_file_location("browser", Path(__file__).with_name("browser.py"))
    browser = module_from_spec(spec)
    spec.loader.exec_module(browser)
    program = browser.find()
    if program is None:
        missing = f"There is no browser on PATH ({', '.join(browser.NAMES)}): no page was opened."
        warnings.warn(missing, stacklevel=1)
        pytest.skip(missing)
    with browser.Browser(program, tmp_path_factory.mktemp("profile")) as found:
        yield found
