"""Encoder and decoder step by step, for live use, with the calls of `StreamingEncoder` and `StreamingDecoder`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.export.runtime import open_export
from espnet2_decodec.codec.validation import as_wav, check_codes, check_finite, check_tokens
from espnet2_decodec.types import Codes


@dataclass(frozen=True)
class StepFunction:
    """A graph of `steps`, in PyTorch or ONNX Runtime.

    Attributes:
        run: named inputs -> outputs, the last of which is the next state.
        size: S, of the state.
        delay: frames after which the result of a frame is known.
        sample_rate: Hz.
        hop: samples per frame.
        levels: K_s and K_b of the tokens.
        codebook_size: N.
    """

    run: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]]
    size: int
    delay: int
    sample_rate: int
    hop: int
    levels: tuple[int, int]
    codebook_size: int


def onnx_step(folder: str | Path, name: str, threads: int = 1) -> StepFunction:
    """The graph NAME.onnx of a folder that `export_codec` wrote with `streaming`.

    Args:
        folder: of the export.
        name: encoder_step or decoder_step.
        threads: of each operation; 0 for all cores.

    Raises:
        ImportError: if onnxruntime is not installed.
        FileNotFoundError: if a file is missing.
        ValueError: if export.json is damaged, of another kind, or lacks the sizes of the states.
    """
    config, (session,) = open_export(folder, (name,), threads)

    def run(inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return tuple(map(torch.from_numpy, session.run(None, {key: value.numpy() for key, value in inputs.items()})))

    sizes, levels = config["streaming"][name], (config["speech_levels"], config["background_levels"])
    rates = config["sample_rate"], config["hop"]
    return StepFunction(run, sizes["state"], sizes["delay"], *rates, levels, config["codebook_size"])


class StepStream:
    """Base class of both directions.

    Args:
        step: the graph.

    Attributes:
        sample_rate: Hz.
        hop: samples per frame.
        delay: frames after which the result of a frame is known.
    """

    def __init__(self, step: StepFunction):
        self._step, self.sample_rate, self.hop, self.delay = step, step.sample_rate, step.hop, step.delay
        self._start()

    def _start(self) -> None:
        """Begin a recording."""
        self._state = torch.zeros(1, self._step.size)
        self._early = self.delay  # results that are to be dropped, since they belong to no frame of the recording
        self._frames = 0  # of the recording so far

    def _run(self, inputs: Mapping[str, Tensor], frames: int, valid: bool) -> list[Tensor]:
        """The outputs but the state for the next frames, which belong to the recording or follow its end."""
        mask = torch.full((1, frames), float(valid))
        *outputs, self._state = self._step.run({**inputs, "valid": mask, "state": self._state})
        self._frames += frames * valid
        return outputs

    def _drop_early(self, frames: int) -> int:
        """Number of leading results of these frames that belong to no frame of the recording."""
        dropped = min(frames, self._early)
        self._early -= dropped
        return dropped


class SampleStream(StepStream):
    """Samples in; frames of results out as soon as they are known."""

    _rest: Tensor

    def _push(self, wav: Tensor) -> list[Tensor]:
        """The next samples [l] -> the results of complete frames [..., T * size], or nothing.

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
        return self._results(wav[:whole], True) if whole else []

    def _flush(self) -> tuple[list[Tensor], int]:
        """The remaining results at the end of the recording, and the samples that its last frame lacks."""
        missing, parts = -len(self._rest) % self.hop, []
        if missing:
            parts.append(self._results(F.pad(self._rest, (0, missing)), True))
        if self._frames and self.delay:
            parts.append(self._results(torch.zeros(self.delay * self.hop), False))
        self._start()
        return [torch.cat(results, dim=-1) for results in zip(*filter(None, parts))], missing

    def _start(self) -> None:
        super()._start()
        self._rest = torch.zeros(0)

    def _results(self, wav: Tensor, valid: bool) -> list[Tensor]:
        """Samples of whole frames -> the results of the frames that are complete, or nothing."""
        frames = len(wav) // self.hop
        outputs = self._run({"wav": wav[None]}, frames, valid)
        dropped = self._drop_early(frames)
        if dropped == frames:
            return []
        return [output.unflatten(-1, (frames, -1))[..., dropped:, :].flatten(-2) for output in outputs]


class StepEncoder(SampleStream):
    """Samples in, tokens out as soon as they are known; arguments and attributes as for `StepStream`."""

    def push(self, wav: Tensor) -> Codes | None:
        """The next samples [l], l >= 0, a tensor or NumPy array of floats -> the tokens that are complete, or None.

        Raises:
            ValueError: if the shape is wrong or a sample is not finite.
            TypeError: if the samples are not floats.
        """
        return self._codes(self._push(wav), 0)

    def flush(self) -> Codes | None:
        """The remaining tokens at the end of the recording, or None. The next push starts another one."""
        return self._codes(*self._flush())

    def _codes(self, tokens: list[Tensor], missing: int) -> Codes | None:
        """Tokens of both streams [1, K, T], whose last frame lacks samples."""
        if not tokens:
            return None
        samples = torch.tensor([tokens[0].shape[2] * self.hop - missing])
        return Codes(tokens[0], tokens[1], samples, self.sample_rate)


class StepDecoder(StepStream):
    """Tokens in, samples out as soon as they are known.

    Args:
        step: the graph.
        speech, background: whether to decode the stream.
    """

    def __init__(self, step: StepFunction, speech: bool = True, background: bool = True):
        super().__init__(step)
        self._gains = torch.tensor([float(speech), float(background)])

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
        levels = self._step.levels
        if found != levels or len(codes.lengths) != 1:
            raise ValueError(
                f"This decoder takes one recording of {levels[0]} + {levels[1]} levels, "
                f"not {len(codes.lengths)} of {found[0]} + {found[1]}."
            )
        for tokens, count, name in zip((codes.speech, codes.background), levels, ("speech", "background")):
            check_tokens(tokens, count, self._step.codebook_size, name)
        if self._samples % self.hop:
            raise ValueError("Only the last block of a recording may end within a frame; flush before the next one.")
        self._samples += int(codes.lengths[0])
        return self._decode(codes.speech, codes.background, True)

    def flush(self) -> Tensor:
        """The remaining samples [l] at the end of the recording. The next push starts another one."""
        wav = torch.zeros(0)
        if self._frames and self.delay:
            speech, background = (torch.zeros(1, levels, self.delay, dtype=torch.long) for levels in self._step.levels)
            wav = self._decode(speech, background, False)
        self._start()
        return wav

    def _start(self) -> None:
        super()._start()
        self._samples = self._returned = 0

    def _decode(self, speech: Tensor, background: Tensor, valid: bool) -> Tensor:
        """Tokens -> the samples that are complete, not more than the recording has."""
        frames = speech.shape[2]
        (wav,) = self._run({"speech": speech, "background": background, "gains": self._gains}, frames, valid)
        start = self._drop_early(frames) * self.hop
        samples = wav[0, start : start + self._samples - self._returned]
        self._returned += len(samples)
        return samples


class OnnxStreamingEncoder(StepEncoder):
    """`StepEncoder` in ONNX Runtime; arguments and errors as for `onnx_step`."""

    def __init__(self, folder: str | Path, threads: int = 1):
        super().__init__(onnx_step(folder, "encoder_step", threads))


class OnnxStreamingDecoder(StepDecoder):
    """`StepDecoder` in ONNX Runtime; arguments and errors as for `onnx_step` and `StepDecoder`."""

    def __init__(self, folder: str | Path, speech: bool = True, background: bool = True, threads: int = 1):
        super().__init__(onnx_step(folder, "decoder_step", threads), speech, background)
