"""PESQ, STOI, DNSMOS and speaker similarity through packages that are imported on first use."""

import math
import warnings
from functools import lru_cache

import numpy as np
from torch import Tensor

from espnet2_decodec.training.energy_ratios import SILENCE_POWER


def pesq(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Wide-band PESQ (ITU-T P.862.2), 1.04 to 4.64.

    Args:
        reference: [L].
        estimate: [L].
        sample_rate: 16000 Hz.

    Returns:
        The score; NaN where the reference is silent or PESQ finds no utterance in it.

    Raises:
        ImportError: if the package pesq is not installed.
        ValueError: if the rate is another one.
    """
    from pesq import PesqError
    from pesq import pesq as measure

    if sample_rate != 16000:
        raise ValueError(f"Wide-band PESQ is defined at 16000 Hz, not {sample_rate} Hz.")
    if _silent(reference) or _silent(estimate):
        return math.nan
    score = measure(sample_rate, reference.numpy(), estimate.numpy(), "wb", on_error=PesqError.RETURN_VALUES)
    return math.nan if score < 0 else float(score)


def stoi(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Short-time objective intelligibility (Taal et al., 2011), about 0 to 1.

    Args:
        reference: [L].
        estimate: [L].
        sample_rate: Hz.

    Returns:
        The score; NaN where the reference is silent or has less than 0.4 s of signal.

    Raises:
        ImportError: if the package pystoi is not installed.
    """
    from pystoi import stoi as measure

    if _silent(reference):
        return math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(measure(reference.numpy(), estimate.numpy(), sample_rate))
        except RuntimeWarning:
            return math.nan


def dnsmos(reference: Tensor, estimate: Tensor, sample_rate: int, part: str) -> float:
    """DNSMOS P.835 (Reddy et al., 2022), 1 to 5: ratings of the estimate alone, predicted by a network.

    Args:
        reference: [L]; only whether it is silent counts.
        estimate: [L], clipped to -1..1; repeated up to 9 s where it is shorter.
        sample_rate: 16000 Hz.
        part: sig (the speech), bak (the absence of noise) or ovrl (the whole).

    Returns:
        The score; NaN where the reference is silent.

    Raises:
        ImportError: if the package speechmos is not installed.
        ValueError: if the rate is another one.
    """
    if sample_rate != 16000:
        raise ValueError(f"DNSMOS is defined at 16000 Hz, not {sample_rate} Hz.")
    if _silent(reference):
        return math.nan
    return float(_dnsmos_scores(estimate.float().clamp(-1, 1).numpy().tobytes())[f"{part}_mos"])


@lru_cache(maxsize=1)
def _dnsmos_scores(samples: bytes) -> dict[str, float]:
    """All parts of the DNSMOS of float32 samples at 16000 Hz."""
    from speechmos import dnsmos as package

    if package.dnsmos is None:
        import onnxruntime

        # The package gives its networks all cores, but recordings are distributed over single-threaded processes.
        package.run(np.zeros(16000, np.float32), 16000)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        for name in ("onnx_sess", "p808_onnx_sess"):
            path = getattr(package.dnsmos, name)._model_path
            setattr(package.dnsmos, name, onnxruntime.InferenceSession(path, options))
    return package.run(np.frombuffer(samples, np.float32), 16000)


def speaker_similarity(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Cosine of the speaker embeddings of two recordings (Wan et al., 2018, in the package resemblyzer), 0 to 1.

    Two recordings of one person reach about 0.8 and more, two people of one sex 0.5 to 0.7.

    Args:
        reference: [L], with any words.
        estimate: [L'].
        sample_rate: 16000 Hz.

    Returns:
        The cosine; NaN where either has less than 0.3 s of speech.

    Raises:
        ImportError: if the package resemblyzer or what it needs is not installed.
        ValueError: if the rate is another one.
    """
    if sample_rate != 16000:
        raise ValueError(f"Speaker similarity is defined at 16000 Hz, not {sample_rate} Hz.")
    one, other = (speaker_embedding(wav.float().numpy().tobytes()) for wav in (reference, estimate))
    return math.nan if one is None or other is None else float(one @ other)


@lru_cache(maxsize=64)
def speaker_embedding(samples: bytes) -> np.ndarray | None:
    """The embedding [256] of float32 samples at 16000 Hz, of norm 1; None with less than 0.3 s of speech."""
    wav = np.frombuffer(samples, np.float32)
    if not len(wav) or np.square(wav, dtype=float).mean() <= SILENCE_POWER:
        return None
    speech = _resemblyzer().preprocess_wav(wav.clip(-1, 1) * 0.999)
    return None if len(speech) < 4800 else _speaker_encoder().embed_utterance(speech)


@lru_cache(maxsize=1)
def _resemblyzer():
    """The module resemblyzer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import resemblyzer
        except ModuleNotFoundError as problem:
            how = "pip install --no-deps resemblyzer==0.1.4, with librosa, webrtcvad-wheels and 'setuptools<81'"
            raise ImportError(f"Speaker similarity needs {problem.name} ({how}).") from problem
    return resemblyzer


@lru_cache(maxsize=1)
def _speaker_encoder():
    """The speaker encoder."""
    return _resemblyzer().VoiceEncoder("cpu", verbose=False)


def _silent(wav: Tensor) -> bool:
    """Whether the mean power is below the threshold of silence."""
    return wav.double().square().mean().item() <= SILENCE_POWER
