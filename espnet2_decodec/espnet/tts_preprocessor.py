"""Preprocessing of the text-to-speech task: characters to numbers, and the choice of prompts."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from espnet2_decodec.data.text import CharacterTokenizer


class TTSPreprocessor:
    """Adds numbers of characters and `prompt_codes`, an excerpt of another recording of the same speaker.

    Args:
        train: draw prompts at random; otherwise each recording has one fixed prompt.
        tokens: of `CharacterTokenizer`.
        codes: utterance -> its .npy file of speech tokens, (T, K).
        speakers: utterance -> its speaker; an utterance without one is a speaker of its own.
        prompt_frames: minimum and maximum length of a prompt in training.
        given_prompt_prob: probability, in training, that a prompt that comes with a recording (such as a noisy one) is
            used instead of another recording.

    Raises:
        ValueError: if prompt_frames is not a range.
    """

    def __init__(
        self,
        train: bool,
        tokens: list[str],
        codes: Mapping[str, str | Path],
        speakers: Mapping[str, str],
        prompt_frames: tuple[int, int] = (50, 200),
        given_prompt_prob: float = 0.5,
    ):
        self.train, self.tokenizer, self.codes = train, CharacterTokenizer(tokens), dict(codes)
        self.speakers = {key: speakers.get(key, key) for key in self.codes}
        self.min_frames, self.max_frames = prompt_frames
        self.given_prompt_prob = given_prompt_prob
        if not 1 <= self.min_frames <= self.max_frames:
            raise ValueError(f"prompt_frames must be a minimum of 1 or more and a maximum, not {prompt_frames}.")
        self.utterances = defaultdict(list)
        for key in sorted(self.codes):
            self.utterances[self.speakers[key]].append(key)

    def __call__(self, uid: str, data: dict) -> dict[str, np.ndarray]:
        """Preprocess one utterance.

        Args:
            uid: id of the utterance.
            data: `text`, a line; `speech_codes` (T, K); optionally `prompt_codes` (T', K).

        Returns:
            `text` as numbers (N,), `speech_codes`, and `prompt_codes` (T'', K).

        Raises:
            ValueError: if the text cannot be encoded, or has more characters than there are frames.
        """
        try:
            text = np.array(self.tokenizer.encode(data["text"]), dtype=np.int64)
        except ValueError as error:
            raise ValueError(f"{uid}: {error}") from None
        codes = data["speech_codes"]
        if len(codes) < len(text):
            raise ValueError(
                f"{uid}: {len(text)} characters do not fit into {len(codes)} frames; remove this utterance."
            )
        prompt = self._prompt(uid, codes, data.get("prompt_codes"))
        length, start = self.max_frames, 0
        if self.train:
            length = np.random.randint(self.min_frames, self.max_frames + 1)
            start = np.random.randint(max(1, len(prompt) - length + 1))
        return {
            "text": text,
            "speech_codes": codes,
            "prompt_codes": prompt[start : start + length].astype(codes.dtype),
        }

    def _prompt(self, uid: str, codes: np.ndarray, given: np.ndarray | None) -> np.ndarray:
        """The recording (T', K) from which the prompt of utterance `uid` is taken."""
        if self.train and given is not None and np.random.rand() < self.given_prompt_prob:
            return given
        same_speaker = self.utterances.get(self.speakers[uid], []) if uid in self.speakers else []
        others = [key for key in same_speaker if key != uid]
        if not others:
            return codes
        index = np.random.randint(len(others)) if self.train else same_speaker.index(uid) % len(others)
        return np.load(self.codes[others[index]])
