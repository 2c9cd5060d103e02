"""The gate that leaves streams without sound out of .dcd files, second by second."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

ABSOLUTE = -60.0
"""dBFS; a stream above it is always kept."""
SPEECH_BELOW_BACKGROUND = 40.0
"""dB; speech so far below the background in the same second is leakage of the separation."""
BACKGROUND_BELOW_LEVEL = 30.0
"""dB; background so far below the loudest second of the recording until then is leakage of the separation."""
DIGITAL_SILENCE = -105.0
"""dBFS; below the least significant bit of 16-bit samples, which is at -94 dBFS as noise."""
SILENT_POWER = 10 ** (DIGITAL_SILENCE / 10)
"""Mean power of a signal below which it is silent, for the gate, synthesis and the page."""


@dataclass
class Gate:
    """Decides for each second of a recording, in order, which streams are kept.

    Without a threshold the decision is relative, so that it is the same for quiet recordings: a stream is omitted if it
    is below `DIGITAL_SILENCE`; or if it is below `ABSOLUTE`, and also `SPEECH_BELOW_BACKGROUND` under the background
    (speech) or `BACKGROUND_BELOW_LEVEL` under the recording (background).

    Attributes:
        threshold: dBFS below which both streams are omitted, instead of this rule.
    """

    threshold: float | None = None
    _level: float = field(default=0.0, init=False)

    def __call__(self, speech: float, background: float) -> tuple[bool, bool]:
        """Return whether speech and background are kept, of a second with these mean powers."""
        if self.threshold is not None:
            limit = _power(self.threshold)
            return speech >= limit, background >= limit
        self._level = max(self._level, speech + background)
        absolute = _power(ABSOLUTE)
        speech_limit = max(SILENT_POWER, min(absolute, background * _power(-SPEECH_BELOW_BACKGROUND)))
        background_limit = max(SILENT_POWER, min(absolute, self._level * _power(-BACKGROUND_BELOW_LEVEL)))
        return speech >= speech_limit, background >= background_limit


def streams_present(speech: Tensor, background: Tensor, size: int) -> tuple[bool, bool]:
    """Whether the gate keeps speech and background in any second of a recording.

    Args:
        speech: [T] powers of samples or frames.
        background: [T].
        size: number of them in a second.
    """
    gate, powers = Gate(), torch.stack([speech, background])
    kept = [gate(*part.mean(dim=1).tolist()) for part in powers.split(size, dim=1)]
    return any(speech for speech, _ in kept), any(background for _, background in kept)


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
