"""From a line of text and an array of tokens to what a training step takes; draws the prompts."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from espnet2_decodec.data.text import CharacterTokenizer


class TTSPreprocessor:
    """Text to numbers, and `prompt_codes`: a piece of another recording of the same voice.

    Args:
        train: draw prompts at random; else each recording has its own.
        tokens: of `CharacterTokenizer`.
        codes: id of a recording -> its .npy file of speech tokens, (T, K).
        speakers: id of a recording -> its speaker; one that is not there is a speaker of its own.
        prompt_frames: shortest and longest prompt in training.
        given: how often, in training, a prompt that comes with a recording (such as a noisy one) is taken in place of one that
            is drawn.

    Raises:
        ValueError: if prompt_frames are no range.
    """

    def __init__(
        self,
        train: bool,
        tokens: list[str],
        codes: Mapping[str, str | Path],
        speakers: Mapping[str, str],
        prompt_frames: tuple[int, int] = (50, 200),
        given: float = 0.5,
    ):
        self.train, self.characters, self.codes = train, CharacterTokenizer(tokens), dict(codes)
        self.speakers = {key: speakers.get(key, key) for key in self.codes}
        self.shortest, self.longest = prompt_frames
        self.given = given
        if not 1 <= self.shortest <= self.longest:
            raise ValueError(f"prompt_frames must be two numbers, 1 or more and not falling, not {prompt_frames}.")
        self.voices = defaultdict(list)
        for key in sorted(self.codes):
            self.voices[self.speakers[key]].append(key)

    def __call__(self, uid: str, data: dict) -> dict[str, np.ndarray]:
        """data: `text`, a line, `speech_codes` (T, K), maybe `prompt_codes` -> the same as numbers, with `prompt_codes` (T', K).

        Raises:
            ValueError: if the text cannot be encoded, or is too long to be said in T frames.
        """
        try:
            text = np.array(self.characters.encode(data["text"]), dtype=np.int64)
        except ValueError as error:
            raise ValueError(f"{uid}: {error}") from None
        codes = data["speech_codes"]
        if len(codes) < len(text):
            raise ValueError(
                f"{uid}: {len(text)} characters cannot be said in {len(codes)} frames; leave this recording out."
            )
        prompt = self._prompt(uid, codes, data.get("prompt_codes"))
        length, start = self.longest, 0
        if self.train:
            length = np.random.randint(self.shortest, self.longest + 1)
            start = np.random.randint(max(1, len(prompt) - length + 1))
        return {
            "text": text,
            "speech_codes": codes,
            "prompt_codes": prompt[start : start + length].astype(codes.dtype),
        }

    def _prompt(self, uid: str, codes: np.ndarray, given: np.ndarray | None) -> np.ndarray:
        """The recording (T', K) that the prompt of recording `uid` is cut from."""
        if self.train and given is not None and np.random.rand() < self.given:
            return given
        others = self.voices.get(self.speakers.get(uid), [])
        choices = [key for key in others if key != uid]
        if not choices:
            return codes
        at = np.random.randint(len(choices)) if self.train else others.index(uid) % len(choices)
        return np.load(self.codes[choices[at]])
