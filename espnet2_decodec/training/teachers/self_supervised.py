"""HuBERT, WavLM or wav2vec 2 from a folder of transformers as the semantic teacher."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet2_decodec.training.teachers.base import Teacher, TeacherUnavailable

HOP, WINDOW = 320, 400
"""Samples per frame, and receptive field of a frame in samples, of all supported models."""


class SSLTeacher(Teacher):
    """A hidden layer of a self-supervised speech model.

    The audio is shifted by 40 samples, which centers the model's windows of 400 samples on the codec's frames.

    Args:
        folder: written by transformers' ``save_pretrained`` (config.json and the weights).
        layer: number of the transformer layer whose output is used; 9 in the paper.

    Raises:
        TeacherUnavailable: if the folder does not exist, or transformers is not installed.
        ValueError: if there is no such layer, or the model does not have a hop of 320 samples.
    """

    def __init__(self, folder: str | Path, layer: int = 9):
        if not (Path(folder) / "config.json").is_file():
            raise TeacherUnavailable(f"There is no transformers model in {folder}: it has no config.json.")
        try:
            from transformers import AutoModel
        except ImportError as error:
            raise TeacherUnavailable(
                "A HuBERT or WavLM teacher needs transformers: pip install transformers"
            ) from error
        network = AutoModel.from_pretrained(folder, local_files_only=True)
        config = network.config
        if not 1 <= layer <= config.num_hidden_layers:
            raise ValueError(f"The model in {folder} has layers 1 to {config.num_hidden_layers}, not {layer}.")
        hop = int(torch.tensor(config.conv_stride).prod())
        if hop != HOP:
            raise ValueError(f"The model in {folder} has a hop of {hop} samples instead of {HOP}.")
        del network.encoder.layers[layer + 1 :]
        super().__init__(f"{config.model_type}-{config.hidden_size}/{layer}", config.hidden_size, network)
        self.layer = layer
        preprocessor = Path(folder) / "preprocessor_config.json"
        self.normalize = not preprocessor.is_file() or json.loads(preprocessor.read_text()).get("do_normalize", True)

    def features(self, wav: Tensor, frames: int) -> Tensor:
        """``[B, L] -> [B, dim, frames]``."""
        if self.normalize:
            wav = (wav - wav.mean(1, keepdim=True)) / (wav.var(1, keepdim=True, unbiased=False) + 1e-7).sqrt()
        left = (WINDOW - HOP) // 2
        right = (frames - 1) * HOP + WINDOW - left - wav.shape[1]
        output = self.network(F.pad(wav, (left, right)), output_hidden_states=True)
        return output.hidden_states[self.layer].transpose(1, 2)
