"""Text-to-speech on the tokens of the codec: the voice of a prompt, over any background or none."""

from espnet2_decodec.tts.text_to_speech import TTS, TTSOutput
from espnet2_decodec.tts.voice_tts import VoiceTTS

__all__ = ["TTS", "TTSOutput", "VoiceTTS"]
