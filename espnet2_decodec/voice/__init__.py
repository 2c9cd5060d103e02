"""The voice model: what is said, in the voice of a prompt, as coordinates that the decoder of the codec takes."""

from espnet2_decodec.voice.voice_model import VoiceModel

__all__ = ["VoiceModel"]
