"""A cascade of a denoiser and a codec."""

from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System
from espnet2_decodec.evaluation.systems.identity import hash_source


class Cascade(System):
    """The speech estimated by the first system, coded as a mixture by the second; an estimate of the speech only.

    Args:
        first: any system with an estimate of the speech.
        second: any codec.
    """

    def __init__(self, first: System, second: System):
        self.first, self.second = first, second

    def kbps(self, target: str) -> float | None:
        """Bit rate of the second for its whole input."""
        return self.second.kbps("mixture")

    def identity(self) -> dict[str, str]:
        """Both of them."""
        parts = (("first", self.first), ("second", self.second))
        both = {f"{name} {key}": value for name, part in parts for key, value in part.identity().items()}
        return both | {"kind": "cascade", "code": hash_source("evaluation/systems/cascade.py")}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """As `__call__`, which passes the audio on at the rate of each system."""
        return self(wav, self.sample_rate)

    def __call__(self, mixture: Tensor, sample_rate: int) -> dict[str, Tensor]:
        """Mixture [L] -> speech [L].

        Raises:
            ValueError: if the first has no estimate of the speech, or the second none of the mixture.
        """
        estimates = self.first(mixture, sample_rate)
        if "speech" not in estimates:
            raise ValueError("The first system of a cascade must estimate the speech.")
        coded = self.second(estimates["speech"], sample_rate)
        if "mixture" not in coded:
            raise ValueError("The second system of a cascade must be a codec.")
        return {"speech": coded["mixture"]}
