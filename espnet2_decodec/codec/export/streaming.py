"""An exported codec in ONNX Runtime for live use, with the calls of `StreamingEncoder` and `StreamingDecoder`."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.export.runtime import open_export
from espnet2_decodec.codec.validation import as_wav, check_codes, check_finite, check_tokens
from espnet2_decodec.types import Codes


class _OnnxStream:
    """What both directions share.

    Args:
        folder: of the files that `export_codec` wrote with `streaming`.
        threads: of each operation; 0 for all cores.

    Attributes:
        sample_rate: Hz.
        hop: samples per frame.
        delay: frames after which the result of a frame is known.

    Raises:
        ImportError: if onnxruntime is not installed.
        FileNotFoundError: if a file is missing.
        ValueError: if export.json is damaged, of another kind, or lacks the sizes of the states.
    """

    name: str

    def __init__(self, folder: str | Path, threads: int = 1):
        self._config, (self._session,) = open_export(folder, (self.name,), threads)
        self.sample_rate, self.hop = self._config["sample_rate"], self._config["hop"]
        self.delay = self._config["streaming"][self.name]["delay"]
        self._start()

    def _start(self) -> None:
        """Begin a recording."""
        self._state = np.zeros((1, self._config["streaming"][self.name]["state"]), np.float32)
        self._early = self.delay  # results that are to be dropped, since they belong to no frame of the recording
        self._frames = 0  # of the recording so far

    def _run(self, inputs: dict[str, np.ndarray], frames: int, valid: bool) -> list[np.ndarray]:
        """The outputs but the state for the next frames, which belong to the recording or follow its end."""
        mask = np.full((1, frames), valid, np.float32)
        *outputs, self._state = self._session.run(None, inputs | {"valid": mask, "state": self._state})
        self._frames += frames * valid
        return outputs

    def _drop_early(self, frames: int) -> int:
        """How many of the results of these frames are to be dropped."""
        dropped = min(frames, self._early)
        self._early -= dropped
        return dropped


class OnnxStreamingEncoder(_OnnxStream):
    """Samples in, tokens out as soon as they are known; arguments, attributes and errors as for the base class."""

    name = "encoder_step"
    _rest: Tensor

    def push(self, wav: Tensor) -> Codes | None:
        """The next samples [l], l >= 0, a tensor or NumPy array of floats -> the tokens that are complete, or None.

        Raises:
            ValueError: if the shape is wrong or a sample is not finite.
            TypeError: if the samples are not floats.
        """
        wav = as_wav(wav, "wav", torch.zeros(()))
        if wav.ndim != 1:
            raise ValueError(f"A block of samples is [l], of one channel of one recording, not {tuple(wav.shape)}.")
        check_finite(wav)
        wav = torch.cat([self._rest, wav])
        whole = len(wav) // self.hop * self.hop
        self._rest = wav[whole:]
        return self._encode(wav[:whole], True, 0) if whole else None

    def flush(self) -> Codes | None:
        """The remaining tokens at the end of the recording, or None. The next push starts another one."""
        parts, missing = [], -len(self._rest) % self.hop
        if missing:
            parts.append(self._encode(F.pad(self._rest, (0, missing)), True, missing if not self.delay else 0))
        if self._frames and self.delay:
            parts.append(self._encode(torch.zeros(self.delay * self.hop), False, missing))
        self._start()
        found = [part for part in parts if part is not None]
        if len(found) < 2:
            return found[0] if found else None
        return Codes(
            torch.cat([part.speech for part in found], dim=2),
            torch.cat([part.background for part in found], dim=2),
            torch.stack([part.lengths for part in found]).sum(0),
            self.sample_rate,
        )

    def _start(self) -> None:
        super()._start()
        self._rest = torch.zeros(0)

    def _encode(self, wav: Tensor, valid: bool, missing: int) -> Codes | None:
        """Samples of whole frames -> the tokens that are complete; the last frame lacks `missing` samples."""
        frames = len(wav) // self.hop
        outputs = self._run({"wav": wav[None].numpy()}, frames, valid)
        dropped = self._drop_early(frames)
        if dropped == frames:
            return None
        speech, background = (torch.from_numpy(tokens[:, :, dropped:]) for tokens in outputs)
        samples = torch.tensor([(frames - dropped) * self.hop - missing])
        return Codes(speech, background, samples, self.sample_rate)


class OnnxStreamingDecoder(_OnnxStream):
    """Tokens in, samples out as soon as they are known.

    Args:
        folder, threads: as for the base class.
        speech, background: whether to decode the stream.

    Attributes and errors as for the base class.
    """

    name = "decoder_step"

    def __init__(self, folder: str | Path, speech: bool = True, background: bool = True, threads: int = 1):
        super().__init__(folder, threads)
        self._gains = np.array([speech, background], np.float32)
        self._levels = self._config["speech_levels"], self._config["background_levels"]

    def push(self, codes: Codes) -> Tensor:
        """The next tokens, of batch size 1 -> the samples [l] that are complete, l >= 0.

        All blocks but the last of a recording are whole frames.

        Raises:
            ValueError: if the tokens do not match the codec, or follow a block that ended within a frame.
        """
        check_codes(codes, self.sample_rate, self.hop)
        if codes.speech.shape[2] != -(-int(codes.lengths.sum()) // self.hop):
            raise ValueError("A block of codes must be of one recording, with as many frames as its length needs.")
        found = (codes.speech.shape[1], codes.background.shape[1])
        if found != self._levels or len(codes.lengths) != 1:
            raise ValueError(
                f"This exported codec decodes one recording of {self._levels[0]} + {self._levels[1]} levels, "
                f"not {len(codes.lengths)} of {found[0]} + {found[1]}."
            )
        for tokens, levels, name in zip((codes.speech, codes.background), self._levels, ("speech", "background")):
            check_tokens(tokens, levels, self._config["codebook_size"], name)
        if self._samples % self.hop:
            raise ValueError("Only the last block of a recording may end within a frame; flush before the next one.")
        self._samples += int(codes.lengths[0])
        return self._decode(codes.speech.numpy(), codes.background.numpy(), True)

    def flush(self) -> Tensor:
        """The remaining samples [l] at the end of the recording. The next push starts another one."""
        wav = torch.zeros(0)
        if self._frames and self.delay:
            speech, background = (np.zeros((1, levels, self.delay), np.int64) for levels in self._levels)
            wav = self._decode(speech, background, False)
        self._start()
        return wav

    def _start(self) -> None:
        super()._start()
        self._samples = self._returned = 0

    def _decode(self, speech: np.ndarray, background: np.ndarray, valid: bool) -> Tensor:
        """Tokens -> the samples that are complete, not more than the recording has."""
        frames = speech.shape[2]
        (wav,) = self._run({"speech": speech, "background": background, "gains": self._gains}, frames, valid)
        start = self._drop_early(frames) * self.hop
        samples = torch.from_numpy(wav[0, start : start + self._samples - self._returned])
        self._returned += len(samples)
        return samples
