"""The codec task, run as a user runs it, on a tiny model."""

import importlib
import os
import pickle
from argparse import Namespace

import pytest
import torch
import yaml
from espnet2.bin.gan_codec_inference import AudioCoding

from espnet2_decodec.bin import codec_train
from espnet2_decodec.bin.codec_train import main
from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.espnet.baseline_codecs import baseline_options, check_lengths
from espnet2_decodec.espnet.check_training import check_training
from espnet2_decodec.espnet.checkpoint import export, read_weights
from espnet2_decodec.espnet.codec_task import DeCodecTask
from espnet2_decodec.espnet.trainer import DeCodecTrainer

pytestmark = pytest.mark.slow

TINY_SOUNDSTREAM = """
codec: soundstream
codec_conf:
  sampling_rate: 16000
  use_dual_decoder: false
  generator_params: {hidden_dim: 8, encdec_n_filters: 2, encdec_lstm: 0, quantizer_n_q: 2, quantizer_bins: 16,
                     quantizer_kmeans_iters: 2, quantizer_target_bandwidth: [0.2, 0.4]}
  discriminator_params:
    scales: 1
    scale_discriminator_params: {channels: 8, max_downsample_channels: 16, max_groups: 2}
    complexstft_discriminator_params: {channels: 2, n_fft: 256, hop_length: 64, win_length: 256}
best_model_criterion: [[valid, mel_loss, min]]
preprocessor_conf: {segment_length: 8000, valid_length: 8000}
batch_size: 2
num_iters_per_epoch: 3
max_epoch: 1
num_workers: 0
iterator_type: chunk
valid_iterator_type: sequence
chunk_length: 4160
scheduler_conf: {first_cycle_steps: 100}
scheduler2_conf: {first_cycle_steps: 100}
"""


def test_a_resumed_training_gives_the_weights_of_one_that_was_never_stopped(trained, options, tmp_path):
    cycle = "first_cycle_steps=13"
    for epochs in ("1", "2"):
        main(
            [*options, "--output_dir", str(tmp_path), "--num_workers", "2", "--max_epoch", epochs, "--resume", "true",
             "--scheduler_conf", cycle, "--scheduler2_conf", cycle]
        )  # fmt: skip
    straight, resumed = (read_weights(folder / "2epoch.pth") for folder in (trained, tmp_path))
    assert straight.keys() == resumed.keys() and int(straight["codec.steps"]) == 12
    assert [name for name in straight if not torch.equal(straight[name], resumed[name])] == []


def test_the_codebooks_were_initialized_and_used(trained):
    weights = read_weights(trained / "2epoch.pth")
    counts = [value for name, value in weights.items() if "speech_quantizer" in name and name.endswith(".counts")]
    assert len(counts) == 3 and all(value.std() > 0 for value in counts)


def test_the_config_of_an_experiment_contains_all_options(trained):
    conf = yaml.safe_load((trained / "config.yaml").read_text())["codec_conf"]
    assert (
        conf["codec"]["sample_rate"] == 16000
        and conf["schedule"]["unquantized_steps"] == 4
        and "mel" in conf["weights"]
    )


@pytest.mark.compat
def test_export_gives_the_codec_of_the_experiment(trained, tmp_path):
    best = str(trained / "valid.distance.best.pth")
    run_step("export_codec", ["--train_config", str(trained / "config.yaml"), "--model_file", best, str(tmp_path)])
    model, _ = DeCodecTask.build_model_from_file(trained / "config.yaml", best)
    wav = 0.1 * torch.randn(1, 5000)
    ours, theirs = DeCodec.from_pretrained(tmp_path).encode(wav), model.eval().encode(wav)
    assert torch.equal(torch.cat([ours.speech, ours.background], 1).transpose(0, 1), theirs)


def test_loading_names_missing_and_unexpected_weights(trained, tmp_path):
    weights = read_weights(trained / "2epoch.pth")
    weights["codec.generator.codec.other"] = weights.pop("codec.generator.codec.subspace.weight")
    torch.save(weights, tmp_path / "renamed.pth")
    for load in (
        lambda: DeCodecTask.build_model_from_file(trained / "config.yaml", tmp_path / "renamed.pth"),
        lambda: export(trained / "config.yaml", tmp_path / "renamed.pth", tmp_path / "model"),
    ):
        with pytest.raises(ValueError, match=r"1 missing \(.*subspace.weight\); 1 unexpected \(.*other\)"):
            load()


@pytest.mark.compat
def test_espnets_own_program_codes_with_it(trained):
    coding = AudioCoding(trained / "config.yaml", trained / "2epoch.pth")
    result = coding(torch.randn(3300) * 0.1)
    assert result["codes"].shape == (5, 1, 11) and result["resyn_audio"].shape == (11 * 320,)
    assert coding.fs == 16000


def test_check_training_finds_trainings_without_steps(trained, tmp_path, capsys):
    assert check_training(trained).endswith(
        "2 epochs, 12 steps, best model " + check_training(trained).split("model ")[1]
    )
    run_step("check_training", [str(trained)])
    assert "12 steps" in capsys.readouterr().out
    with pytest.raises(ValueError, match="no epoch was finished"):
        run_step("check_training", [str(tmp_path)])
    (tmp_path / "epochs.jsonl").write_text((trained / "epochs.jsonl").read_text())
    with pytest.raises(ValueError, match="no best model"):
        check_training(tmp_path)


@pytest.mark.compat
def test_espnets_codecs_train_on_the_same_mixtures_with_the_chunk_iterator(options, tmp_path):
    (tmp_path / "soundstream.yaml").write_text(TINY_SOUNDSTREAM)
    main([*options, "--config", str(tmp_path / "soundstream.yaml"), "--output_dir", str(tmp_path / "exp")])
    assert "1 epochs" in check_training(tmp_path / "exp")
    model, args = DeCodecTask.build_model_from_file(model_file=tmp_path / "exp" / "1epoch.pth")
    assert args.codec_conf["generator_params"]["encdec_ratios"] == [8, 5, 4, 2], "the defaults are kept with it"
    assert model.meta_info()["fs"] == 16000
    codes = AudioCoding(tmp_path / "exp" / "config.yaml", tmp_path / "exp" / "1epoch.pth")(torch.randn(3200))["codes"]
    assert codes.shape == (2, 1, 10), "ESPnet's own program reads the experiment, too"


def test_options_of_espnets_codecs_are_copies():
    given = {"generator_params": {"hidden_dim": 16}}
    first = baseline_options("dac", given)
    first["generator_params"]["sample_rate"] = 1
    assert given == {"generator_params": {"hidden_dim": 16}}
    assert "sample_rate" not in baseline_options("dac", given)["generator_params"]
    with pytest.raises(ValueError, match="has no option nonsense"):
        baseline_options("dac", {"nonsense": 1})
    with pytest.raises(ValueError, match="default discriminator_params of ESPnet's encodec does not work"):
        baseline_options("encodec", {})
    check_lengths(baseline_options("dac", {}), 16000)
    with pytest.raises(ValueError, match="multiples of 320 samples only, not 4000"):
        check_lengths(baseline_options("dac", {}), 4000)


def test_options_that_gan_training_cannot_follow_are_refused():
    fine = {
        "accum_grad": 1, "codec": "soundstream", "precision": "fp32", "use_amp": False, "ngpu": 1, "distributed": False,
        "skip_discriminator_prob": 0.5,
    }  # fmt: skip
    for change, message in (
        ({"accum_grad": 2}, "accum_grad must be 1 with --codec soundstream"),
        ({"precision": "bf16", "use_amp": True}, "use_amp is float16"),
        ({"ngpu": 2}, "multiprocessing_distributed true"),
        ({"distributed": True}, "skip_discriminator_prob must be 0"),
    ):
        with pytest.raises(ValueError, match=message):
            DeCodecTrainer.build_options(Namespace(**{**fine, **change}))


def test_a_training_without_steps_fails(options, tmp_path):
    with pytest.raises(RuntimeError, match="no train batches"):
        main([*options, "--output_dir", str(tmp_path), "--iterator_type", "chunk", "--chunk_length", "99999",
              "--scheduler_conf", "first_cycle_steps=9", "--scheduler2_conf", "first_cycle_steps=9"])  # fmt: skip


def test_spawned_processes_find_the_task():
    assert pickle.loads(pickle.dumps(DeCodecTask.main_worker)).__self__ is DeCodecTask
    assert DeCodecTask.main_worker.__self__.__module__ == "espnet2_decodec.espnet.codec_task"


def test_the_program_limits_threads_by_default(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    importlib.reload(codec_train)
    assert os.environ["OMP_NUM_THREADS"] == "1"
