"""A corpus of a few synthetic recordings, and one short training that several tests look at."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import soundfile


def write_set(folder, recordings):
    """recordings: id -> (source, samples)."""
    folder.mkdir(parents=True)
    for name, (_, samples) in recordings.items():
        soundfile.write(folder / f"{name}.wav", samples, 16000, subtype="PCM_16")
    for table, value in (
        ("wav.scp", lambda name, source, samples: folder / f"{name}.wav"),
        ("utt2spk", lambda name, source, samples: source),
        ("utt2dur", lambda name, source, samples: len(samples) / 16000),
    ):
        lines = [f"{name} {value(name, *recording)}\n" for name, recording in sorted(recordings.items())]
        (folder / table).write_text("".join(lines))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A folder with speech, background, and ready-made valid/{mixture,speech,background}.scp."""
    folder = tmp_path_factory.mktemp("corpus")
    random = np.random.default_rng(0)

    def voice(length, pitch):
        time = np.arange(length) / 16000
        return 0.2 * np.sin(2 * np.pi * pitch * time) * np.sin(9 * time) ** 2 + 0.002 * random.standard_normal(length)

    write_set(
        folder / "speech", {f"s{i % 3}_{i}": (f"s{i % 3}", voice(3000 + 2500 * i, 90 + 20 * i)) for i in range(12)}
    )
    write_set(
        folder / "background", {f"b{i}": (f"b{i % 2}", 0.1 * random.standard_normal(4000 * i + 900)) for i in range(4)}
    )
    stems = {f"m{i}": (voice(9000 + i, 150 + i), 0.05 * random.standard_normal(9000 + i)) for i in range(4)}
    for k, name in enumerate(("speech", "background")):
        write_set(folder / "valid" / name, {i: ("x", pair[k]) for i, pair in stems.items()})
    write_set(folder / "valid" / "mixture", {i: ("x", sum(pair)) for i, pair in stems.items()})
    return folder


@pytest.fixture(scope="session")
def options(corpus):
    """Command line of a training of seconds, but for its folder: on the CPU, two epochs of six steps."""
    valid = [f"{corpus}/valid/{file}/wav.scp,{name},sound" for file, name in
             (("mixture", "audio"), ("speech", "speech"), ("background", "background"))]  # fmt: skip
    return [
        "--config", "conf/codec/train_decodec_debug.yaml",
        "--train_data_path_and_name_and_type", f"{corpus}/speech/wav.scp,audio,sound",
        *(word for path in valid for word in ("--valid_data_path_and_name_and_type", path)),
        "--preprocessor_conf", f"background_scp={corpus}/background/wav.scp",
        "--use_tensorboard", "false",
        "--log_level", "ERROR",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def trained(options, tmp_path_factory):
    """The folder of a training of two epochs with two data workers."""
    from espnet2_decodec.bin.codec_train import main

    folder = tmp_path_factory.mktemp("exp") / "straight"
    main([*options, "--output_dir", str(folder), "--num_workers", "2"])
    return folder
