"""Every format is read whole, or the file is refused with what could be read."""

import struct
import zlib

import av
import numpy as np
import pytest
import soundfile

from espnet2_decodec.io import audio, errors
from espnet2_decodec.io.containers import mpeg

from .conftest import CUT_BETWEEN_FRAMES, FFMPEG, ONLY_SNDFILE, RATE, SNDFILE, WITHOUT_LENGTH, chirp

LOSSY = ("ogg", "opus", "mp3", "wav_adpcm", "wav_ulaw")


def decode(path) -> tuple[int, np.ndarray]:
    """All that FFmpeg gives."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono")
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        return frames[0].sample_rate, np.concatenate([frame.to_ndarray()[0] for frame in frames])


@pytest.mark.parametrize("kind", sorted(SNDFILE.keys() - set(ONLY_SNDFILE)))
def test_libsndfile_and_ffmpeg_agree(make, kind):
    """Both give the same length and samples, but FFmpeg loses the end of short Ogg files, and reads RIFX wrong."""
    path = make(kind, chirp())
    wav, (rate, other) = audio.read(path, RATE).numpy(), decode(path)
    assert len(wav) / RATE == pytest.approx(len(other) / rate, abs=0.02 if kind == "ogg" else 1 / RATE)
    if kind not in LOSSY:
        assert len(wav) == len(chirp())
    if rate == RATE and kind != "ogg":
        assert np.abs(wav - other).max() < 2e-3
    assert np.abs(wav[: len(chirp())] - chirp()).max() < (0.1 if kind in LOSSY else 1e-4 + 1 / 32768)


@pytest.mark.parametrize("kind", FFMPEG)
def test_formats_of_ffmpeg(make, kind):
    """The duration is that of the samples, up to the delay and the frames of the encoder, and the samples are right."""
    wav = audio.read(make(kind, chirp()), RATE).numpy()
    assert len(wav) / RATE == pytest.approx(1.5, abs=0.15)
    power = np.abs(np.fft.rfft(wav, 2**16)) ** 2
    reference = np.abs(np.fft.rfft(chirp(), 2**16)) ** 2
    assert np.corrcoef(power, reference)[0, 1] > 0.96
    assert np.square(wav).sum() / RATE == pytest.approx(1.5 * 0.3**2 / 2, rel=0.12)


@pytest.mark.parametrize("share", [0.6, 0.9])
@pytest.mark.parametrize(
    "kind", [kind for kind in [*SNDFILE, *FFMPEG] if kind not in WITHOUT_LENGTH + CUT_BETWEEN_FRAMES]
)
def test_files_that_are_cut_off_are_refused(make, kind, share):
    """The message has one line, with the seconds that could be read."""
    path = make(kind, chirp(3.0))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(
        errors.TruncatedFileError, match=r"cut off or damaged: .*; \d\.\d\d s of it could be read"
    ) as caught:
        audio.read(path, RATE)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    seconds = float(str(caught.value).split("; ")[-1].split()[0])
    assert seconds < (3.2 if kind in ("avi", "sds", "mp3.asf") else 3.0 * share + 0.35)


def test_files_with_padding_that_are_cut_off_are_refused(make):
    path = make("gxf", chirp())
    path.write_bytes(path.read_bytes()[:-16])
    with pytest.raises(errors.TruncatedFileError, match="the mark at its end is missing"):
        audio.read(path, RATE)


@pytest.mark.parametrize("kind", ["nut", "pcm.nut", "gxf", "wtv", "ast", "smjpeg", "argo.asf"])
def test_joined_files_of_which_decoders_read_the_first_are_refused(make, kind):
    path = make(kind, chirp())
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(errors.TruncatedFileError, match="another recording follows at byte"):
        audio.read(path, RATE)


@pytest.mark.parametrize("kind", ["wav", "rifx", "flac", "ogg", "opus", "mp3", "oga", "mat4"])
def test_joined_files_are_read_whole(make, kind):
    """Files joined by cat give the samples of both; a second one that is cut off is noticed."""
    path = make(kind, chirp())
    data, once = path.read_bytes(), audio.read(path, RATE)
    path.write_bytes(data + data)
    twice = audio.read(path, RATE)
    assert len(twice) == 2 * len(once)
    assert abs(twice[len(once) :] - once).max() < 1e-3
    path.write_bytes(data + data[: len(data) * 6 // 10])
    with pytest.raises(errors.TruncatedFileError):
        audio.read(path, RATE)


@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3", "wav"])
def test_joined_files_of_two_sample_rates(make, kind):
    """Each part is resampled from its own rate."""
    data = make(kind, chirp()).read_bytes()
    path = make(kind, chirp(1.0, 44100), 44100)
    path.write_bytes(data + path.read_bytes())
    assert len(audio.read(path, RATE)) == pytest.approx(2.5 * RATE, abs=2)


def test_mp3_without_a_header_of_its_length(tmp_path):
    """A variable bit rate and no Xing frame: libsndfile estimates the length from the first frames."""
    path, rng = tmp_path / "a.mp3", np.random.default_rng(0)
    wav = np.concatenate([0.3 * rng.standard_normal(RATE * 6), np.zeros(RATE * 4)])
    soundfile.write(path, wav, RATE, bitrate_mode="VARIABLE", compression_level=0.5)
    data = path.read_bytes()
    first = mpeg._frame(data, 0)
    assert data[: first.size].count(b"Xing") + data[: first.size].count(b"Info") == 1
    path.write_bytes(data[first.size :])
    assert soundfile.info(path).frames < 9 * RATE
    assert len(audio.read(path, RATE)) == pytest.approx(len(wav), abs=3 * 576)


def test_mp3_cut_at_a_frame_has_fewer_than_its_header_states(make):
    """Nothing but the number in the Xing header shows it."""
    path = make("mp3", chirp(3.0))
    data, position = path.read_bytes(), 0
    while position < 0.6 * len(data):
        position += mpeg._frame(data, position).size
    path.write_bytes(data[:position])
    with pytest.raises(errors.TruncatedFileError, match=r"it has \d+ of the \d+ frames in its header"):
        audio.read(path, RATE)


def test_mp3_with_tags(make):
    """ID3 and APE tags before, between and after are no audio, zeros at the end neither; lost bytes are noticed."""
    path = make("mp3", chirp())
    data, once = path.read_bytes(), len(audio.read(path, RATE))
    id3 = b"ID3\x03\x00\x00" + bytes([0, 0, 2, 0]) + bytes(256)
    tag = b"TAG" + bytes(125)
    ape = b"APETAGEX" + struct.pack("<IIII8x", 2000, 32, 0, 0)
    path.write_bytes(id3 + data + tag)
    assert len(audio.read(path, RATE)) == once
    path.write_bytes(id3 + data + ape + tag + id3 + data + bytes(100))
    assert len(audio.read(path, RATE)) == 2 * once
    half = len(data) // 2
    path.write_bytes(data[:half] + data[half + 30 :])
    with pytest.raises(errors.TruncatedFileError, match="are not MPEG audio"):
        audio.read(path, RATE)


def unknown_length(data: bytes) -> bytes:
    """A FLAC file as a program writes it to a pipe: 0 samples in its header, which stands for an unknown number."""
    return data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:]


def test_flac_of_unknown_length(make):
    """It is read to its end; cut off, it is refused; joined with another one, both are read."""
    path = make("flac", chirp())
    data = unknown_length(path.read_bytes())
    path.write_bytes(data)
    assert soundfile.info(path).frames > 2**62
    assert np.abs(audio.read(path, RATE).numpy() - chirp()).max() < 1e-4
    path.write_bytes(data + data)
    assert len(audio.read(path, RATE)) == 2 * len(chirp())
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(errors.TruncatedFileError):
        audio.read(path, RATE)


def test_voc_with_several_blocks(make, tmp_path):
    """libsndfile takes the headers of the blocks for samples; SoX states eight bytes too few for the only block."""
    wav = chirp()
    path = make("blocks.voc", wav)
    assert path.read_bytes().count(b"\x02\x00\x08\x00") > 5  # blocks of type 2 with 2048 bytes
    assert np.abs(audio.read(path, RATE).numpy() - wav).max() < 1e-4
    path = make("voc", wav)
    data = path.read_bytes()
    path.write_bytes(data[:27] + (int.from_bytes(data[27:30], "little") - 8).to_bytes(3, "little") + data[30:])
    assert len(audio.read(path, RATE)) in (len(wav), len(wav) - 4)


@pytest.mark.parametrize("kind", WITHOUT_LENGTH)
def test_formats_without_a_length_are_read_as_far_as_they_go(make, kind):
    path = make(kind, chirp())
    whole = path.read_bytes()
    path.write_bytes(whole[: -RATE // 2 * 2])
    wav = audio.read(path, RATE).numpy()
    assert len(wav) == len(chirp()) - RATE // 2 and np.abs(wav - chirp()[: len(wav)]).max() < 1e-4


def test_lengths_of_instruments_and_of_psion_sounds(tmp_path):
    """Headers that libsndfile writes with other sample rates, or with a length of 0."""
    wave, instrument = tmp_path / "a.wve", tmp_path / "a.xi"
    soundfile.write(wave, chirp(1.0, 8000), 8000, format="WVE", subtype="ALAW")
    with soundfile.SoundFile(instrument, "w", RATE, 1, format="XI", subtype="DPCM_16") as file:
        file.write(chirp())
    assert len(audio.read(wave)) == 8000 and len(audio.read(instrument)) == len(chirp())
    data = instrument.read_bytes()
    instrument.write_bytes(data[:298] + (2 * len(chirp())).to_bytes(4, "little") + data[302:])
    assert len(audio.read(instrument)) == len(chirp())
    for path in (wave, instrument):
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(errors.TruncatedFileError, match="100 bytes of the samples in its header are missing"):
            audio.read(path)


def test_flac_with_too_few_samples_in_its_header(make):
    """libFLAC stops there; the MD5 sum shows it."""
    path = make("flac", chirp())
    data = path.read_bytes()
    path.write_bytes(data[:24] + (len(chirp()) - 4096).to_bytes(2, "big") + data[26:])
    with pytest.raises(errors.TruncatedFileError, match="MD5 sum"):
        audio.read(path, RATE)
    path.write_bytes(data[:26] + bytes(16) + data[42:])  # the sum is optional
    assert len(audio.read(path, RATE)) == len(chirp())


@pytest.mark.parametrize("kind", ["wav", "aiff", "svx"])
def test_a_length_of_samples_that_became_smaller(make, kind):
    """The length of the whole file shows it."""
    path = make(kind, chirp())
    data, length = path.read_bytes(), 2 * len(chirp())
    order = "little" if kind == "wav" else "big"
    for stated in (length, length + 8):  # the chunk of AIFF has eight bytes more
        data = data.replace(stated.to_bytes(4, order), (stated // 2).to_bytes(4, order))
    path.write_bytes(data)
    with pytest.raises(errors.TruncatedFileError, match="belong to no chunk"):
        audio.read(path, RATE)


@pytest.mark.parametrize(
    "kind", ["w64", "nist", "svx", "au", "wav", "aiff", "voc", "avr", "mpc2k", "mat5", "mat5_big", "sds", "htk", "mat4"]
)
def test_bytes_behind_the_samples_are_no_samples(make, kind):
    """libsndfile reads them in some formats."""
    path = make(kind, chirp())
    path.write_bytes(path.read_bytes() + bytes([1] * 1000))
    assert np.abs(audio.read(path, RATE).numpy() - chirp()).max() < 1e-4


@pytest.mark.parametrize("kind", ["flac", "ogg", "opus"])
def test_a_changed_byte_is_noticed(make, kind):
    """These formats have checksums."""
    path, rng = make(kind, chirp()), np.random.default_rng(0)
    data = path.read_bytes()
    for _ in range(10):
        changed = bytearray(data)
        changed[rng.integers(len(data) // 2, len(data) - 100)] ^= 16
        path.write_bytes(changed)
        with pytest.raises(errors.TruncatedFileError):
            audio.read(path, RATE)


def test_ogg_without_its_last_page(make):
    """A stream whose pages are whole, but without the one that ends it."""
    path = make("ogg", chirp(3.0))
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"OggS")])
    with pytest.raises(errors.TruncatedFileError, match="end-of-stream"):
        audio.read(path, RATE)


@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_wav_of_unknown_length(make, length):
    """Programs that write to a pipe store such sizes."""
    path = make("wav", chirp())
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", length)
    path.write_bytes(data)
    assert len(audio.read(path, RATE)) == len(chirp())


def test_wav_with_other_chunks(make):
    """Odd chunks and short trailing bytes are ignored; half a recording behind the stated samples is not."""
    path = make("wav", chirp(4.0))
    data = path.read_bytes()
    path.write_bytes(
        data[:36] + b"LIST\x03\x00\x00\x00abc\x00" + data[36:] + b"LIST\x03\x00\x00\x00abc\x00" + b"\x01" * 99
    )
    assert len(audio.read(path, RATE)) == 4 * RATE
    for rest in (b"LIST\xff\x00\x00\x00INFO" + bytes([1] * 99), b"ID3\x03" + bytes(6) + bytes([1] * 99), bytes(999)):
        inside = data + rest
        path.write_bytes(inside[:4] + struct.pack("<I", len(inside) - 8) + inside[8:])
        assert len(audio.read(path, RATE)) == 4 * RATE
    path.write_bytes(data[:40] + struct.pack("<I", 40000) + data[44:])
    with pytest.raises(errors.TruncatedFileError, match="bytes follow the samples"):
        audio.read(path, RATE)


def test_mpeg_audio_in_wav(tmp_path):
    """libsndfile estimates its length; FFmpeg reads it."""
    with av.open(str(tmp_path / "a.wav"), "w") as output:
        stream = output.add_stream("libmp3lame", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(chirp().astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", frame_size=576)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(stream.encode(part))
    assert len(audio.read(tmp_path / "a.wav", RATE)) == pytest.approx(len(chirp()), abs=3 * 576)


def test_video_gives_its_audio_and_refuses_without(tmp_path):
    """A file with pictures only has one line of its own."""
    path = tmp_path / "a.mkv"
    for with_audio in (True, False):
        with av.open(str(path), "w") as output:
            video = output.add_stream("mpeg4", rate=5)
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
            sound = output.add_stream("pcm_s16le", rate=RATE, layout="mono") if with_audio else None
            for _ in range(5):
                output.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
            output.mux(video.encode(None))
            if sound:
                frame = av.AudioFrame.from_ndarray(np.full((1, 8000), 1000, np.int16), format="s16", layout="mono")
                frame.sample_rate, frame.pts = RATE, 0
                output.mux(sound.encode(frame))
                output.mux(sound.encode(None))
        if with_audio:
            assert audio.read(path, RATE).tolist() == [1000 / 32768] * 8000
    with pytest.raises(errors.AudioFormatError):
        audio.read(path, RATE)


def test_damaged_headers_are_refused_in_one_line(make):
    """Changed bytes at the start of a file: audio, or one of the errors of the package."""
    rng = np.random.default_rng(zlib.crc32(b"headers"))
    for kind in [*SNDFILE, *FFMPEG]:
        path = make(kind, chirp(0.2))
        data = path.read_bytes()
        for _ in range(4):
            changed = bytearray(data)
            for at in rng.integers(min(300, len(data)), size=4):
                changed[at] = rng.integers(256)
            path.write_bytes(changed)
            try:
                audio.read(path, RATE)
            except errors.FileError as error:
                assert str(path) in str(error) and "\n" not in str(error)
