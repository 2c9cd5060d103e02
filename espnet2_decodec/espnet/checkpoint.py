"""Checkpoints of ESPnet experiments: strict loading, and export of the codec."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.config import load_yaml
from espnet2_decodec.program import one_line
from espnet2_decodec.training.checkpoint import misfit, read_checkpoint

PREFIX = "codec.generator.codec."
"""Prefix of the codec's weights in checkpoints of the codec task."""


def load_strictly(
    build: Callable[[Namespace], nn.Module],
    config_file: str | Path | None,
    model_file: str | Path | None,
    device: str = "cpu",
) -> tuple[nn.Module, Namespace]:
    """Load the model of an experiment and its options.

    Args:
        build: function from options to a model.
        config_file: config.yaml of the experiment; None for the one in the folder of `model_file`.
        model_file: its weights; None for random weights.
        device: to load to.

    Raises:
        ValueError: if both files are None, the config is of something else, or the weights do not fit.
    """
    if model_file is not None:
        config_file = config_file or Path(model_file).parent / "config.yaml"
    if config_file is None:
        raise ValueError("Give the config file, the model file or both.")
    args = read_config(config_file)
    with _as_config_errors(config_file):
        model = build(args).to(device)
    if model_file is not None:
        load_state(model, read_weights(model_file), str(model_file))
    return model, args


def export(train_config: str | Path, model_file: str | Path, folder: str | Path, half: bool = False) -> DeCodec:
    """Write the codec of an experiment to a folder that `DeCodec.from_pretrained` reads.

    Args:
        train_config: config.yaml of the experiment.
        model_file: its weights, e.g. valid.distance.best.pth.
        folder: to write to.
        half: store the weights in half precision.

    Raises:
        ValueError: if the config is not of this codec, or the weights do not fit.
    """
    args = read_config(train_config)
    with _as_config_errors(train_config):
        if args.codec != "decodec":
            raise ValueError(f"it is of the codec {args.codec}; only decodec can be exported.")
        codec = DeCodec.from_config(args.codec_conf.get("codec") or {}).eval()
    weights = read_weights(model_file)
    load_state(codec, {k.removeprefix(PREFIX): v for k, v in weights.items() if k.startswith(PREFIX)}, str(model_file))
    codec.save_pretrained(folder, half)
    return codec


def read_config(path: str | Path) -> Namespace:
    """The options in a config.yaml; errors as in `data.config.load_yaml`."""
    return Namespace(**load_yaml(path))


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors in a .pth file.

    Raises:
        ValueError: if it is damaged or holds something else.
        OSError: if it cannot be opened.
    """
    try:
        weights = read_checkpoint(path)
    except ValueError as error:
        raise ValueError(f"{path} cannot be loaded: {error}.") from error
    if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()):
        raise ValueError(f"{path} cannot be loaded: it holds something else than named tensors.")
    return weights


@contextmanager
def _as_config_errors(path: str | Path) -> Iterator[None]:
    """Context manager that turns errors of building a model from options into a ValueError with the config's file."""
    try:
        yield
    except AttributeError as error:
        problem = f"it has no option {error.name}" if isinstance(error.obj, Namespace) else one_line(error)
        raise ValueError(f"{path} is not the config of such a model: {problem}.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: {one_line(error)}") from error


def load_state(model: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Load weights into a model, strictly.

    Raises:
        ValueError: if tensors are missing, unexpected or of another shape; the message names them.
    """
    problem = misfit(model.state_dict(), weights)
    if problem:
        raise ValueError(f"The weights in {source} do not fit the model: {problem}.")
    model.load_state_dict(weights)
