"""Store the codec, the voice model and the text model as in the package.

`python -m research.voice.export --codec exp/final/model --voice-model exp/voice/model --text-model exp/text/model
--out MODELS`, where MODELS is espnet2_decodec/pretrained for the package.

Matrices of the voice model, of the text model and of the codec's decoders are stored as int8, other weights as float16.
"""

import argparse
from pathlib import Path

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.tts.voice_tts import DEFAULT_TEXT_MODEL
from espnet2_decodec.voice.text_to_semantic import TextToSemantic
from espnet2_decodec.voice.voice_model import DEFAULT_CODEC, DEFAULT_VOICE_MODEL, VoiceModel

DECODERS = ("backbone.post_filter.", "backbone.decoder.", "backbone.background_decoder.")


def main() -> None:
    """Write the folders of the models in OUT; cards are left as they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voice-model", type=Path)
    parser.add_argument("--codec", type=Path)
    parser.add_argument("--text-model", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.voice_model:
        model = VoiceModel.from_pretrained(args.voice_model)
        model.options["codec"] = DEFAULT_CODEC
        model.save_pretrained(args.out / DEFAULT_VOICE_MODEL, half=True, int8=[""])
    if args.text_model:
        text = TextToSemantic.from_pretrained(args.text_model)
        text.save_pretrained(args.out / DEFAULT_TEXT_MODEL, half=True, int8=[""])
    if args.codec:
        codec, folder = DeCodec.from_pretrained(args.codec), args.out / DEFAULT_CODEC
        codec.save_pretrained(folder, half=True, shard_megabytes=15, int8=DECODERS)
    for file in sorted(args.out.glob("*/model*.safetensors")):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
