"""HuBERT, WavLM or wav2vec 2 from a folder of transformers as the semantic teacher."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet2_decodec.training.teachers.base import HOP, Teacher, TeacherUnavailable

WINDOW = 400  # samples that one frame of these models sees


class SSLTeacher(Teacher):
    """A hidden layer of a self-supervised speech model.

    The audio is shifted by 40 samples, so that the model's windows of 400 samples are centred on the codec's
    frames.

    Args:
        folder: folder that transformers' ``save_pretrained`` wrote (config.json and the weights).
        layer: number of transformer layers whose output is wanted; 9 is the paper's.

    Raises:
        TeacherUnavailable: if the folder is not there, or transformers is not installed.
        ValueError: if there is no such layer, or the model's frames are not of 320 samples.
    """

    def __init__(self, folder: str | Path, layer: int = 9):
        if not (Path(folder) / "config.json").is_file():
            raise TeacherUnavailable(f"there is no transformers model in {folder}: it holds no config.json")
        try:
            from transformers import AutoModel
        except ImportError as error:
            raise TeacherUnavailable(
                "a HuBERT or WavLM teacher needs transformers: pip install transformers"
            ) from error
        network = AutoModel.from_pretrained(folder, local_files_only=True)
        config = network.config
        if not 1 <= layer <= config.num_hidden_layers:
            raise ValueError(f"the model in {folder} has layers 1 to {config.num_hidden_layers}, not {layer}")
        hop = int(torch.tensor(config.conv_stride).prod())
        if hop != HOP:
            raise ValueError(f"the model in {folder} has a hop of {hop} samples, the codec one of {HOP}")
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
