"""Text-to-speech on the tokens of the codec: text in, speech out in the voice of a prompt, over any background or none."""

from espnet2_decodec.tts.speak import TTS, Said

__all__ = ["TTS", "Said"]
