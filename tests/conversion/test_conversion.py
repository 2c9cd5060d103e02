"""Voice conversion: envelope and f0 become the reference's, content and timing stay."""

import math
from dataclasses import replace

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.conversion import convert, convert_codes
from espnet2_decodec.conversion.convert import METHODS
from espnet2_decodec.conversion.features import (
    VocoderFeatures,
    cycle_blocks,
    decode_features,
    encode_background,
    extract_features,
    synthesize,
)
from espnet2_decodec.conversion.shift import shift_envelope, shift_f0, shift_voice, warp_envelope

RATE = 16000
MDCT = {
    "backbone": {"n_mels": 20, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 30, "background_dim": 30},
    "quantizer": {"speech_levels": 4, "background_levels": 2, "codebook_size": 256},
}


def vowels(f0, tract, seed, seconds=2.0):
    """[L]: vowels of random formants, scaled by `tract`, at about f0 Hz, with pauses."""
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
    """A small codec whose codebooks were initialized on three voices."""
    torch.manual_seed(0)
    model = DeCodec.from_config(MDCT).eval()
    wavs = torch.stack([vowels(f0, tract, i, 6) for i, (f0, tract) in enumerate([(110, 1), (220, 1.2), (160, 1.1)])])
    with torch.no_grad():
        streams = model.subspace.split(model.latent(wavs))
    for quantizer, stream in zip((model.speech_quantizer, model.background_quantizer), streams):
        quantizer.init_kmeans(stream.transpose(1, 2).flatten(0, 1))
    return model


@pytest.fixture(scope="module")
def pair(codec):
    """Codes of a low voice and of a high one, of different lengths."""
    return codec.encode(vowels(110, 1.0, 10)[None]), codec.encode(vowels(220, 1.2, 11, 3.0)[None])


def test_envelope_and_f0_approach_the_reference_and_level_stays(codec, pair):
    source, reference = pair
    converted = convert_codes(codec, source, reference)
    assert converted.speech.shape == (1, codec.parametric_levels, source.speech.shape[2])
    assert converted.background is source.background and converted.lengths is source.lengths
    assert codec.decode(converted).shape == (1, int(source.lengths[0]))
    before, target, after = (decode_features(codec, codes) for codes in (source, reference, converted))
    medians = [x.pitch[x.is_voiced, 0].median() for x in (before, target, after)]
    assert abs(medians[2] - medians[1]) < 0.2 * abs(medians[0] - medians[1])
    spectra = [x.envelope[x.is_speech].mean(0) for x in (before, target, after)]
    spectra = [x - x.mean() for x in spectra]
    assert (spectra[2] - spectra[1]).norm() < 0.6 * (spectra[0] - spectra[1]).norm()
    levels = torch.stack([x.envelope.mean(1) for x in (before, after)])
    assert torch.corrcoef(levels)[0, 1] > 0.95
    kept = decode_features(codec, convert_codes(codec, source, reference, convert_f0=False))
    assert abs(kept.pitch[kept.is_voiced, 0].median() - medians[0]) < 0.2 * abs(medians[0] - medians[1])


def test_features_of_a_recording_are_those_before_quantization(codec, pair):
    wavs = vowels(110, 1.0, 10), vowels(220, 1.2, 11, 3.0)
    features = tuple(extract_features(codec, wav.split(5000)) for wav in wavs)
    with torch.no_grad():
        whole = codec.subspace.split(codec.latent(wavs[0][None]))[0][0, :22].T
    assert torch.allclose(features[0].coordinates, whole, atol=1e-4)
    decoded = decode_features(codec, pair[0])
    assert decoded.envelope.shape == features[0].envelope.shape
    assert not torch.equal(decoded.envelope, features[0].envelope)
    converted = convert_codes(codec, *pair, features=features)
    assert converted.speech.shape == convert_codes(codec, *pair).speech.shape
    with pytest.raises(ValueError, match="features of the same recording"):
        convert_codes(codec, *pair, features=features[::-1])
    with pytest.raises(ValueError, match="no samples"):
        extract_features(codec, [])


def test_waveforms_are_converted_without_tokens(codec):
    """Exactly as long as the source, in blocks as in one piece, with the voice of the reference."""
    source, reference = vowels(110, 1.0, 10), vowels(220, 1.2, 11, 3.0)
    source = source[: len(source) - 77]
    converted = convert(codec, source[None], reference[None])[0]
    assert converted.shape == source.shape
    features = [extract_features(codec, wav.split(5000)) for wav in (source, reference, converted)]
    assert features[0].num_samples == len(source) and len(features[0].coordinates) == -(-len(source) // codec.hop)
    with torch.no_grad():
        latent = codec.latent(source[None])
        _, background = codec.subspace.split(latent)
        target = shift_voice(*features[:2], RATE).coordinates
        speech = torch.zeros(1, 30, len(target))
        speech[0, : target.shape[1]] = target.T
        length = torch.tensor([len(source)])
        alone = codec.synthesize(codec.subspace.merge(speech, torch.zeros_like(background)), length)[0]
        both = codec.synthesize(codec.subspace.merge(speech, background), length)[0]
    assert torch.allclose(converted, alone, atol=1e-4)
    assert torch.allclose(convert(codec, source[None], reference[None], source[None])[0], both, atol=1e-4)
    assert not torch.allclose(alone, both, atol=1e-2)
    medians = [x.pitch[x.is_voiced, 0].median() for x in (*features[:2], shift_voice(*features[:2], RATE))]
    assert abs(medians[2] - medians[1]) < 0.2 * abs(medians[0] - medians[1])


def test_a_batch_gives_what_its_recordings_give_one_by_one(codec):
    sources = [vowels(110, 1.0, 10, 1.0), vowels(150, 1.1, 12, 1.5)[:-77]]
    references = [vowels(220, 1.2, 11, 1.5), vowels(90, 0.9, 13, 1.0)]
    padded, lengths = [], []
    for recordings in (sources, references):
        padded.append(torch.nn.utils.rnn.pad_sequence(recordings, batch_first=True))
        lengths.append(torch.tensor([len(wav) for wav in recordings]))
    converted = convert(
        codec, *padded, padded[1], lengths=lengths[0], reference_lengths=lengths[1], background_lengths=lengths[1]
    )
    assert converted.shape == padded[0].shape
    for row, source, reference in zip(converted, sources, references):
        assert torch.equal(row[: len(source)], convert(codec, source[None], reference[None], reference[None])[0])
        assert not row[len(source) :].any()


def test_long_recordings_are_synthesized_in_blocks(codec, monkeypatch):
    """The same waveform whatever the size of blocks; a short background is repeated frame by frame, or ends."""
    source, reference = vowels(110, 1.0, 10, 1.0), vowels(220, 1.2, 11, 1.0)
    features = extract_features(codec, [source])
    once = torch.cat(list(encode_background(codec, [reference[:3200]])))
    assert once.shape == (10, 30)
    whole = torch.cat(list(synthesize(codec, features, cycle_blocks(lambda: [once]))))
    ended = torch.cat(list(synthesize(codec, features, [once])))
    monkeypatch.setattr("espnet2_decodec.codec.streaming.coordinates.BLOCK_FRAMES", 7)
    blocks = torch.cat(list(synthesize(codec, features, cycle_blocks(lambda: once.split(3)))))
    assert torch.allclose(blocks, whole, atol=1e-5)
    assert not torch.allclose(ended, whole, atol=1e-3) and ended.shape == whole.shape == source.shape
    with pytest.raises(ValueError, match="without frames"):
        list(synthesize(codec, features, cycle_blocks(list)))


def test_conversion_to_the_same_voice_changes_nothing(codec, pair):
    features = decode_features(codec, pair[0])
    features = replace(
        features, envelope=features.envelope.clamp(min=0)
    )  # decoded values may be slightly below silence
    assert torch.allclose(shift_envelope(features, features, RATE), features.envelope, atol=1e-6)
    assert torch.equal(shift_f0(features, features), features.pitch)


def test_silence(codec, pair):
    silent = codec.encode(torch.zeros(1, 8000))
    with pytest.raises(ValueError, match="no speech in the reference"):
        convert_codes(codec, pair[0], silent)
    with pytest.raises(ValueError, match="no speech in the reference"):
        convert(codec, vowels(110, 1.0, 10)[None], torch.zeros(1, 8000))
    quiet = convert_codes(codec, silent, pair[1])
    assert decode_features(codec, quiet).envelope.mean() <= decode_features(codec, silent).envelope.mean() + 0.01
    nothing = VocoderFeatures(
        torch.zeros(3, 20), torch.zeros(3, 2), *torch.zeros(2, 3, dtype=torch.bool), 960, torch.zeros(3, 0)
    )
    assert torch.equal(shift_envelope(nothing, decode_features(codec, pair[1]), RATE), nothing.envelope)


def test_warping_moves_formants():
    bands = torch.arange(40.0)
    envelope = torch.exp(-((bands - 20) / 2).square())[None]
    assert torch.equal(warp_envelope(envelope, 1.0, RATE), envelope)
    assert warp_envelope(envelope, 1.2, RATE).argmax() > 20 > warp_envelope(envelope, 0.85, RATE).argmax()
    assert torch.allclose(warp_envelope(torch.ones(2, 40), 1.2, RATE), torch.ones(2, 40), atol=1e-6)


def test_codes_are_swapped_as_in_the_paper(codec, pair):
    source, reference = pair
    converted = convert_codes(codec, reference, source, "swap_codes").speech
    frames = torch.arange(reference.speech.shape[2]) % source.speech.shape[2]
    assert torch.equal(converted, torch.cat([reference.speech[:, :1], source.speech[:, 1:, frames]], 1))


def test_codes_of_the_nearest_frames(codec, pair):
    source, reference = pair
    converted = convert_codes(codec, source, reference, "knn_codes").speech
    assert converted.shape[1] == codec.parametric_levels and torch.equal(converted[:, 0], source.speech[:, 0])
    upper = {tuple(frame.tolist()) for frame in reference.speech[0, 1 : codec.parametric_levels].T}
    assert all(tuple(frame.tolist()) in upper for frame in converted[0, 1:].T)
    itself = convert_codes(codec, source, source, "knn_codes").speech
    first = source.speech[0, 0]
    once = [place for place, code in enumerate(first.tolist()) if (first == code).sum() == 1]
    assert len(once) > 5 and torch.equal(itself[:, :, once], source.speech[:, : codec.parametric_levels, once])


def test_a_codec_without_parametric_levels():
    torch.manual_seed(0)
    plain = DeCodec.from_config(TINY).eval()
    first, second = (plain.encode(0.1 * torch.randn(1, length)) for length in (4000, 9000))
    wav = torch.ones(1, 4000)
    for refused in (
        lambda: convert_codes(plain, first, second),
        lambda: extract_features(plain, wav),
        lambda: decode_features(plain, first),
        lambda: convert(plain, wav, wav),
    ):
        with pytest.raises(ValueError, match="no parametric levels"):
            refused()
    assert convert_codes(plain, first, second, "knn_codes").speech.shape == first.speech.shape


def test_errors(codec, pair):
    source, reference = pair
    with pytest.raises(ValueError, match="Unknown method 'magic'"):
        convert_codes(codec, source, reference, "magic")
    with pytest.raises(ValueError, match="The reference must be the codes of one recording"):
        convert_codes(codec, source, codec.encode(torch.randn(2, 4000)))
    with pytest.raises(ValueError, match="The source must be the codes of one recording"):
        convert_codes(codec, replace(source, speech=source.speech[:, :0]), reference)
    with pytest.raises(ValueError, match="first 3 speech levels"):
        convert_codes(codec, replace(source, speech=source.speech[:, :2]), reference)
    for method in METHODS:
        for bad in (source.speech + 300, source.speech - 300, source.speech.repeat(1, 2, 1)):
            for codes in ((replace(source, speech=bad), source), (source, replace(source, speech=bad))):
                with pytest.raises(ValueError, match=r"outside 0\.\.255|8 speech levels"):
                    convert_codes(codec, *codes, method)
        with pytest.raises(ValueError, match="8000 Hz"):
            convert_codes(codec, source, replace(reference, sample_rate=8000), method)
        with pytest.raises(TypeError, match="must be Codes"):
            convert_codes(codec, source.speech, reference, method)
    wav = torch.ones(2, 4000)
    with pytest.raises(ValueError, match="2 recordings, 1 references, 2 backgrounds"):
        convert(codec, wav, wav[:1])
    with pytest.raises(ValueError, match="at least one sample"):
        convert(codec, wav[:, :0], wav)
