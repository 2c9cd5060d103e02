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
        shape: number of speech levels and size of the codebooks of the codec.
        prompt_frames: minimum and maximum length of a prompt in training.
        given_prompt_prob: probability, in training, that a prompt that comes with a recording (such as a noisy one) is
            used instead of another recording.

    Raises:
        ValueError: if prompt_frames is not a range, or given_prompt_prob no probability.
    """

    def __init__(
        self,
        train: bool,
        tokens: list[str],
        codes: Mapping[str, str | Path],
        speakers: Mapping[str, str],
        shape: tuple[int, int],
        prompt_frames: tuple[int, int] = (50, 200),
        given_prompt_prob: float = 0.5,
    ):
        self.train, self.tokenizer, self.codes = train, CharacterTokenizer(tokens), dict(codes)
        self.speakers = {key: speakers.get(key, key) for key in self.codes}
        self.min_frames, self.max_frames = prompt_frames
        self.given_prompt_prob, self.shape = given_prompt_prob, shape
        if not 1 <= self.min_frames <= self.max_frames:
            raise ValueError(f"prompt_frames must be a minimum of 1 or more and a maximum, not {prompt_frames}.")
        if not 0 <= given_prompt_prob <= 1:
            raise ValueError(f"given_prompt_prob is a probability within 0..1, not {given_prompt_prob}.")
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
            ValueError: if the text cannot be encoded or has more characters than there are frames, or if tokens are not
                those of the codec.
        """
        try:
            text = np.array(self.tokenizer.encode(data["text"]), dtype=np.int64)
        except ValueError as error:
            raise ValueError(f"{uid}: {error}") from None
        codes = self._checked(data["speech_codes"], f"the speech_codes of {uid}")
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
            return self._checked(given, f"the prompt_codes of {uid}")
        same_speaker = self.utterances.get(self.speakers[uid], []) if uid in self.speakers else []
        others = [key for key in same_speaker if key != uid]
        if not others:
            return codes
        index = np.random.randint(len(others)) if self.train else same_speaker.index(uid) % len(others)
        path = self.codes[others[index]]
        try:
            return self._checked(np.load(path), str(path))
        except (EOFError, ValueError) as error:
            raise ValueError(f"{path} cannot be used: {error}") from error

    def _checked(self, codes: np.ndarray, name: str) -> np.ndarray:
        """Speech tokens (T, K); ValueError if they are not those of the codec."""
        levels, size = self.shape
        if codes.dtype.kind not in "iu" or codes.ndim != 2 or codes.shape[1] != levels:
            raise ValueError(
                f"{name} must be integers (frames, {levels}), not {codes.dtype} {codes.shape}: tokenize the recordings "
                "with this codec."
            )
        if codes.size and not 0 <= codes.min() <= codes.max() < size:
            raise ValueError(f"{name} must be within 0..{size - 1}, not {codes.min()}..{codes.max()}.")
        return codes
