"""The mdct backbone: transparent before training, local in time, the same alone and in a batch."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.dsp.overlap_add import frame_signal
from espnet2_decodec.codec.streaming import concatenate, decode_blocks, encode_blocks, separate_blocks

SMALL = dict(dim=36, n_mels=4, channels=16, encoder_blocks=2, decoder_blocks=1)
FULL = dict(dim=2 * (320 + 10), n_mels=8, channels=16, encoder_blocks=1, decoder_blocks=1)


def trained(causal: bool = False, **options) -> MDCTBackbone:
    """A backbone with random correction networks."""
    torch.manual_seed(0)
    backbone = MDCTBackbone(**{**SMALL, **options}, causal=causal).eval()
    for layer in (backbone.encoder.out_proj, backbone.decoder.out_proj):
        torch.nn.init.normal_(layer.weight, std=0.1)
    return backbone


def hum(f0: float, gain: float = 0.1, seconds: int = 2) -> torch.Tensor:
    """[1, L] of the first harmonics of f0."""
    time = torch.arange(16000 * seconds) / 16000
    return gain * sum(torch.sin(2 * torch.pi * f0 * k * time) / k for k in range(1, 9))[None]


def test_untrained_with_all_bands_coded_it_is_the_identity():
    backbone, wav = MDCTBackbone(**FULL), torch.randn(2, 3200) * 0.1
    torch.testing.assert_close(backbone.decode(backbone.encode(wav)), wav, atol=1e-5, rtol=0)


def test_untrained_stems_are_half_the_mixture_each():
    backbone, wav = MDCTBackbone(**FULL), torch.randn(1, 3200) * 0.1
    latent = backbone.encode(wav)
    latent[:, 330:] = 0
    torch.testing.assert_close(backbone.decode(latent), wav / 2, atol=1e-5, rtol=0)
    torch.testing.assert_close(backbone.stems(wav), torch.stack([wav, wav], 1) / 2, atol=1e-6, rtol=0)


def test_stems_add_up_to_the_mixture():
    backbone, wav = trained(), torch.randn(2, 12 * 320) * 0.1
    stems = backbone.stems(wav)
    assert (stems[:, 0] - stems[:, 1]).abs().max() > 0.01
    torch.testing.assert_close(stems.sum(1), wav, atol=1e-5, rtol=0)


def test_the_envelope_has_the_level_of_each_mdct_band():
    """Interpolated at the MDCT bands it is their root mean square within 2 dB, except at the top."""
    backbone = MDCTBackbone(dim=84, n_mels=32, channels=16, encoder_blocks=1, decoder_blocks=1)
    slope = torch.linspace(0, -40, 16001)
    wav = torch.fft.irfft(torch.fft.rfft(torch.randn(1, 32000)) * 10 ** (slope / 20), n=32000) * 0.1
    envelope = backbone.target_latent(wav)[:, :32].transpose(1, 2)
    amplitudes = backbone.mel_floor * torch.expm1(envelope / backbone.mel_scale) @ backbone.mel_to_mdct
    bands = frame_signal(wav, 640, 320) @ backbone.mdct
    ratio = amplitudes.square().mean((0, 1)).sqrt() / bands.square().mean((0, 1)).sqrt()
    assert (20 * torch.log10(ratio.view(-1, 20).mean(1))[:-1]).abs().max() < 2


def test_bands_above_the_coded_ones_are_synthesized_as_noise_of_the_right_power():
    """Within 2 dB of the input's power, and as uncorrelated from frame to frame as noise."""
    backbone = MDCTBackbone(dim=260, n_mels=32, channels=16, encoder_blocks=1, decoder_blocks=1)
    wav = torch.randn(1, 64000) * 0.1
    latent = torch.cat([backbone.target_latent(wav), torch.zeros(1, 130, 200)], dim=1)
    upper = (frame_signal(backbone.decode(latent), 640, 320) @ backbone.mdct)[0, 2:-2, 96:]
    wanted = (frame_signal(wav, 640, 320) @ backbone.mdct)[0, 2:-2, 96:]
    assert abs(10 * torch.log10(upper.square().mean() / wanted.square().mean())) < 2
    assert torch.cosine_similarity(upper[1:], upper[:-1], dim=1).abs().mean() < 0.1


def test_envelope_and_pitch_alone_are_decoded_at_that_pitch():
    """With a network that only adds pulses, a hum without MDCT coefficients has the same f0."""
    backbone = MDCTBackbone(dim=260, n_mels=32, channels=16, encoder_blocks=1, decoder_blocks=1)
    backbone.decoder.out_proj.bias.data.view(2, -1)[:, 2 * 96 : 2 * 96 + 32] = 1  # pulses
    target = backbone.target_latent(hum(170.0))
    target[:, backbone.parametric_dim :] = 0
    decoded = backbone.decode(torch.cat([target, torch.zeros_like(target)], dim=1))
    f0, voiced = backbone.pitch.decode(backbone.target_latent(decoded)[0, 32:34].T[3:-3])
    assert voiced.all() and (f0 / 170 - 1).abs().max() < 0.02


def test_energy_of_the_coded_bands_is_not_synthesized_again():
    """With noise wherever the bands have less energy than the envelope: all power without bands, much less with them.

    An MDCT coefficient fluctuates around its envelope, so the residual is small and not zero.
    """
    backbone = MDCTBackbone(dim=2 * (320 + 34), n_mels=32, channels=16, encoder_blocks=1, decoder_blocks=1)
    backbone.decoder.out_proj.bias.data.view(2, -1)[:, -32:] = 1  # noise
    wav = 0.1 * torch.randn(1, 64000, generator=torch.Generator().manual_seed(0))
    target = backbone.target_latent(wav)
    empty = torch.cat([target[:, :34], torch.zeros_like(target[:, 34:])], dim=1)
    rest = torch.zeros_like(target)
    decoded = [backbone.decode(torch.cat([speech, rest], dim=1)) for speech in (target, empty)]
    levels = [10 * torch.log10(x.detach().square().mean() / wav.square().mean()) for x in decoded]
    assert 0 < levels[0] < 2.2 and abs(levels[1]) < 1.5  # 3 if all of it were synthesized


def test_highband_gain_applies_to_frames_without_coded_bands():
    wav = 0.1 * torch.randn(1, 32000, generator=torch.Generator().manual_seed(0))
    sounds = []
    for gain in (1.0, 2.0):
        backbone = MDCTBackbone(dim=260, n_mels=32, channels=16, encoder_blocks=1, decoder_blocks=1, highband_gain=gain)
        target = backbone.target_latent(wav)
        empty = target.clone()
        empty[:, backbone.parametric_dim :] = 0
        sounds.append([backbone.decode_components(torch.cat([x, torch.zeros_like(x)], 1))[1] for x in (target, empty)])
    assert torch.equal(sounds[0][0], sounds[1][0])
    torch.testing.assert_close(2 * sounds[0][1], sounds[1][1], atol=1e-5, rtol=1e-4)


def test_the_synthesized_component_lies_above_the_coded_bands_and_adds_up():
    backbone, latent = trained(), torch.randn(2, 36, 20) * 0.1
    coded, synthesized = backbone.decode_components(latent)
    torch.testing.assert_close(coded + synthesized, backbone.decode(latent), atol=1e-6, rtol=1e-4)
    spectrum = torch.fft.rfft(synthesized)  # the lowest 12 of 320 bands are coded: 120 of 3200 bins
    assert synthesized.abs().max() > 1e-4 and spectrum[:, :80].abs().max() < 0.1 * spectrum.abs().max()


def parametric(backbone: MDCTBackbone, wav: torch.Tensor) -> torch.Tensor:
    """[T, P] of a recording, without its ends."""
    return backbone.target_latent(wav)[0, : backbone.parametric_dim].T[3:-3]


def test_scale_factors_are_larger_at_the_harmonics():
    backbone = MDCTBackbone(dim=260, n_mels=32, channels=16, encoder_blocks=1, decoder_blocks=1)
    bands = backbone.scale_factors(parametric(backbone, hum(200.0))).mean(0)[:64].view(-1, 8)  # of 25 Hz each
    at, between = bands[1:-1, [7, 0]].log().mean(1), bands[1:-1, [3, 4]].log().mean(1)
    assert (at[:3] - between[:3] > 0.5).all()  # the harmonic of each eight of bands lies between its last and the next
    noise = 0.1 * torch.randn(1, 32000, generator=torch.Generator().manual_seed(0))
    rough = backbone.scale_factors(parametric(backbone, noise)).log()
    assert (rough[:, 1:] - rough[:, :-1]).abs().max() < 0.5


def test_the_gain_follows_the_norm_of_the_coefficients():
    """So the relative error of the quantizer is the same in loud and in quiet frames."""
    backbone = MDCTBackbone(dim=260, n_mels=32, channels=16, encoder_blocks=1, decoder_blocks=1)
    for gain in (0.5, 0.05, 0.005):
        target = backbone.target_latent(hum(170.0, gain))[0].T[3:-3]
        gains, norms = backbone.gain(target[:, :34])[:, 0], target[:, 34:].norm(dim=1)
        assert (20 * torch.log10(gains / norms)).abs().max() < 6
    silence = torch.zeros(1, backbone.parametric_dim)
    assert (backbone.scale_factors(silence) > 1e-3).all() and (backbone.scale_factors(silence) < 0.1).all()


def test_silence_in_a_stream_is_silence_out():
    backbone = trained()
    assert backbone.target_latent(torch.zeros(1, 3200)).abs().max() < 1e-3
    assert backbone.decode(torch.zeros(1, 36, 10)).abs().max() == 0


@pytest.mark.parametrize("level", [-20.0, -60.0])
def test_the_envelope_gives_the_power_of_a_stem(level):
    """Within 2 dB for noise, and zero for silence."""
    wav = 10 ** (level / 20) * torch.randn(1, 50 * 320)
    backbone = MDCTBackbone(200, n_mels=40, channels=16, encoder_blocks=1, decoder_blocks=1)
    powers = backbone.frame_power(backbone.target_latent(wav))[0, 1:-1]
    assert abs(float(10 * powers.mean().log10()) - level) < 2
    assert float(backbone.frame_power(backbone.target_latent(0 * wav)).max()) < 1e-12


@pytest.mark.parametrize("causal", [False, True])
def test_an_encoder_output_depends_on_its_receptive_field_only(causal):
    backbone = trained(causal)
    (left, right), _ = backbone.receptive_field
    wav = torch.randn(1, 150 * 320, requires_grad=True)
    frame = 90
    backbone.encode(wav)[0, :, frame].square().sum().backward()
    touched = wav.grad[0].view(150, 320).abs().sum(1).nonzero()[:, 0]
    assert touched.min() >= frame - left and touched.max() <= frame + right
    assert touched.min() == frame - left, "the stated receptive field is too large"


@pytest.mark.parametrize("causal", [False, True])
def test_a_decoder_output_depends_on_its_receptive_field_only(causal):
    backbone = trained(causal)
    _, (left, right) = backbone.receptive_field
    latent = torch.randn(1, 36, 60, requires_grad=True)
    backbone.decode(latent)[0, 30 * 320 : 31 * 320].square().sum().backward()
    touched = latent.grad[0].abs().sum(0).nonzero()[:, 0]
    assert touched.min() >= 30 - left and touched.max() <= 30 + right


def test_causal_output_never_depends_on_samples_beyond_the_stated_latency():
    backbone = trained(causal=True)
    wav = torch.randn(1, 40 * 320)
    changed = wav.clone()
    changed[:, 25 * 320 :] += 1
    with torch.no_grad():
        a, b = (backbone.decode(backbone.encode(x)) for x in (wav, changed))
    same = 25 * 320 - backbone.latency
    torch.testing.assert_close(a[:, :same], b[:, :same], atol=1e-6, rtol=0)


@pytest.mark.parametrize("causal", [False, True])
def test_a_padded_batch_gives_what_one_by_one_gives(causal):
    backbone = trained(causal)
    mask = torch.arange(12) < torch.tensor([[12], [7], [1]])
    wav = torch.randn(3, 12 * 320) * mask.repeat_interleave(320, dim=1)
    with torch.no_grad():
        latent = backbone.encode(wav, mask)
        decoded = backbone.decode(latent, mask)
        for i, frames in enumerate(mask.sum(1).tolist()):
            alone = backbone.encode(wav[i : i + 1, : frames * 320])
            torch.testing.assert_close(latent[i : i + 1, :, :frames], alone, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(decoded[i : i + 1, : frames * 320], backbone.decode(alone), atol=1e-5, rtol=1e-4)


def test_blocks_give_what_the_whole_gives():
    torch.manual_seed(0)
    config = {
        "backbone": {"n_mels": 4, "channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
        "split": {"speech_dim": 18, "background_dim": 18},
        "quantizer": {"speech_levels": 5, "background_levels": 4, "codebook_size": 16},
    }
    codec = DeCodec.from_config(config).eval()
    codec.backbone.load_state_dict(trained(encoder_blocks=1).state_dict())
    voice = 0.1 * torch.sin(torch.arange(48001) * (2 * torch.pi * 140 / 16000))  # its phase accumulates across blocks
    wav = 0.01 * torch.randn(1, 48001) + voice * (torch.arange(48001) % 9000 > 2000)
    whole = codec.encode(wav)
    parts = list(encode_blocks(codec, wav[0].split(5000)))
    assert (concatenate(parts).speech == whole.speech).float().mean() > 0.999
    decoded = torch.cat(list(decode_blocks(codec, iter([whole]))))
    torch.testing.assert_close(decoded, codec.decode(whole)[0], atol=1e-4, rtol=0)
    pieces = list(separate_blocks(codec, wav[0].split(5000), quantize=False, frames=7))
    for name, stem in vars(codec.separate(wav, quantize=False)).items():
        torch.testing.assert_close(torch.cat([getattr(p, name) for p in pieces], 1), stem, atol=1e-4, rtol=0)


def test_stems_of_a_padded_batch_are_those_of_one_by_one():
    codec = DeCodec.from_config({"backbone": {"channels": 16, "encoder_blocks": 1, "decoder_blocks": 1}}).eval()
    torch.nn.init.normal_(codec.backbone.encoder.out_proj.weight, std=0.1)
    lengths = torch.tensor([4000, 1, 321])
    wav = torch.randn(3, 4000) * 0.1
    both = codec.separate(wav, lengths, quantize=False)
    for i, length in enumerate(lengths.tolist()):
        alone = codec.separate(wav[i : i + 1, :length], quantize=False)
        torch.testing.assert_close(both.speech[i, :length], alone.speech[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(both.background[i, :length], alone.background[0], atol=1e-5, rtol=0)
        assert not both.speech[i, length:].any()


def test_gradients_are_finite_on_silence():
    backbone = trained().train()
    wav = torch.zeros(1, 3200)
    backbone.decode(backbone.encode(wav)).square().sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in backbone.parameters())


def test_the_level_of_a_recording_does_not_change_its_masks():
    backbone = trained()
    wav = torch.randn(1, 40 * 320) * 0.3
    with torch.no_grad():
        loud, quiet = (backbone.encode(x) for x in (wav, wav / 10))
    quiet, loud = (x.unflatten(1, (2, 18))[:, :, 6:] for x in (quiet, loud))
    torch.testing.assert_close(quiet * 10**0.5, loud, rtol=0.02, atol=0.04)


@pytest.mark.parametrize("options", [{"dim": 33}, {"dim": 700}, {"dim": 8}, {"kernel": 4}, {"encoder_kernel": 4}])
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError):
        MDCTBackbone(**{**SMALL, **options})
