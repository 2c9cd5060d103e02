"""Properties of a model and of a .dcd file, as a dict that JSON can hold."""

from typing import Any

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import model_folder
from espnet2_decodec.codec.streaming import latency
from espnet2_decodec.io.dcd_format import read_info
from espnet2_decodec.io.identity import codec_id

STREAMS = ("speech", "background")


def file_properties(path: str) -> dict[str, Any]:
    """Return the header and the bit rates of a .dcd file: sizes in bytes, durations in s, rates in kbit/s.

    Raises:
        OSError, ValueError: if it cannot be read.
    """
    info = read_info(path)
    header = info.header
    streams = {}
    for name in STREAMS:
        present = getattr(info, name)
        streams[name] = {
            "levels": getattr(header, f"{name}_levels"),
            "kbps": info.stream_kbps(name),
            "present_blocks": sum(present),
            "blocks": len(present),
        }
    return {
        "file": str(path),
        "bytes": info.size,
        "seconds": header.seconds,
        "samples": header.length,
        "sample_rate": header.sample_rate,
        "frames": header.frames,
        "hop": header.hop,
        "bits_per_token": header.bits,
        "model_id": header.codec_id.hex(),
        "kbps": info.kbps(),
        **streams,
    }


def model_properties(path: str | None) -> dict[str, Any]:
    """Return sizes, rates, latency and content features of a model; latency and context are None if it is recurrent.

    Raises:
        OSError, ValueError: if it cannot be loaded.
    """
    codec = DeCodec.from_pretrained(path)
    content = codec.content_encoder
    content_parameters = 0 if content is None else sum(p.numel() for p in content.parameters())
    quantizers = (codec.speech_quantizer, codec.background_quantizer)
    samples = None if codec.receptive_field is None else latency(codec)
    return {
        "model": str(model_folder(path)) if path is None else str(path),
        "model_id": codec_id(codec).hex(),
        "parameters": sum(p.numel() for p in codec.parameters()) - content_parameters,
        "codebook_values": sum(book.numel() for q in quantizers for book in q.level_codebooks()),
        "sample_rate": codec.sample_rate,
        "frame_rate": codec.frame_rate,
        "hop": codec.hop,
        "codebook_size": codec.codebook_size,
        "causal": codec.latency is not None,
        "latency_samples": samples,
        "latency_seconds": None if samples is None else samples / codec.sample_rate,
        "context_frames": _context(codec),
        "speech_kbps": [codec.kbps(k) for k in range(1, codec.speech_levels + 1)],
        "background_kbps": [codec.kbps(k) for k in range(1, codec.background_levels + 1)],
        "content": _content(codec, content_parameters),
    }


def _context(codec: DeCodec) -> dict[str, dict[str, int]] | None:
    """Return the frames before and after each frame on which encoder and decoder depend."""
    if codec.receptive_field is None:
        return None
    sides = zip(("encoder", "decoder"), codec.receptive_field)
    return {name: {"before": before, "after": after} for name, (before, after) in sides}


def _content(codec: DeCodec, parameters: int) -> dict[str, Any] | None:
    """Return what the content features are, None if there are none."""
    encoder = codec.content_encoder
    if encoder is None:
        return {"dim": codec.content_dim, "encoder": "first speech level"} if codec.content_dim else None
    found = {"dim": encoder.dim, "encoder": "separate", "parameters": parameters}
    if encoder.quantizer is not None:
        size = encoder.quantizer.codebook_size
        found |= {"levels": encoder.levels, "codebook_size": size, "kbps": codec.kbps(encoder.levels, size)}
    return found
