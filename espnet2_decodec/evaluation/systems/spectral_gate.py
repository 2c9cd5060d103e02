"""noisereduce: spectral gating without a trained model."""

import numpy as np

from espnet2_decodec.evaluation.systems.denoiser import Denoiser, hash_denoiser_source
from espnet2_decodec.evaluation.systems.identity import versions


class NoiseReduce(Denoiser):
    """noisereduce with its defaults: non-stationary noise reduction.

    Raises:
        Unavailable: if noisereduce is not installed.
    """

    def __init__(self):
        self.versions = versions("noisereduce", "scipy")

    def identity(self) -> dict[str, str]:
        """Versions of the packages."""
        return {"kind": "noisereduce", **self.versions, "code": hash_denoiser_source("spectral_gate.py")}

    def denoise(self, wav: np.ndarray) -> np.ndarray:
        """[L] at 16 kHz -> [L]; silence stays silent."""
        from noisereduce import reduce_noise

        return np.nan_to_num(reduce_noise(y=wav, sr=self.sample_rate)).astype(np.float32)
