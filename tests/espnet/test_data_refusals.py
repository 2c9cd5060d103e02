"""Files that the ESPnet tasks cannot use are refused in one line that names file, line or utterance."""

import io

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.espnet import checks
from espnet2_decodec.espnet.asr_task import DeCodecASRTask
from espnet2_decodec.espnet.checkpoint import read_weights
from espnet2_decodec.espnet.codec_task import DeCodecTask
from espnet2_decodec.espnet.tts_task import DeCodecTTSTask

pytestmark = pytest.mark.slow


@pytest.fixture
def train_codec(options, tmp_path):
    """Command of a codec training of one epoch in this process, resumed if it was started before."""
    return [*options, "--output_dir", tmp_path, "--num_workers", "0", "--max_epoch", "1", "--resume", "true"]


def wav(samples, rate=16000, subtype="PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(
    "file, content, message",
    [
        ("valid/speech/wav.scp", b"", "{file} is empty."),
        ("valid/speech/wav.scp", b"m0\n", "{file}, line 1: 'm0' is not 'key value'."),
        ("valid/speech/wav.scp", lambda old: old + old[: old.index(b"\n")], "{file}, line 5: m0 occurs twice"),
        (
            "valid/speech/wav.scp",
            lambda old: old.split(b"\n", 1)[1],
            "{corpus}/valid/mixture/wav.scp, line 1: m0 has no",
        ),
        (
            "valid/speech/wav.scp",
            lambda old: old.replace(b"m1.wav", b"none.wav"),
            "{file}, line 2: {corpus}/valid/speech/none.wav does",
        ),
        ("valid/speech/wav.scp", b"m\xe9 a.wav\n", "{corpus}/valid/mixture/wav.scp, line 1: m0 has no line in {file}"),
        ("valid/speech/m1.wav", b"hello", "{corpus}/valid/speech/wav.scp, line 2: {file} is not audio"),
        ("speech/s1_1.wav", b"", "{corpus}/speech/wav.scp, line 5: {file} is an empty file."),
        ("speech/s1_1.wav", lambda old: old[:-3000], "{corpus}/speech/wav.scp, line 5: {file} is cut off or damaged"),
        ("speech/s1_1.wav", wav(np.ones(4000) / 9, 8000), "{corpus}/speech/wav.scp, line 5: {file} is at 8000 Hz, but"),
        ("speech/utt2spk", b"x y\n", "{corpus}/speech/wav.scp, line 1: s0_0 has no line in {file}"),
        ("speech/utt2dur", lambda old: old.replace(b" 0", b" a", 1), "{file}, line 1: 'a.1875' is not a duration"),
        ("background/wav.scp", lambda old: old + old, "{file}, line 5: b0 occurs twice, first in line 1."),
        (
            "valid/mixture/m0.wav",
            wav(np.full(9000, np.nan), subtype="FLOAT"),
            "Utterance m0: audio has a sample that is",
        ),
        (
            "valid/mixture/m0.wav",
            wav(np.full(9000, 9e3), subtype="FLOAT"),
            "Utterance m0: audio has samples up to 9000",
        ),
        ("valid/mixture/m0.wav", wav(np.ones(10) / 9), "Utterance m0: The stems of m0 must be of one length"),
    ],
)
def test_data_of_the_codec_task(refused, change, corpus, train_codec, file, content, message):
    change(corpus / file, content)
    assert refused(DeCodecTask, train_codec).startswith(message.format(file=corpus / file, corpus=corpus))


@pytest.mark.parametrize(
    "file, content, message",
    [
        ("text", b"u0 \xe9\n", "{file}, line 1: byte 0xe9 is not UTF-8"),
        ("text", lambda old: old.split(b"\n", 1)[1], "{place}/shape, line 1: u0 has no line in {file}."),
        ("text", lambda old: old + b"u0 A\n", "{file}, line 5: u0 occurs twice, first in line 1."),
        ("shape", b"u0 long\n", "{file}, line 1: 'long' is not a shape such as 120,80."),
        ("tokens", b"", "{file} is empty: it must have one token a line."),
        ("tokens", b"\xe9\n", "{file}, line 1: byte 0xe9 is not UTF-8"),
        ("tokens", b"A\nB\n", "Unknown symbol '<unk>' doesn't exist in the token_list"),
        ("u1.wav", lambda old: old[:-4000], "{place}/wav.scp, line 2: {file} is cut off or damaged"),
        ("codec/model.safetensors", b"x", "{file} is damaged or not a safetensors file"),
    ],
)
def test_data_of_the_asr_task(refused, change, asr_place, asr_training, file, content, message):
    change(asr_place / file, content)
    command = [
        *asr_training(asr_place, "refused"),
        "--num_workers",
        "0",
        "--log_level",
        "ERROR",
        "--batch_type",
        "numel",
    ]
    assert refused(DeCodecASRTask, command).startswith(message.format(file=asr_place / file, place=asr_place))


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "file, content, message",
    [
        ("tokens.json", b"[1", "{file} is no JSON list of tokens"),
        ("utt2spk", b"u0\n", "{file}, line 1: 'u0' is not 'key value'."),
        ("text", lambda old: old.replace(b"u3 ", b"u3 z"), "Utterance u3: u3: This model cannot pronounce 'z'"),
        (
            "text",
            lambda old: old.replace(b"u3 ", b"u3 " + b"ab" * 40),
            "Utterance u3: u3: 87 characters do not fit into",
        ),
        ("u3.npy", b"hello", "Utterance u3: "),
        ("u3.npy", lambda old: old[:-10], "Utterance u3: "),
        (
            "u3.npy",
            npy(np.zeros((45, 4), np.float32)),
            "Utterance u3: the speech_codes of u3 must be integers (frames, 4)",
        ),
        (
            "u3.npy",
            npy(np.zeros((45, 2), np.int16)),
            "Utterance u3: the speech_codes of u3 must be integers (frames, 4)",
        ),
        ("u3.npy", npy(np.full((45, 4), 16, np.int16)), "Utterance u3: the speech_codes of u3 must be within 0..15"),
        ("u3.npy", npy(np.full((45, 4), -1, np.int16)), "Utterance u3: the speech_codes of u3 must be within 0..15"),
    ],
)
def test_data_of_the_tts_task(refused, change, tts_place, tts_options, tmp_path, file, content, message):
    change(tts_place / file, content)
    only = "".join(f"{name} 40\n" for name in (["u3"] if file[0] == "u" and "." in file else ["u3", "u0"]))
    (tmp_path / "shape").write_text(only)
    command = [*tts_options(tts_place), "--output_dir", tmp_path, "--batch_type", "unsorted", "--batch_size", "1",
               "--train_shape_file", tmp_path / "shape", "--valid_shape_file", tmp_path / "shape",
               "--num_workers", "0", "--preprocessor_conf", "given_prompt_prob=0"]  # fmt: skip
    error = refused(DeCodecTTSTask, command)
    if file.endswith(".npy"):  # the order of utterances is random, and this file is the prompt of others
        assert error.startswith(message) or f"{tts_place / file}" in error
    else:
        assert error.startswith(message.format(file=tts_place / file))


def test_statistics_that_are_damaged(refused, tts_place, tts_options, tmp_path):
    (tmp_path / "stats.npz").write_bytes(b"PK")
    command = [*tts_options(tts_place), "--output_dir", tmp_path, "--batch_type", "unsorted"]
    error = refused(DeCodecTTSTask, [*command, "--stats_file", tmp_path / "stats.npz"])
    assert error.startswith(f"{tmp_path}/stats.npz is damaged, or not written by --collect")


def test_recordings_of_a_large_set_are_opened_in_part(tmp_path, monkeypatch):
    """All must exist."""
    monkeypatch.setattr(checks, "MAX_OPENED", 2)
    for number in range(5):
        (tmp_path / f"{number}.wav").write_bytes(b"hello" if number == 1 else wav(np.zeros(100)))
    (tmp_path / "wav.scp").write_text("".join(f"u{number} {tmp_path}/{number}.wav\n" for number in range(5)))
    table = read_table(tmp_path / "wav.scp")
    checks._check_recordings(table, list(table), 16000)
    (tmp_path / "1.wav").unlink()
    with pytest.raises(ValueError, match="line 2: .*1.wav does not exist"):
        checks._check_recordings(table, list(table), 16000)
    (tmp_path / "3.wav").write_bytes(wav(np.zeros(100), 8000))
    (tmp_path / "1.wav").write_bytes(b"hello")
    with pytest.raises(ValueError, match="line 4: .*3.wav is at 8000 Hz"):
        checks._check_recordings(table, list(table), 16000)


def test_weights_to_start_from(refused, train_codec, tmp_path):
    (tmp_path / "torn.pth").write_bytes(b"PK\3\4torn")
    torch.save({"a": torch.zeros(1)}, tmp_path / "foreign.pth")
    for name, message in (("none", "{}: No such file"), ("torn", "--init_param {} cannot be loaded: it is damaged"),
                          ("foreign", "--init_param {} does not fit the model: ")):  # fmt: skip
        path = tmp_path / f"{name}.pth"
        assert refused(DeCodecTask, [*train_codec, "--init_param", path]).startswith(message.format(path))


def test_checkpoints_that_are_damaged_or_foreign(refused, trained, train_codec, tmp_path):
    whole = (trained / "checkpoint.pth").read_bytes()
    for name in ("1epoch.pth", "2epoch.pth"):
        (tmp_path / name).write_bytes((trained / "2epoch.pth").read_bytes())
    foreign = io.BytesIO()
    torch.save({"model": {"a": torch.zeros(1)}}, foreign)
    path, last = tmp_path / "checkpoint.pth", tmp_path / "2epoch.pth"
    for content in (b"", whole[: len(whole) // 2], b"hello", foreign.getvalue()):
        path.write_bytes(content)
        error = refused(DeCodecTask, train_codec)
        assert error.startswith(f"{path} cannot be resumed: ")
        assert error.endswith(f"The last complete weights are {last}: remove {path}, and start from them with "
                              f"--init_param {last}.")  # fmt: skip
    last.write_bytes(b"")
    assert f"The last complete weights are {tmp_path}/1epoch.pth: " in refused(DeCodecTask, train_codec)


def test_weights_of_the_last_epoch_are_restored_and_others_named(refused, trained, train_codec, tmp_path):
    (tmp_path / "checkpoint.pth").write_bytes((trained / "checkpoint.pth").read_bytes())
    last = tmp_path / "2epoch.pth"
    last.write_bytes(b"torn")
    DeCodecTask.main(cmd=[str(word) for word in train_codec])
    expected = read_weights(trained / "2epoch.pth")
    assert all(torch.equal(value, expected[name]) for name, value in read_weights(last).items())
    (tmp_path / "1epoch.pth").write_bytes(b"torn")
    error = refused(DeCodecTask, train_codec)
    assert error.startswith(f"{tmp_path}/1epoch.pth is damaged: ") and error.endswith(f"--init_param {last}.")
