"""The voice of `decodec say` without a prompt: a recording in the package; default_voice.md has its source."""

from pathlib import Path

DEFAULT_VOICE = Path(__file__).with_name("default_voice.flac")
