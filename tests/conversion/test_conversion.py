"""Voice conversion: the voice moves to the reference's, what is said and how long it takes stays."""

import math
from dataclasses import replace

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.conversion.convert import (
    convert,
    convert_wav,
    listen,
    listen_to_background,
    repeated,
    synthesize,
    voice,
)
from espnet2_decodec.conversion.voices import Voice, moved, moved_envelope, moved_tone, stretched

RATE = 16000
LAPPED = {
    "backbone": {"envelope": 20, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 30, "background_dim": 30},
    "quantizer": {"speech_levels": 4, "background_levels": 2, "codebook_size": 256},
}


def talk(f0, tract, seed, seconds=2.0):
    """[L]: vowels of random formants, stretched by `tract`, at about f0 Hz, with pauses."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(int(0.25 * RATE)) / RATE
    parts = []
    for _ in range(int(seconds / 0.25)):
        formants = tract * (torch.rand(3, generator=generator) * 600 + torch.tensor([300.0, 1200.0, 2500.0]))
        pitch = f0 * 2 ** (0.2 * torch.randn(1, generator=generator).clamp(-1, 1))
        wav = torch.zeros_like(time)
        for number in range(1, int(6000 / pitch)):
            level = torch.exp(-((number * pitch - formants) / 250).square()).sum() + 0.01
            wav += level * torch.sin(2 * math.pi * number * pitch * time)
        parts.append(0.05 * wav * torch.sin(math.pi * time / 0.25))
    return torch.cat([*parts, torch.zeros(RATE // 5)])


@pytest.fixture(scope="module")
def codec():
    """A small codec whose codebooks know three voices."""
    torch.manual_seed(0)
    model = DeCodec.from_config(LAPPED).eval()
    wavs = torch.stack([talk(f0, tract, i, 6) for i, (f0, tract) in enumerate([(110, 1), (220, 1.2), (160, 1.1)])])
    with torch.no_grad():
        streams = model.subspace.split(model.latent(wavs))
    for quantizer, stream in zip((model.speech_quantizer, model.background_quantizer), streams):
        quantizer.start(stream.transpose(1, 2).flatten(0, 1))
    return model


@pytest.fixture(scope="module")
def pair(codec):
    """Codes of a low voice and of a high one, of different lengths."""
    return codec.encode(talk(110, 1.0, 10)[None]), codec.encode(talk(220, 1.2, 11, 3.0)[None])


def test_the_voice_moves_and_the_rest_stays(codec, pair):
    source, reference = pair
    converted = convert(codec, source, reference)
    assert converted.speech.shape == (1, codec.parametric_levels, source.speech.shape[2])
    assert converted.background is source.background and converted.lengths is source.lengths
    assert codec.decode(converted).shape == (1, int(source.lengths[0]))
    before, wanted, after = (voice(codec, codes) for codes in (source, reference, converted))
    tones = [x.pitch[x.voiced, 0].median() for x in (before, wanted, after)]
    assert abs(tones[2] - tones[1]) < 0.2 * abs(tones[0] - tones[1])
    spectra = [x.envelope[x.active].mean(0) for x in (before, wanted, after)]
    spectra = [x - x.mean() for x in spectra]
    assert (spectra[2] - spectra[1]).norm() < 0.6 * (spectra[0] - spectra[1]).norm()
    loudness = torch.stack([x.envelope.mean(1) for x in (before, after)])
    assert torch.corrcoef(loudness)[0, 1] > 0.95
    kept = voice(codec, convert(codec, source, reference, move_pitch=False))
    assert abs(kept.pitch[kept.voiced, 0].median() - tones[0]) < 0.2 * abs(tones[0] - tones[1])


def test_listening_comes_nearer_than_tokens(codec, pair):
    wavs = talk(110, 1.0, 10), talk(220, 1.2, 11, 3.0)
    heard = tuple(listen(codec, wav.split(5000)) for wav in wavs)
    with torch.no_grad():
        whole = codec.subspace.split(codec.latent(wavs[0][None]))[0][0, :22].T
    assert torch.allclose(torch.cat([heard[0].envelope, heard[0].pitch], 1), whole, atol=1e-4)
    told = voice(codec, pair[0])
    assert told.envelope.shape == heard[0].envelope.shape and not torch.equal(told.envelope, heard[0].envelope)
    converted = convert(codec, *pair, voices=heard)
    assert converted.speech.shape == convert(codec, *pair).speech.shape
    with pytest.raises(ValueError, match="were listened to"):
        convert(codec, *pair, voices=heard[::-1])
    with pytest.raises(ValueError, match="no samples"):
        listen(codec, [])


def test_sound_without_tokens(codec):
    """As long as the source to the sample, in blocks as in one piece, in the reference's voice, with the source's background."""
    source, reference = talk(110, 1.0, 10), talk(220, 1.2, 11, 3.0)
    source = source[: len(source) - 77]
    converted = convert_wav(codec, source, reference)
    assert converted.shape == source.shape
    heard = [listen(codec, wav.split(5000)) for wav in (source, reference, converted)]
    assert heard[0].length == len(source) and len(heard[0].coordinates) == -(-len(source) // codec.hop)
    with torch.no_grad():
        latent = codec.latent(source[None])
        _, background = codec.subspace.split(latent)
        target = moved(*heard[:2], RATE).coordinates
        speech = torch.zeros(1, 30, len(target))
        speech[0, : target.shape[1]] = target.T
        length = torch.tensor([len(source)])
        alone = codec.synthesize(codec.subspace.merge(speech, torch.zeros_like(background)), length)[0]
        both = codec.synthesize(codec.subspace.merge(speech, background), length)[0]
    assert torch.allclose(converted, alone, atol=1e-4)
    assert torch.allclose(convert_wav(codec, source, reference, background=source), both, atol=1e-4)
    assert not torch.allclose(alone, both, atol=1e-2)
    tones = [x.pitch[x.voiced, 0].median() for x in (heard[0], heard[1], moved(*heard[:2], RATE))]
    assert abs(tones[2] - tones[1]) < 0.2 * abs(tones[0] - tones[1])


def test_long_recordings_are_synthesized_in_blocks(codec, monkeypatch):
    """The same sound whatever the size of blocks; a short background is repeated frame by frame, or ends."""
    source, reference = talk(110, 1.0, 10, 1.0), talk(220, 1.2, 11, 1.0)
    spoken = listen(codec, [source])
    once = torch.cat(list(listen_to_background(codec, [reference[:3200]])))
    assert once.shape == (10, 30)
    whole = torch.cat(list(synthesize(codec, spoken, repeated(lambda: [once]))))
    ended = torch.cat(list(synthesize(codec, spoken, [once])))
    monkeypatch.setattr("espnet2_decodec.conversion.convert.FRAMES", 7)
    assert torch.allclose(torch.cat(list(synthesize(codec, spoken, repeated(lambda: once.split(3))))), whole, atol=1e-5)
    assert not torch.allclose(ended, whole, atol=1e-3) and ended.shape == whole.shape == source.shape
    with pytest.raises(ValueError, match="without frames"):
        list(synthesize(codec, spoken, repeated(list)))


def test_ones_own_voice_is_left_as_it_is(codec, pair):
    spoken = voice(codec, pair[0])
    spoken = replace(spoken, envelope=spoken.envelope.clamp(min=0))  # sums of codes may be a little below silence
    assert torch.allclose(moved_envelope(spoken, spoken, RATE), spoken.envelope, atol=1e-6)
    assert torch.equal(moved_tone(spoken, spoken), spoken.pitch)


def test_silence(codec, pair):
    silent = codec.encode(torch.zeros(1, 8000))
    with pytest.raises(ValueError, match="no speech in the reference"):
        convert(codec, pair[0], silent)
    with pytest.raises(ValueError, match="no speech in the reference"):
        convert_wav(codec, talk(110, 1.0, 10), torch.zeros(8000))
    quiet = convert(codec, silent, pair[1])
    assert voice(codec, quiet).envelope.mean() <= voice(codec, silent).envelope.mean() + 0.01
    nothing = Voice(torch.zeros(3, 20), torch.zeros(3, 2), *torch.zeros(2, 3, dtype=torch.bool), 960)
    assert torch.equal(moved_envelope(nothing, voice(codec, pair[1]), RATE), nothing.envelope)


def test_stretching_moves_formants():
    bands = torch.arange(40.0)
    envelope = torch.exp(-((bands - 20) / 2).square())[None]
    assert torch.equal(stretched(envelope, 1.0, RATE), envelope)
    assert stretched(envelope, 1.2, RATE).argmax() > 20 > stretched(envelope, 0.85, RATE).argmax()
    assert torch.allclose(stretched(torch.ones(2, 40), 1.2, RATE), torch.ones(2, 40), atol=1e-6)


def test_levels_are_exchanged_as_in_the_paper(codec, pair):
    source, reference = pair
    found = convert(codec, reference, source, "levels").speech
    frames = torch.arange(reference.speech.shape[2]) % source.speech.shape[2]
    assert torch.equal(found, torch.cat([reference.speech[:, :1], source.speech[:, 1:, frames]], 1))


def test_levels_of_matching_frames(codec, pair):
    source, reference = pair
    found = convert(codec, source, reference, "matched").speech
    assert found.shape[1] == codec.parametric_levels and torch.equal(found[:, 0], source.speech[:, 0])
    upper = {tuple(frame.tolist()) for frame in reference.speech[0, 1 : codec.parametric_levels].T}
    assert all(tuple(frame.tolist()) in upper for frame in found[0, 1:].T)
    itself = convert(codec, source, source, "matched").speech
    once = [
        place for place, code in enumerate(source.speech[0, 0].tolist()) if (source.speech[0, 0] == code).sum() == 1
    ]
    assert len(once) > 5 and torch.equal(itself[:, :, once], source.speech[:, : codec.parametric_levels, once])


def test_a_codec_without_parametric_levels():
    torch.manual_seed(0)
    plain = DeCodec.from_config(TINY).eval()
    first, second = (plain.encode(0.1 * torch.randn(1, length)) for length in (4000, 9000))
    wav = torch.ones(4000)
    for refused in (lambda: convert(plain, first, second), lambda: listen(plain, [wav]), lambda: voice(plain, first)):
        with pytest.raises(ValueError, match="no parametric levels"):
            refused()
    assert convert(plain, first, second, "matched").speech.shape == first.speech.shape


def test_refusals(codec, pair):
    source, reference = pair
    with pytest.raises(ValueError, match="Unknown method 'magic'"):
        convert(codec, source, reference, "magic")
    with pytest.raises(ValueError, match="The reference must be the codes of one recording"):
        convert(codec, source, codec.encode(torch.randn(2, 4000)))
    with pytest.raises(ValueError, match="The source must be the codes of one recording"):
        convert(codec, replace(source, speech=source.speech[:, :0]), reference)
    with pytest.raises(ValueError, match="first 3 speech levels"):
        convert(codec, replace(source, speech=source.speech[:, :2]), reference)
