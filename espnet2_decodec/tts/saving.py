"""A text-to-speech model in a folder: config.json and model.safetensors, its codec among the weights."""

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialize

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.tts.synthesizer import Synthesizer

CONFIG, WEIGHTS, KIND = "config.json", "model.safetensors", "espnet2_decodec.tts"


def save(synthesizer: Synthesizer, folder: str | Path) -> None:
    """Write config.json and model.safetensors, in place of what lies there."""
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in synthesizer.state_dict().items()}
    with atomic_write(folder / WEIGHTS) as path:
        path.write_bytes(serialize(tensors, {"format": "pt"}))
    content = {"kind": KIND, "format": 1, **synthesizer.config()}
    with atomic_write(folder / CONFIG) as path:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(folder: str | Path) -> Synthesizer:
    """The model saved in `folder`, on the CPU, in eval mode.

    Raises:
        FileNotFoundError: if the folder or one of its files is missing.
        ValueError: if a file is damaged, or not that of a text-to-speech model of this package.
    """
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"There is no {name} in {folder}; a text-to-speech model is a folder that the recipe's stage 18 writes."
            )
    try:
        content = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
    except (ValueError, SafetensorError) as error:
        raise ValueError(f"{folder} is damaged: {error}.") from None
    if not isinstance(content, dict) or content.get("kind") != KIND or content.get("format") != 1:
        raise ValueError(f"{folder / CONFIG} is not that of a text-to-speech model that this version reads.")
    synthesizer = Synthesizer(content["tokens"], content["codec"], content["options"])
    wanted = synthesizer.state_dict()
    wrong = sorted(wanted.keys() ^ weights.keys()) or sorted(k for k in wanted if wanted[k].shape != weights[k].shape)
    if wrong:
        raise ValueError(f"The weights in {folder} do not belong to its {CONFIG}: {', '.join(wrong[:5])}.")
    synthesizer.load_state_dict(weights)
    return synthesizer.eval()
