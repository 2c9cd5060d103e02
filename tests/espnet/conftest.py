"""A corpus of a few synthetic recordings, and one short training that several tests look at."""

import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from functools import partial

import numpy as np
import pytest
import soundfile
import torch
import yaml

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.program import run_program

TEXTS = ("ab ca", "cab", "bac.", "a, bc", "abba", "cc ab", "bb.", "acab")


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


@pytest.fixture(scope="module")
def asr_place(tmp_path_factory):
    """A folder with a codec, four recordings with their words, and a token list."""
    folder = tmp_path_factory.mktemp("asr")
    DeCodec.from_config(TINY).save_pretrained(folder / "codec")
    random = np.random.default_rng(0)
    for i in range(4):
        soundfile.write(folder / f"u{i}.wav", random.standard_normal(12000 + 1600 * i) * 0.1, 16000)
    (folder / "wav.scp").write_text("".join(f"u{i} {folder}/u{i}.wav\n" for i in range(4)))
    (folder / "text").write_text("".join(f"u{i} A B\n" for i in range(4)))
    (folder / "shape").write_text("".join(f"u{i} {12000 + 1600 * i}\n" for i in range(4)))
    (folder / "tokens").write_text("<blank>\n<unk>\nA\nB\n<sos/eos>\n")
    config = {
        "frontend": "decodec", "frontend_conf": {"fs": "16k", "model": str(folder / "codec"), "feature": "speech"},
        "normalize": "utterance_mvn", "encoder": "transformer",
        "encoder_conf": {"output_size": 8, "attention_heads": 1, "linear_units": 8, "num_blocks": 1},
        "decoder": "transformer", "decoder_conf": {"attention_heads": 1, "linear_units": 8, "num_blocks": 1},
        "init": "xavier_uniform", "model_conf": {"ctc_weight": 0.5}, "optim": "adam",
        "batch_type": "unsorted", "batch_size": 2, "max_epoch": 2,
        "use_tensorboard": False, "use_matplotlib": False, "num_att_plot": 0,
        "keep_nbest_models": 2, "best_model_criterion": [["valid", "loss", "min"]],
    }  # fmt: skip
    (folder / "train.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.fixture(scope="module")
def tts_place(tmp_path_factory, vocoder_config):
    """A folder with a codec, a token list, and texts and tokens of two speakers."""
    folder = tmp_path_factory.mktemp("tts")
    torch.manual_seed(0)
    codec = DeCodec.from_config(vocoder_config)
    for quantizer in (codec.speech_quantizer, codec.background_quantizer):
        quantizer.init_kmeans(0.2 * torch.randn(400, 12), 2)
    codec.save_pretrained(folder / "codec")
    random = np.random.default_rng(0)
    for i in range(len(TEXTS)):
        np.save(folder / f"u{i}.npy", random.integers(0, 16, (30 + 5 * i, 4)).astype(np.int16))
    values = {"text": lambda i: TEXTS[i], "codes.scp": lambda i: folder / f"u{i}.npy", "utt2spk": lambda i: i % 2}
    for table, value in values.items():
        (folder / table).write_text("".join(f"u{i} {value(i)}\n" for i in range(len(TEXTS))))
    (folder / "tokens.json").write_text(json.dumps(CharacterTokenizer.from_texts(TEXTS).tokens))
    return folder


@pytest.fixture(scope="session")
def asr_training():
    """Function of the folder of `asr_place`, and the name of the experiment, to the options of an ASR training."""

    def training(place, out: str) -> list[str]:
        """Options of an ASR training in `out`."""
        files = [f"{place}/wav.scp,speech,sound", f"{place}/text,text,text"]
        data = [
            word
            for part in ("train", "valid")
            for file in files
            for word in (f"--{part}_data_path_and_name_and_type", file)
        ]
        return ["--config", f"{place}/train.yaml", "--output_dir", f"{place}/{out}", "--token_type", "word",
                "--token_list", f"{place}/tokens", *data,
                "--train_shape_file", f"{place}/shape", "--valid_shape_file", f"{place}/shape"]  # fmt: skip

    return training


@pytest.fixture(scope="session")
def tts_options():
    """Function of the folder of `tts_place` to the options of all runs of the text-to-speech task."""

    def options(place) -> list[str]:
        """Options of all runs."""
        data = [f"{place}/text,text,text", f"{place}/codes.scp,speech_codes,npy"]
        files = [
            word
            for part in ("train", "valid")
            for file in data
            for word in (f"--{part}_data_path_and_name_and_type", file)
        ]
        speakers = [word for part in ("train", "valid") for word in (f"--{part}_utt2spk", f"{place}/utt2spk")]
        return ["--config", "conf/tts/train_tts_debug.yaml", "--codec", f"{place}/codec",
                "--token_list", f"{place}/tokens.json",
                "--use_tensorboard", "false", "--log_level", "ERROR", *files, *speakers]  # fmt: skip

    return options


@pytest.fixture(scope="session")
def tts_training(tts_options):
    """Function of the folder of `tts_place`, and the name of the experiment, to the options of a training."""

    def training(place, out: str) -> list[str]:
        """Options of a training in `out`, after statistics were collected."""
        shapes = [word for part in ("train", "valid") for name in ("text", "speech_codes")
                  for word in (f"--{part}_shape_file", f"{place}/stats/{part}/{name}_shape")]  # fmt: skip
        stats = f"{place}/stats/train/features_stats.npz"
        return [
            *tts_options(place),
            *shapes,
            "--stats_file",
            stats,
            "--resume",
            "true",
            "--output_dir",
            f"{place}/{out}",
        ]

    return training


@pytest.fixture
def refused(capfd):
    """Function that starts a task, and returns the one line of its error; everything else is ESPnet's log."""

    def refuse(task, command, status: int = 1) -> str:
        with pytest.raises(SystemExit) as left:
            run_program(partial(task.main, cmd=[str(word) for word in command]))
        lines = capfd.readouterr().err.splitlines()
        assert left.value.code == status and not any("Traceback" in line for line in lines), lines
        assert sum("error: " in line for line in lines) == 1 and "error: " in lines[-1], lines
        return lines[-1].partition("error: ")[2]

    return refuse


@pytest.fixture
def change():
    """Function that replaces content of a file until the end of the test."""
    kept = []

    def replace(path, content) -> None:
        kept.append((path, path.read_bytes()))
        path.write_bytes(content(path.read_bytes()) if callable(content) else content)

    yield replace
    for path, content in reversed(kept):
        path.write_bytes(content)
