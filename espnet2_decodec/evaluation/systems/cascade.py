"""A denoiser, then a codec: what could be built before one codec did both."""

from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System
from espnet2_decodec.evaluation.systems.identity import hash_source


class Cascade(System):
    """The speech that the first system finds, coded as a whole by the second; an answer for speech alone.

    Args:
        first: any system with an answer for speech.
        second: any system with an answer for the mixture.
    """

    def __init__(self, first: System, second: System):
        self.first, self.second = first, second

    def kbps(self, target: str) -> float | None:
        """What the second needs for the whole of its input."""
        return self.second.kbps("mixture")

    def identity(self) -> dict[str, str]:
        """Both of them."""
        parts = (("first", self.first), ("second", self.second))
        both = {f"{name} {key}": value for name, part in parts for key, value in part.identity().items()}
        return both | {"kind": "cascade", "code": hash_source("evaluation/systems/cascade.py")}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """Not asked for: `__call__` hands the audio from one to the other at its own rate."""
        return self(wav, self.sample_rate)

    def __call__(self, mixture: Tensor, sample_rate: int) -> dict[str, Tensor]:
        """Mixture [L] -> speech [L].

        Raises:
            ValueError: if the first has no answer for speech, or the second none for the mixture.
        """
        found = self.first(mixture, sample_rate)
        if "speech" not in found:
            raise ValueError("The first system of a cascade must find speech.")
        coded = self.second(found["speech"], sample_rate)
        if "mixture" not in coded:
            raise ValueError("The second system of a cascade must be a codec.")
        return {"speech": coded["mixture"]}
