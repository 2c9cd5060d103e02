"""Store the voice model, or the codec with the decoder that was trained for it, as in the package.

`python -m research.voice.export --voice-model exp/voice/model --codec exp/decoder/model --out MODELS`, where MODELS is
espnet2_decodec/pretrained for the package.

Matrices of the voice model and of the codec's decoders are stored as int8, other weights as float16.
"""

import argparse
from pathlib import Path

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.voice.voice_model import VoiceModel

DECODERS = ("backbone.post_filter.", "backbone.decoder.", "backbone.background_decoder.")


def main() -> None:
    """Write the folders voice-16k and decodec-16k-semantic in OUT; cards are left as they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voice-model", type=Path)
    parser.add_argument("--codec", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.voice_model:
        VoiceModel.from_pretrained(args.voice_model).save_pretrained(args.out / "voice-16k", half=True, int8=[""])
    if args.codec:
        codec, folder = DeCodec.from_pretrained(args.codec), args.out / "decodec-16k-semantic"
        codec.save_pretrained(folder, half=True, shard_megabytes=15, int8=DECODERS)
    for file in sorted(args.out.glob("*/model*.safetensors")):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
