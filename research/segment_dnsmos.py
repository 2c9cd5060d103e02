"""DNSMOS of segments: the network of the package `speechmos`, for batches of waveforms of any one length.

The package repeats a recording up to 9 s. The network ends with a maximum over time, so it rates a segment that is
not repeated nearly the same, in the time of its length.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

RMS = 0.05
"""Level at which segments are rated, -26 dBFS."""


def segment_dnsmos(wav: Tensor) -> Tensor:
    """Overall DNSMOS P.835, 1 to 5, of waveforms at 16000 Hz that are brought to one level.

    Args:
        wav: [B, L]; a multiple of 160 samples.

    Returns:
        Scores [B].

    Raises:
        ImportError: if the package speechmos or onnxruntime is not installed.
        ValueError: if L is less than 0.5 s or no multiple of 160.
    """
    if wav.shape[1] < 8000 or wav.shape[1] % 160:
        raise ValueError(f"A segment must have a multiple of 160 samples, 8000 or more, not {wav.shape[1]}.")
    wav = RMS * wav / (wav.square().mean(1, keepdim=True) + 1e-10).sqrt()
    network = _network(wav.shape[1])
    raw = network.run(None, {network.get_inputs()[0].name: wav.clamp(-1, 1).float().numpy()})[0]
    from speechmos.dnsmos import DNSMOS

    return torch.from_numpy(np.asarray(DNSMOS.get_polyfit_val(None, *raw.T, False)[2], np.float32))


@lru_cache(maxsize=4)
def _network(length: int):
    """The network as a session of ONNX Runtime for waveforms [B, length]."""
    from pathlib import Path

    import onnx
    import onnxruntime
    import speechmos

    path = Path(speechmos.__file__).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = length
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.int64:  # ends of slices and shapes
            values = np.select([values == 144000, values == 900], [length - 160, length // 160 - 1], values)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
