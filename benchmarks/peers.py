"""Other codecs, at their published sizes and with random weights, on which speed does not depend.

Their packages are imported on use; a codec whose package is not installed is skipped with a note.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from espnet2_decodec import DeCodec

ESPNET = {
    "sample_rate": 16000,
    "hidden_dim": 512,
    "encdec_n_residual_layers": 3,
    "encdec_residual_kernel_size": 7,
    "quantizer_n_q": 32,
    "quantizer_target_bandwidth": [2, 4, 8, 16, 32],
}


@dataclass(frozen=True)
class Peer:
    """A codec with its functions `encode(wav [1, 1, L]) -> codes` and `decode(codes)`."""

    name: str
    sample_rate: int
    kbps: float
    network: nn.Module
    encode: Callable
    decode: Callable

    @property
    def parameters(self) -> int:
        """Number of weights and codebook entries, without discriminators and the content encoder."""
        tensors = dict(self.network.named_parameters()) | {
            name: value for name, value in self.network.named_buffers() if name.endswith(("codebooks", ".embed"))
        }
        return sum(value.numel() for name, value in tensors.items() if not name.startswith("content_encoder."))


def decodec(codec: DeCodec) -> Peer:
    """This project's codec, both streams with all levels."""
    kbps = codec.kbps(codec.speech_levels + codec.background_levels)
    return Peer("DeCodec", codec.sample_rate, kbps, codec, lambda wav: codec.encode(wav[:, 0]), codec.decode)


def encodec_24k() -> Peer:
    """EnCodec 24 kHz at 6 kbit/s: pip install encodec."""
    from encodec import EncodecModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = EncodecModel.encodec_model_24khz(pretrained=False)
    network.set_target_bandwidth(6.0)
    return Peer("EnCodec 24 kHz", 24000, 6.0, network.eval(), network.encode, network.decode)


def soundstream_16k() -> Peer:
    """ESPnet's SoundStream 16 kHz as its recipes train it: pip install espnet."""
    from espnet2.gan_codec.soundstream.soundstream import SoundStreamGenerator

    return _espnet("ESPnet SoundStream 16 kHz", SoundStreamGenerator(**ESPNET))


def espnet_dac_16k() -> Peer:
    """ESPnet's DAC as its recipes train it, at 16 kHz: pip install espnet."""
    from espnet2.gan_codec.dac.dac import DACGenerator

    return _espnet("ESPnet DAC 16 kHz", DACGenerator(**ESPNET, codebook_dim=512))


def dac_16k() -> Peer:
    """Descript's DAC 16 kHz, the paper's convolutions: pip install descript-audio-codec."""
    from dac.model import DAC

    network = DAC(64, [2, 4, 5, 8], None, 1536, [8, 5, 4, 2], 12, 1024, 8, False, 16000).eval()
    return Peer(
        "DAC 16 kHz",
        16000,
        6.0,
        network,
        lambda wav: network.encode(wav)[1],
        lambda codes: network.decode(network.quantizer.from_codes(codes)[0]),
    )


def seanet() -> Peer:
    """This project's SEANet backbone at the size of the paper's, with its soft split and BiLSTM: pip install espnet."""
    torch.manual_seed(0)
    backbone = {"n_filters": 64, "activation": "Snake", "residual_layers": 3, "residual_kernel": 7, "dilation": 3}
    config = {"backbone": {"name": "seanet", **backbone}, "split": {"name": "soft", "dim": 256}}
    codec = DeCodec.from_config(config).eval()
    peer = decodec(codec)
    return Peer("DeCodec with the paper's SEANet", peer.sample_rate, peer.kbps, codec, peer.encode, peer.decode)


PEERS = {
    "encodec": encodec_24k,
    "soundstream": soundstream_16k,
    "espnet-dac": espnet_dac_16k,
    "dac": dac_16k,
    "seanet": seanet,
}


def _espnet(name: str, network: nn.Module) -> Peer:
    """A generator of ESPnet at the rate of DeCodec."""
    return Peer(
        name,
        network.sample_rate,
        8.0,
        network.eval(),
        lambda wav: network.encode(wav, target_bw=8.0),
        network.decode,
    )
