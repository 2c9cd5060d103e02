"""Files to blocks of tokens and back: block by block where the codec can be chunked, else the whole file at once."""

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.cli.console import note, track_seconds, warn
from espnet2_decodec.cli.model import CodecsOfTokens, Levels
from espnet2_decodec.codec import streaming
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.io import npy
from espnet2_decodec.io.audio import AudioReader, AudioWriter
from espnet2_decodec.io.dcd import Reader
from espnet2_decodec.io.errors import TokenFileError
from espnet2_decodec.types import Codes, Stems

TOKEN_SUFFIXES = (".dcd", ".npy")


def open_audio(path: Path, codec: DeCodec) -> AudioReader:
    """Open an audio file at the sample rate of the codec, with a note if it is converted."""
    if path.suffix.lower() == ".dcd":
        raise ValueError(f"{path} holds tokens, not audio; use decodec decode.")
    reader = AudioReader(path, codec.sample_rate)
    if reader.conversion:
        note(f"{path}: {reader.conversion}.")
    return reader


def read_audio(reader: AudioReader) -> Iterator[Tensor]:
    """Yield the blocks of samples [l] of an audio file, with a progress bar, and a warning if its channels cancel."""
    yield from track_seconds(reader, reader.seconds, reader.path.name, lambda wav: len(wav) / reader.sample_rate)
    if reader.cancels:
        warn(f"{reader.path}: its channels cancel each other when they are mixed; use one of them.")


def open_tokens(path: Path, codec: DeCodec) -> tuple[Iterable[Codes], float]:
    """Return the blocks of tokens of a .dcd or .npy file, for any number of iterations, and its duration in seconds."""
    if path.suffix.lower() == ".npy":
        return _open_npy(path, codec)
    reader = Reader(path, codec)
    return reader, reader.header.seconds


def open_tokens_and_codec(path: Path, codecs: CodecsOfTokens) -> tuple[Iterable[Codes], float, DeCodec]:
    """Return what `open_tokens` returns, and the codec of the file; .npy files take the default."""
    if path.suffix.lower() == ".npy":
        return *_open_npy(path, codecs.default), codecs.default
    reader = Reader(path)
    codec = codecs(reader.header.codec_id)
    reader.check_codec(codec)
    return reader, reader.header.seconds, codec


def require_streams(path: Path, codes: Iterable[Codes], streams: Collection[str]) -> None:
    """Check that the tokens of a file have levels of some streams.

    A stream that the gate left out of all blocks has levels: it is silent, as in the recording.

    Args:
        path: of the file, for the message.
        codes: from `open_tokens`.
        streams: names of the streams.

    Raises:
        TokenFileError: if they have none of one of these.
    """
    for stream in streams:
        if isinstance(codes, Reader):
            levels = getattr(codes.header, f"{stream}_levels")
        else:
            levels = max(getattr(block, stream).shape[1] for block in codes)
        if not levels:
            raise TokenFileError(f"{path} holds no {stream}: it was encoded with 0 {stream} levels.")


def _open_npy(path: Path, codec: DeCodec) -> tuple[list[Codes], float]:
    codes = npy.load(path, codec.sample_rate, codec.hop)
    return [codes], int(codes.lengths[0]) / codes.sample_rate


def encode(codec: DeCodec, reader: AudioReader, levels: Levels) -> Iterator[Codes]:
    """Yield blocks of tokens of an audio file."""
    blocks = read_audio(reader)
    if codec.receptive_field is None:
        return iter([codec.encode(_concatenate(codec, blocks), **levels)])
    return streaming.encode_blocks(codec, blocks, **levels)


def separate(codec: DeCodec, reader: AudioReader, quantize: bool, levels: Levels) -> Iterator[Stems]:
    """Yield blocks of stems [1, l] of an audio file."""
    blocks = read_audio(reader)
    levels = levels if quantize else Levels(speech_levels=None, background_levels=None)
    if codec.receptive_field is None:
        return iter([codec.separate(_concatenate(codec, blocks), quantize=quantize, **levels)])
    return streaming.separate_blocks(codec, blocks, quantize, **levels)


def decode(codec: DeCodec, codes: Iterable[Codes], speech: bool = True, background: bool = True) -> Iterator[Tensor]:
    """Yield blocks of samples [l] of blocks of tokens."""
    if codec.receptive_field is None:
        whole = streaming.concatenate(codes, codec).to(next(codec.parameters()).device)
        return iter([codec.decode(whole, speech, background)[0]])
    return streaming.decode_blocks(codec, codes, speech, background)


def collect_tokens(codec: DeCodec, path: Path, levels: Levels, required: Collection[str] = ()) -> list[Codes]:
    """Return all blocks of tokens of an audio or token file, on the CPU: 23 MB for one hour of 16 levels.

    Args:
        codec: model of the tokens.
        path: audio, .dcd or .npy file.
        levels: maximum number of levels of each stream, None for all.
        required: streams that a token file must have, see `require_streams`.

    Raises:
        TokenFileError: if it lacks one of them.
        OSError, ValueError: if it cannot be read.
    """
    if path.suffix.lower() in TOKEN_SUFFIXES:
        blocks: Iterable[Codes] = open_tokens(path, codec)[0]
        require_streams(path, blocks, required)
    else:
        blocks = encode(codec, open_audio(path, codec), levels)
    return [block.to("cpu") for block in first_levels(blocks, **levels)]


def first_levels(blocks: Iterable[Codes], speech_levels: int | None, background_levels: int | None) -> Iterator[Codes]:
    """Yield blocks of tokens without the levels above these numbers."""
    for block in blocks:
        yield replace(block, speech=block.speech[:, :speech_levels], background=block.background[:, :background_levels])


def write_audio(
    path: Path,
    blocks: Iterable[Tensor],
    codec: DeCodec,
    rescale: bool,
    seconds: float,
    never_clip: bool = False,
    comment: str = "",
) -> None:
    """Write blocks of samples [l] to an audio file, with a progress bar, and a warning if samples were clipped.

    Args:
        path: of the file.
        blocks: samples.
        codec: model of the samples.
        rescale: scale a file that would clip.
        seconds: duration.
        never_clip: do so in any case, with a warning unless `rescale` is set.
        comment: for the metadata.
    """
    with AudioWriter(path, codec.sample_rate, rescale or never_clip, comment) as writer:
        for wav in track_seconds(blocks, seconds, path.name, lambda wav: len(wav) / codec.sample_rate):
            writer.write(wav)
    warn_of_level(writer, rescale)


def warn_of_level(writer: AudioWriter, rescale: bool) -> None:
    """Warn of clipped samples, or of a scale factor that was not requested by `rescale`."""
    if writer.gain != 1 and not rescale:
        decibels = 20 * math.log10(writer.gain)
        cause = f"it would clip (peak {writer.peak:.2f})" if writer.peak > 1 else "a file beside it would clip"
        warn(f"{writer.path}: scaled by {decibels:.1f} dB, as {cause}.")
    if writer.clipped:
        warn(f"{writer.path}: {writer.clipped} samples clipped (peak {writer.peak:.2f}); --rescale avoids it.")


def _concatenate(codec: DeCodec, blocks: Iterable[Tensor]) -> Tensor:
    """Return a whole recording [1, L] on the device of the codec, for recurrent codecs."""
    return torch.cat(list(blocks))[None].to(next(codec.parameters()).device)
