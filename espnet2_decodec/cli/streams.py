"""Files to blocks of tokens and back, in blocks where the model allows it and whole where it does not."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.cli.messages import note, progress, warn
from espnet2_decodec.codec import streaming
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.io import npy
from espnet2_decodec.io.audio import AudioReader, AudioWriter
from espnet2_decodec.io.dcd import Reader
from espnet2_decodec.types import Codes, Stems


def open_audio(path: Path, codec: DeCodec, quiet: bool) -> AudioReader:
    """An audio file, with a note on what is converted."""
    if path.suffix.lower() == ".dcd":
        raise ValueError(f"{path} holds tokens, not audio; use decodec decode.")
    reader = AudioReader(path, codec.sample_rate)
    if reader.conversion and not quiet:
        note(f"{path}: {reader.conversion}.")
    return reader


def encode(codec: DeCodec, reader: AudioReader, levels: dict[str, int | None]) -> Iterator[Codes]:
    """Blocks of tokens of an audio file."""
    blocks = _with_bar(codec, reader)
    if codec.receptive_field is None:
        return iter([codec.encode(_whole(codec, blocks), **levels)])
    return streaming.encode_blocks(codec, blocks, **levels)


def separate(codec: DeCodec, reader: AudioReader, quantize: bool, levels: dict[str, int | None]) -> Iterator[Stems]:
    """Blocks of stems [1, l] of an audio file."""
    blocks = _with_bar(codec, reader)
    if codec.receptive_field is None:
        return iter([codec.separate(_whole(codec, blocks), quantize=quantize, **levels)])
    return streaming.separate_blocks(codec, blocks, quantize, **levels)


def decode(codec: DeCodec, codes: Iterable[Codes], speech: bool = True, background: bool = True) -> Iterator[Tensor]:
    """Blocks of samples [l] of blocks of tokens."""
    if codec.receptive_field is None:
        return iter([codec.decode(streaming.concatenate(codes, codec).to(_device(codec)), speech, background)[0]])
    return streaming.decode_blocks(codec, codes, speech, background)


def open_codes(path: Path, codec: DeCodec) -> tuple[Iterable[Codes], float]:
    """Blocks of tokens of a .dcd or .npy file, as often as wanted, and its seconds."""
    if path.suffix.lower() == ".npy":
        codes = npy.load(path, codec.sample_rate, codec.hop)
        return [codes], int(codes.lengths[0]) / codes.sample_rate
    reader = Reader(path, codec)
    return reader, reader.header.seconds


def codes_bar(codes: Iterable[Codes], seconds: float, name: str) -> Iterator[Codes]:
    """Blocks of tokens with a progress bar."""
    return progress(codes, seconds, name, lambda c: int(c.lengths[0]) / c.sample_rate)


def write(path: Path, blocks: Iterable[Tensor], codec: DeCodec, rescale: bool) -> None:
    """Blocks of samples [l] to an audio file, with a warning if it clips."""
    with AudioWriter(path, codec.sample_rate, rescale) as writer:
        for wav in blocks:
            writer.write(wav)
    warn_of_clipping(writer)


def warn_of_clipping(writer: AudioWriter) -> None:
    """Say how much was clipped, and what helps."""
    if writer.clipped:
        warn(f"{writer.path}: {writer.clipped} samples clipped (peak {writer.peak:.2f}); --rescale avoids it.")


def _with_bar(codec: DeCodec, reader: AudioReader) -> Iterator[Tensor]:
    return progress(reader, reader.seconds, reader.path.name, lambda wav: len(wav) / codec.sample_rate)


def _whole(codec: DeCodec, blocks: Iterable[Tensor]) -> Tensor:
    """[1, L]: for recurrent codecs, which hold the whole file in memory."""
    return torch.cat(list(blocks))[None].to(_device(codec))


def _device(codec: DeCodec) -> torch.device:
    return next(codec.parameters()).device
