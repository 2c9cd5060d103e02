"""An exported codec in ONNX Runtime, with the calls of `DeCodec`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.export.write import CONFIG, KIND
from espnet2_decodec.codec.padding import pad_to_frames
from espnet2_decodec.codec.validation import as_wav, check_codes, check_tokens, check_wav
from espnet2_decodec.extras import require
from espnet2_decodec.types import Codes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class OnnxCodec:
    """Encoder and decoder of a folder that `export_codec` wrote.

    Args:
        folder: of the ONNX files.
        threads: of each operation; 0 for all cores.

    Attributes:
        sample_rate: Hz.
        hop: samples per frame.
        speech_levels, background_levels: levels of the tokens.
        codebook_size: N.

    Raises:
        ImportError: if onnxruntime is not installed.
        FileNotFoundError: if a file is missing.
        ValueError: if export.json is damaged, or of another kind.
    """

    def __init__(self, folder: str | Path, threads: int = 0):
        config, sessions = open_export(folder, ("encoder", "decoder"), threads)
        self.sample_rate, self.hop, self.codebook_size = config["sample_rate"], config["hop"], config["codebook_size"]
        self.speech_levels, self.background_levels = config["speech_levels"], config["background_levels"]
        self._encoder, self._decoder = sessions

    def encode(self, wav: Tensor) -> Codes:
        """Samples [1, L], a tensor or NumPy array of floats -> tokens; errors as for `DeCodec.encode`.

        Raises:
            ValueError: if there is more than one recording.
        """
        wav = as_wav(wav, "wav", torch.zeros(()))
        lengths = check_wav(wav, None)
        if len(wav) != 1:
            raise ValueError(f"An exported codec encodes one recording at a time, not {len(wav)}.")
        padded = pad_to_frames(wav, None, self.hop)[0]
        speech, background = self._encoder.run(None, {"wav": padded.numpy()})
        return Codes(torch.from_numpy(speech), torch.from_numpy(background), lengths, self.sample_rate)

    def decode(self, codes: Codes, speech: bool = True, background: bool = True) -> Tensor:
        """Tokens of one recording -> samples [1, L]; arguments and errors as for `DeCodec.decode`.

        Raises:
            ValueError: if the tokens have another number of levels, or there is more than one recording.
        """
        check_codes(codes, self.sample_rate, self.hop)
        found = codes.speech.shape[:2], codes.background.shape[:2]
        if found != ((1, self.speech_levels), (1, self.background_levels)):
            raise ValueError(
                f"This exported codec decodes one recording of {self.speech_levels} + {self.background_levels} levels, "
                f"not {found[0][0]} of {found[0][1]} + {found[1][1]}."
            )
        check_tokens(codes.speech, self.speech_levels, self.codebook_size, "speech")
        check_tokens(codes.background, self.background_levels, self.codebook_size, "background")
        inputs = {"speech": codes.speech.numpy(), "background": codes.background.numpy()}
        (wav,) = self._decoder.run(None, inputs | {"gains": np.array([speech, background], np.float32)})
        return torch.from_numpy(wav)[:, : int(codes.lengths[0])]


def open_export(
    folder: str | Path, names: Sequence[str], threads: int
) -> tuple[dict[str, Any], list["InferenceSession"]]:
    """Return the content of export.json and sessions of graphs; arguments and errors as for `OnnxCodec`."""
    require("onnx", "An exported codec", "onnxruntime")
    import onnxruntime

    folder = Path(folder)
    streaming = any(name.endswith("_step") for name in names)
    for name in (CONFIG, *(f"{name}.onnx" for name in names)):
        if not (folder / name).is_file():
            option = " --streaming" if streaming else ""
            raise FileNotFoundError(f"There is no {name} in {folder}; decodec export{option} --format onnx writes it.")
    config = _read(folder / CONFIG)
    if streaming and not _is_streaming(config, names):
        raise ValueError(f"{folder / CONFIG} has no sizes of the states for {' and '.join(names)}.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return config, [
        onnxruntime.InferenceSession(folder / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
        for name in names
    ]


def _is_streaming(config: dict[str, Any], names: Sequence[str]) -> bool:
    """Whether export.json has the size and the delay of each graph."""
    sizes = config.get("streaming")
    if not isinstance(sizes, dict) or not all(isinstance(sizes.get(name), dict) for name in names):
        return False
    return all(isinstance(sizes[name].get(key), int) for name in names for key in ("state", "delay"))


def _read(path: Path) -> dict:
    """Return the content of export.json.

    Raises:
        ValueError: if it is not that of an export.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    names = ("sample_rate", "hop", "codebook_size", "speech_levels", "background_levels")
    if (
        not isinstance(config, dict)
        or config.get("kind") != KIND
        or not all(isinstance(config.get(n), int) for n in names)
    ):
        raise ValueError(f"{path} is not that of an exported codec.")
    return config
