"""Opus, encoded and decoded by libopus through PyAV."""

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System
from espnet2_decodec.evaluation.systems.identity import hash_source
from espnet2_decodec.io.audio import read

MIN_SAMPLES = 1600
"""Samples to which the input is padded with zeros, so that there are some frames."""


class Opus(System):
    """Opus at a constant bit rate: the decoded mixture, for every target.

    The decoder compensates for the delay of Opus. The rate is that of the packets, without the file format.

    Args:
        kbps: 6 to 256 kbit/s.

    Raises:
        ValueError: if the rate is out of range.
    """

    def __init__(self, kbps: float):
        if not 6 <= kbps <= 256:
            raise ValueError(f"Opus takes 6 to 256 kbit/s, not {kbps:g}.")
        self.rate = kbps

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> "Opus":
        """From [KBPS] of a spec."""
        try:
            return cls(*map(float, arguments))
        except TypeError:
            raise ValueError("Opus takes one bit rate in kbit/s, as in opus:8.") from None

    def kbps(self, target: str) -> float:
        """The same for all targets."""
        return self.rate

    def identity(self) -> dict[str, str]:
        """Rate, and the version of PyAV, which contains libopus."""
        return {
            "kind": "opus",
            "kbps": f"{self.rate:g}",
            "program": f"PyAV {av.__version__}",
            "code": hash_source("evaluation/systems/opus.py"),
        }

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> the decoded mixture [L] for every target."""
        samples = np.pad(wav.clamp(-1, 1).numpy(), (0, max(0, MIN_SAMPLES - len(wav))))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "packed.opus"
            self.encode(np.rint(samples * 32767).astype(np.int16), path)
            decoded = read(path, self.sample_rate)
        return dict.fromkeys(("speech", "background", "mixture"), decoded)

    def encode(self, samples: np.ndarray, path: Path) -> int:
        """Write samples [L] int16 as an Opus file; returns the number of bytes of its packets."""
        total = 0
        with av.open(str(path), "w", format="ogg") as container:
            stream = container.add_stream("libopus", rate=self.sample_rate, layout="mono")
            stream.bit_rate = round(1000 * self.rate)
            stream.options = {"vbr": "off"}
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            # Without a time of the first frame, the delay of the encoder is not compensated for.
            frame.sample_rate, frame.pts, frame.time_base = self.sample_rate, 0, Fraction(1, self.sample_rate)
            for part in (frame, None):
                for packet in stream.encode(part):
                    total += packet.size
                    container.mux(packet)
        return total
