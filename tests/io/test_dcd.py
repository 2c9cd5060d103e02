"""A .dcd file stores tokens exactly and compactly, and damage is always detected."""

import math

import numpy as np
import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.streaming import decode_blocks
from espnet2_decodec.io import dcd, errors
from espnet2_decodec.io.dcd_format import pack_bits, packed_size, unpack_bits
from espnet2_decodec.io.gate import Gate
from espnet2_decodec.io.identity import codec_id
from espnet2_decodec.types import Codes

HOP = 320


@pytest.fixture(scope="module")
def codec():
    """A tiny codec with random weights."""
    torch.manual_seed(0)
    return DeCodec.from_config(TINY).eval()


def make_codes(length: int, speech_levels: int = 3, background_levels: int = 2) -> Codes:
    """Random tokens of a recording of `length` samples."""
    frames = -(-length // HOP)
    shapes = (1, speech_levels, frames), (1, background_levels, frames)
    return Codes(*(torch.randint(16, shape) for shape in shapes), torch.tensor([length]), 16000)


def split(codes: Codes, size: int) -> list[Codes]:
    """Blocks of `size` frames."""
    blocks, left = [], int(codes.lengths[0])
    for start in range(0, codes.speech.shape[2], size):
        part = slice(start, start + size)
        n = torch.tensor([min(left, size * HOP)])
        blocks.append(Codes(codes.speech[..., part], codes.background[..., part], n, 16000))
        left -= size * HOP
    return blocks


@pytest.mark.parametrize("width", [1, 3, 8, 10, 16])
def test_bits_round_trip(width):
    """Tokens of any width are restored from the smallest number of bytes."""
    tokens = np.random.default_rng(0).integers(0, 1 << width, 77)
    tokens[:2] = 0, (1 << width) - 1
    data = pack_bits(tokens, width)
    assert len(data) == packed_size(77, width) == math.ceil(77 * width / 8)
    assert (unpack_bits(data, 77, width) == tokens).all()
    with pytest.raises(ValueError, match="outside"):
        pack_bits(np.array([1 << width]), width)


@pytest.mark.parametrize("length", [1, 320, 321, 50 * HOP, 48001])
@pytest.mark.parametrize("levels", [(3, 2), (1, 0), (0, 2), (0, 0)])
@pytest.mark.parametrize("size", [7, 10**6])
def test_round_trip(codec, tmp_path, length, levels, size):
    """Tokens and length are exact for blocks of any size."""
    codes, path = make_codes(length, *levels), tmp_path / "a.dcd"
    with dcd.Writer(path, dcd.make_header(codec, *levels)) as writer:
        for block in split(codes, size):
            writer.write(block)
    loaded = dcd.load(path, codec)
    assert torch.equal(loaded.speech, codes.speech) and torch.equal(loaded.background, codes.background)
    assert loaded.lengths.tolist() == [length] and loaded.sample_rate == 16000
    assert [p.name for p in tmp_path.iterdir()] == ["a.dcd"]


def test_bit_rate(codec, tmp_path):
    """One minute costs the bits of its tokens, and less than 0.02 kbit/s for the rest."""
    path = tmp_path / "a.dcd"
    dcd.save(path, make_codes(60 * 16000), codec)
    reader = dcd.Reader(path)
    tokens = codec.kbps(3) + codec.kbps(2)
    assert tokens < reader.info.kbps() < tokens + 0.02
    assert reader.info.stream_kbps("speech") == pytest.approx(codec.kbps(3))
    assert reader.info.stream_kbps("background") == pytest.approx(codec.kbps(2))


def test_absent_streams(codec, tmp_path):
    """A mean power below the threshold -> no bits, no levels in the block that is read, and silence when decoded."""
    codes, path = make_codes(200 * HOP), tmp_path / "a.dcd"
    power = torch.zeros(200)
    power[60], power[100:150], power[160] = 51, 0.9, 49
    with dcd.Writer(path, dcd.make_header(codec), Gate(0.0)) as writer:
        for i, block in enumerate(split(codes, 40)):
            writer.write(block, background_power=power[40 * i : 40 * i + 40])
    reader = dcd.Reader(path, codec)
    assert [reader.info.speech, reader.info.background] == [[True] * 4, [False, True, False, False]]
    assert [c.background.shape[1] for c in reader] == [0, 2, 0, 0]
    assert reader.info.kbps() < codec.kbps(3) + codec.kbps(2) / 4 + 0.1
    wav = torch.cat(list(decode_blocks(codec, reader)))
    alone = codec.decode(codes, background=False)[0]
    assert torch.allclose(wav[: 40 * HOP], alone[: 40 * HOP], atol=1e-4)
    assert not torch.allclose(wav[60 * HOP : 90 * HOP], alone[60 * HOP : 90 * HOP], atol=1e-4)
    with pytest.raises(ValueError, match="different numbers of levels"):
        dcd.load(path)
    filled, silence = dcd.load(path, codec), codec.encode(torch.zeros(1, 50 * HOP)).background
    assert torch.equal(filled.speech, codes.speech)
    assert torch.equal(filled.background[..., 50:100], codes.background[..., 50:100])
    assert torch.equal(filled.background[..., 100:150], silence)
    again = tmp_path / "b.dcd"
    with dcd.Writer(again, reader.header) as writer:
        for block in reader:
            writer.write(block)
    assert again.read_bytes() == path.read_bytes()


def test_streams_are_absent_from_whole_blocks_only(codec, tmp_path):
    """A block with tokens in some frames only is an error."""
    codes = make_codes(10 * HOP)
    bare = Codes(codes.speech, codes.background[:, :0], codes.lengths, 16000)
    with pytest.raises(ValueError, match="whole blocks of 50"):
        with dcd.Writer(tmp_path / "a.dcd", dcd.make_header(codec)) as writer:
            writer.write(codes)
            writer.write(bare)
    assert not list(tmp_path.iterdir())


def test_damage_is_detected(codec, tmp_path):
    """Every truncation and every flipped bit raises an error instead of returning wrong tokens."""
    good = tmp_path / "good.dcd"
    dcd.save(good, make_codes(70 * HOP), codec)
    data, bad = good.read_bytes(), tmp_path / "bad.dcd"
    for end in range(len(data)):
        bad.write_bytes(data[:end])
        with pytest.raises((errors.TruncatedFileError, errors.DcdFormatError)):
            dcd.Reader(bad)
    for at in range(len(data)):
        bad.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        with pytest.raises(errors.FileError):
            dcd.Reader(bad)
    bad.write_bytes(data + b"x")
    with pytest.raises(errors.ChecksumError, match="checksum"):
        dcd.Reader(bad)


def test_one_error_for_each_kind(codec, tmp_path):
    """Other content, later version, missing file, other model."""
    path = tmp_path / "a.dcd"
    for content in (b"", b"RIFFxxxxWAVE" * 9):
        path.write_bytes(content)
        with pytest.raises(errors.DcdFormatError, match="a.dcd is not a .dcd file"):
            dcd.Reader(path)
    with pytest.raises(errors.MissingFileError, match="does not exist"):
        dcd.Reader(tmp_path / "b.dcd")
    dcd.save(path, make_codes(999), codec)
    torch.manual_seed(1)
    with pytest.raises(errors.ModelMismatchError, match="another model"):
        dcd.Reader(path, DeCodec.from_config(TINY))
    data = bytearray(path.read_bytes())
    data[4] = 2
    path.write_bytes(data)
    with pytest.raises(errors.DcdVersionError, match="version 2"):
        dcd.Reader(path)


def test_invalid_codes_leave_no_file(codec, tmp_path):
    """Wrong number of levels, a block that ends within a frame, no tokens."""
    path = tmp_path / "a.dcd"
    with pytest.raises(ValueError, match="3 speech levels, the file has 1"):
        with dcd.Writer(path, dcd.make_header(codec, 1, 2)) as writer:
            writer.write(make_codes(999))
    with pytest.raises(ValueError, match="within a frame"):
        with dcd.Writer(path, dcd.make_header(codec)) as writer:
            writer.write(make_codes(999))
            writer.write(make_codes(999))
    with pytest.raises(ValueError, match="no tokens"):
        with dcd.Writer(path, dcd.make_header(codec)):
            pass
    assert not list(tmp_path.iterdir())


def test_identity_survives_half_precision(codec, tmp_path):
    """The id depends on codebooks, sample rate and hop, not on the precision of the weights or on other options."""
    codec.save_pretrained(tmp_path, half=True)
    assert codec_id(DeCodec.from_pretrained(tmp_path)) == codec_id(codec)
    assert codec_id(DeCodec.from_config({**TINY, "sample_rate": 8000})) != codec_id(codec)
    other = DeCodec.from_config({**TINY, "quantizer": {**TINY["quantizer"], "ema_decay": 0.5}})
    other.load_state_dict(codec.state_dict())
    assert codec_id(other) == codec_id(codec)
    other.background_quantizer.codebooks[0, 0] += 1
    assert codec_id(other) != codec_id(codec)
    with_content = DeCodec.from_config({**TINY, "content": {"dim": 4}})
    with_content.load_state_dict({**with_content.state_dict(), **codec.state_dict()})
    assert codec_id(with_content) == codec_id(codec)
