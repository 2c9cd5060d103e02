"""The gate that leaves streams without sound out of .dcd files, second by second."""

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

ABSOLUTE = -60.0
"""dBFS; speech above it is always kept."""
SPEECH_BELOW_BACKGROUND = 40.0
"""dB; speech so far below the background in the same second is leakage of the separation."""
STEADY_BELOW_LEVEL, STAYING_BELOW_LEVEL = 22.0, 30.0
"""dB; a steady background so far below the loudest second of the recording until then is left out.

The second value holds after a second with a steady background.
"""
BURST_BELOW_LEVEL = 15.0
"""dB; the same for frames in which the background is louder than the speech."""
DIGITAL_SILENCE = -105.0
"""dBFS; below the least significant bit of 16-bit samples, which is at -94 dBFS as noise."""
SILENT_POWER = 10 ** (DIGITAL_SILENCE / 10)
"""Mean power of a signal below which it is silent, for the gate, synthesis and the page."""


@dataclass
class Gate:
    """Decides for each second of a recording, in order, which streams are kept.

    Without a threshold the decision is relative, so that it is the same for quiet recordings. A stream is omitted if it
    is below `DIGITAL_SILENCE`. Speech is omitted if it is below `speech_floor`, or below `ABSOLUTE` and also
    `SPEECH_BELOW_BACKGROUND` under the background.

    What the separation leaves of clean speech in the background comes in bursts with the speech, and is often as loud
    as an audible noise. So the background is measured by the geometric mean of the frames, which bursts hardly raise:
    it is omitted if that is `STEADY_BELOW_LEVEL` under the recording, unless frames in which it is louder than the
    speech come to `BURST_BELOW_LEVEL`.

    Attributes:
        threshold: dBFS below which both streams are omitted, instead of this rule.
        speech_floor: power of speech that is decoded from silence, see `stream_power.silence_power`.
    """

    threshold: float | None = None
    speech_floor: float = SILENT_POWER
    _level: float = field(default=0.0, init=False)
    _steady: bool = field(default=False, init=False)

    def __call__(self, speech: np.ndarray, background: np.ndarray) -> tuple[bool, bool]:
        """Return whether speech and background are kept, of a second of frames with these mean powers [T] each."""
        speech_mean, background_mean = float(speech.mean()), float(background.mean())
        if self.threshold is not None:
            limit = _power(self.threshold)
            return speech_mean >= limit, background_mean >= limit
        self._level = max(self._level, speech_mean + background_mean)
        speech_limit = max(self.speech_floor, min(_power(ABSOLUTE), background_mean * _power(-SPEECH_BELOW_BACKGROUND)))
        return speech_mean >= speech_limit, self._keeps_background(speech, background)

    def decisions(self, speech: Tensor, background: Tensor, size: int) -> list[tuple[bool, bool]]:
        """Whether speech and background are kept, of each second of `size` frames with these mean powers [T] each."""
        parts = zip(*(x.double().cpu().split(size) for x in (speech, background)))
        return [self(one.numpy(), other.numpy()) for one, other in parts]

    def _keeps_background(self, speech: np.ndarray, background: np.ndarray) -> bool:
        """Whether there is a background in a second; updates whether there is a steady one."""
        steady = float(np.exp(np.log(np.maximum(background, 0.01 * SILENT_POWER)).mean()))
        below = STAYING_BELOW_LEVEL if self._steady else STEADY_BELOW_LEVEL
        self._steady = steady >= max(SILENT_POWER, self._level * _power(-below))
        bursts = float(np.where(background > speech, background, 0.0).mean())
        return self._steady or bursts >= max(SILENT_POWER, self._level * _power(-BURST_BELOW_LEVEL))


def streams_present(
    speech: Tensor, background: Tensor, size: int, speech_floor: float = SILENT_POWER
) -> tuple[bool, bool]:
    """Whether the gate keeps speech and background in any second of a recording.

    Args:
        speech: [T] powers of frames.
        background: [T].
        size: number of them in a second.
        speech_floor: see `Gate`.
    """
    kept = Gate(speech_floor=speech_floor).decisions(speech, background, size)
    return any(there for there, _ in kept), any(there for _, there in kept)


def gain_to_snr(speech: float, background: float, snr: float) -> float:
    """Factor of the samples of a background of this mean power, for an SNR in dB under speech of this mean power.

    Raises:
        ValueError: if one of the two is digital silence.
    """
    for name, power in (("speech", speech), ("background", background)):
        if power < SILENT_POWER:
            raise ValueError(f"An SNR of {snr:g} dB cannot be reached: the {name} is silent.")
    return (speech / background) ** 0.5 / float(10 ** (snr / 20))


def _power(decibels: float) -> float:
    """Return the power of a level in dB."""
    return float(10 ** (decibels / 10))
