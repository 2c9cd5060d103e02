"""Properties of models that are no codecs: voice model, text model, text-to-speech model of the recipe."""

from typing import Any

from espnet2_decodec.codec.serialization import KIND, KINDS, model_folder, model_kind, read_config, read_state_dict
from espnet2_decodec.voice import text_to_semantic, voice_model

COMMANDS = {
    voice_model.KIND: "decodec say, decodec convert",
    text_to_semantic.KIND: "decodec say",
    "espnet2_decodec.tts": "decodec say --model",
}
"""Kind -> where such a model is used."""


def synthesis_model_properties(path: str | None) -> dict[str, Any] | None:
    """Return kind, size and codec or languages of a model; None for a codec.

    Raises:
        OSError, ValueError: if it cannot be read.
    """
    folder = model_folder(path, kinds=KINDS)
    kind = model_kind(folder)
    if kind == KIND or kind not in COMMANDS:
        return None
    found: dict[str, Any] = {
        "model": str(path),
        "kind": KINDS[kind],
        "commands": COMMANDS[kind],
        "parameters": sum(tensor.numel() for tensor in read_state_dict(folder).values()),
    }
    if kind == voice_model.KIND:
        found["codec"] = read_config(folder, kind).get("codec", voice_model.DEFAULT_CODEC)
    if kind == text_to_semantic.KIND:
        config = read_config(folder, kind)
        found |= {"language": config["language"], "styles": config["styles"]}
    return found


def synthesis_model_lines(found: dict[str, Any]) -> list[str]:
    """Return lines about a result of `synthesis_model_properties`."""
    lines = [
        f"model         {found['model']}",
        f"kind          {found['kind']}, for {found['commands']}",
        f"parameters    {found['parameters'] / 1e6:.2f} million",
    ]
    if "codec" in found:
        lines.append(f"codec         {found['codec']}")
    if "language" in found:
        lines += [f"language      {found['language']}", f"styles        {', '.join(found['styles'])}"]
    return lines
