"""The voice model of the package, for pages that convert voices where it is installed."""

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import packaged_model
from espnet2_decodec.voice.voice_model import DEFAULT_VOICE_MODEL, VoiceModel


def load_packaged_voice(device: str = "cpu") -> tuple[DeCodec, VoiceModel] | None:
    """The voice model of the package and its codec, None if the package has none."""
    if packaged_model(DEFAULT_VOICE_MODEL) is None:
        return None
    model = VoiceModel.from_pretrained(DEFAULT_VOICE_MODEL).to(device)
    return DeCodec.from_pretrained(model.options["codec"]).to(device), model
