"""Export and loading of experiments: damaged and foreign configs and weights are named in one line."""

import pytest
import torch
import yaml

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import main
from espnet2_decodec.codec.config import TINY

pytest.importorskip("espnet2.tasks.gan_codec")
from espnet2_decodec.espnet.asr_task import DeCodecASRTask  # noqa: E402
from espnet2_decodec.espnet.checkpoint import PREFIX  # noqa: E402
from espnet2_decodec.espnet.codec_task import DeCodecTask  # noqa: E402
from espnet2_decodec.espnet.tts_task import DeCodecTTSTask  # noqa: E402


@pytest.fixture(scope="module")
def codec():
    torch.manual_seed(0)
    return DeCodec.from_config(TINY)


@pytest.fixture
def export(codec, tmp_path, capsys):
    """Function that exports an experiment of a config and weights -> (exit code, lines of stderr)."""

    def call(config=None, weights=None):
        config = {"codec": "decodec", "codec_conf": {"codec": TINY}} if config is None else config
        (tmp_path / "config.yaml").write_text(config if isinstance(config, str) else yaml.safe_dump(config))
        state = {PREFIX + name: value for name, value in codec.state_dict().items()}
        torch.save(state if weights is None else weights(state), tmp_path / "x.pth")
        files = ["--train_config", str(tmp_path / "config.yaml"), "--model_file", str(tmp_path / "x.pth")]
        code = main(["recipe", "export_codec", *files, str(tmp_path / "model")])
        return code, capsys.readouterr().err.splitlines()

    return call


def test_an_experiment_is_exported(codec, export, tmp_path):
    assert export() == (0, [])
    exported = DeCodec.from_pretrained(tmp_path / "model").state_dict()
    assert all(torch.equal(exported[name], value) for name, value in codec.state_dict().items())


@pytest.mark.parametrize(
    "config, message",
    [
        ("", "is not the config of such a model: it has no option codec"),
        ("a: 1", "is not the config of such a model: it has no option codec"),
        ("codec: soundstream", "only decodec can be exported"),
        ("codec: decodec", "it has no option codec_conf"),
        ({"codec": "decodec", "codec_conf": "x"}, "is not the config of such a model"),
        ({"codec": "decodec", "codec_conf": {"codec": [1]}}, "is not the config of such a model"),
        ({"codec": "decodec", "codec_conf": {"codec": {"backbone": {"name": "wavenet"}}}}, "Unknown backbone"),
    ],
)
def test_configs_of_something_else(export, tmp_path, config, message):
    code, errors = export(config)
    assert code == 1 and len(errors) == 1 and message in errors[0] and str(tmp_path / "config.yaml") in errors[0]
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "weights, message",
    [
        (lambda _: {0: 1, "a": torch.zeros(2)}, "something else than named tensors"),
        (lambda state: dict.fromkeys(state, 5), "something else than named tensors"),
        (lambda state: {"model": state}, "something else than named tensors"),
        (lambda state: {name: value.long() for name, value in state.items()}, "of another type"),
        (lambda state: {name: value.to(torch.complex64) for name, value in state.items()}, "of another type"),
        (lambda state: {name: value[..., :1] for name, value in state.items() if value.ndim}, "of another shape"),
        (lambda _: {}, "missing"),
    ],
)
def test_weights_of_something_else(export, tmp_path, weights, message):
    code, errors = export(weights=weights)
    assert code == 1 and len(errors) == 1 and message in errors[0] and str(tmp_path / "x.pth") in errors[0]
    assert not (tmp_path / "model").exists()


def test_the_config_of_a_synthesizer_that_lacks_options(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("a: 1\n")
    torch.save({}, tmp_path / "x.pth")
    files = ["--train_config", str(tmp_path / "config.yaml"), "--model_file", str(tmp_path / "x.pth")]
    assert main(["recipe", "tts_export", *files, str(tmp_path / "model")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "config.yaml is not the config of such a model: it has no option token_list" in line


@pytest.mark.parametrize("task", [DeCodecTask, DeCodecASRTask, DeCodecTTSTask])
@pytest.mark.parametrize("content", ["", "a: 1\n"])
def test_the_config_of_an_experiment_that_lacks_options(tmp_path, task, content):
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(ValueError, match=r"config\.yaml is not the config of such a model: it has no option \w+\."):
        task.build_model_from_file(tmp_path / "config.yaml")
