"""The voice model: semantic features and a voice prompt to coordinates that the decoder of the codec takes."""

from espnet2_decodec.voice.voice_model import VoiceModel

__all__ = ["VoiceModel"]
