"""Options of the ESPnet tasks: YAML and the command line are read alike, and wrong ones are refused in one line."""

import pytest

from espnet2_decodec.espnet.asr_task import DeCodecASRTask
from espnet2_decodec.espnet.codec_task import DeCodecTask
from espnet2_decodec.espnet.tts_task import DeCodecTTSTask

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("task", [DeCodecTask, DeCodecASRTask, DeCodecTTSTask])
def test_numbers_with_exponents_are_numbers(task, tmp_path):
    (tmp_path / "conf.yaml").write_text("optim_conf: {lr: 5e-4, eps: 1e-8}\ngrad_clip: 1e1\nmodel_conf: {a: [1e2]}\n")
    args = task.get_parser().parse_args(
        ["--config", str(tmp_path / "conf.yaml"), "--optim_conf", "lr=3e-4", "--model_conf", "b.c=2e-1"]
    )
    assert args.optim_conf == {"lr": 0.0003, "eps": 1e-8} and args.grad_clip == 10.0
    assert args.model_conf == {"a": [100.0], "b": {"c": 0.2}}


@pytest.mark.parametrize("task", [DeCodecTask, DeCodecASRTask, DeCodecTTSTask])
def test_defaults_can_be_asked_for_in_a_program_with_arguments_of_its_own(task, monkeypatch):
    """As espnetez does."""
    monkeypatch.setattr("sys.argv", ["my_program", "my_folder", "--my_option", "3"])
    assert task.get_default_config()["max_epoch"] == 40
    assert task.get_parser().parse_known_args()[1] == ["my_folder", "--my_option", "3"]


def test_a_section_of_the_command_line_may_be_a_dict_and_changes_no_default():
    parse = DeCodecTask.get_parser().parse_args
    assert parse(["--mixing_conf", "{snr: [0, 1e1], clip_prob: 0}"]).mixing_conf == {"snr": [0, 10.0], "clip_prob": 0}
    assert parse(["--mixing_conf", "{'snr': None}"]).mixing_conf == {"snr": None}
    assert parse(["--optim_conf", "lr=1"]).optim_conf["lr"] == 1 and parse([]).optim_conf["lr"] == 1e-3


def test_the_config_of_a_file_has_the_types_of_the_command_line(tmp_path):
    (tmp_path / "conf.yaml").write_text(
        "keep_nbest_models: 3\nbest_model_criterion: [[valid, mel, min]]\nvalid_batch_size: null\nresume: true\n"
        "train_data_path_and_name_and_type: [[a.scp, audio, sound]]\n"
    )
    args = DeCodecTask.get_parser().parse_args(["--config", str(tmp_path / "conf.yaml")])
    assert args.keep_nbest_models == [3] and list(args.best_model_criterion) == [("valid", "mel", "min")]
    assert args.valid_batch_size is None and args.resume is True
    assert args.train_data_path_and_name_and_type == [("a.scp", "audio", "sound")]


@pytest.mark.parametrize(
    "words, message",
    [
        (["--optim_cnf", "lr=1"], "unrecognized arguments: --optim_cnf lr=1; did you mean --optim_conf; see --help."),
        (["--optim_conf", "lr"], "argument --optim_conf: a change is KEY=VALUE, not 'lr'; see --help."),
        (["--optim_conf", "lr=.nan"], "argument --optim_conf: lr=.nan: .nan is not a finite number. See --help."),
        (["--grad_clip", "nan"], "argument --grad_clip: must be a finite number, not nan; see --help."),
        (["--config", "none.yaml"], "none.yaml: No such file or directory; see --help."),
        ([], "the following arguments are required: --output_dir; see --help."),
    ],
)
def test_words_that_the_parser_refuses(refused, words, message):
    assert refused(DeCodecTask, words, status=2) == message


@pytest.mark.parametrize(
    "content, message",
    [
        ("- a\n", " must hold lines KEY: VALUE."),
        ("a: 1\nb: [1\nc: 2\n", ", line 3: expected ',' or ']', but got ':'."),
        ("seed: 1\nseed: 2\n", ", line 2: the key 'seed' occurs twice."),
        ("optim_cnf: {lr: 1}\n", " has no option 'optim_cnf'. Did you mean optim_conf?"),
        ("batch_size: abc\n", ": batch_size must be an integer, not 'abc'."),
        ("batch_size: 2.5\n", ": batch_size must be an integer, not 2.5."),
        ("grad_clip: a\n", ": grad_clip must be a number, not 'a'."),
        ("resume: maybe\n", ": resume must be true or false, not 'maybe'."),
        ("optim_conf: 3\n", ": optim_conf must be a section with lines KEY: VALUE, not 3."),
        ("iterator_type: sequenze\n", ": iterator_type must be one of sequence, category, chunk, task, none, not"),
        ("best_model_criterion: [valid, mel, min]\n", ": best_model_criterion must be as in --help of"),
        ("val_scheduler_criterion: [valid]\n", ": val_scheduler_criterion must be a list of 2, not ['valid']."),
    ],
)
def test_config_files_that_the_parser_refuses(refused, tmp_path, content, message):
    (tmp_path / "conf.yaml").write_text(content)
    error = refused(DeCodecTask, ["--config", tmp_path / "conf.yaml"], status=2)
    assert error.startswith(f"{tmp_path / 'conf.yaml'}{message}")


@pytest.mark.parametrize(
    "words, message",
    [
        ("--optim_conf lrr=1", "optim_conf has no option 'lrr'. Did you mean lr?"),
        ("--optim_conf lr=fast", "optim_conf.lr must be a finite number, not 'fast'."),
        ("--optim2_conf lr=-1e-3", "optim2_conf.lr must be above 0, not -0.001."),
        ("--scheduler_conf warmup_step=1", "scheduler_conf has no option 'warmup_step'. Did you mean warmup_steps?"),
        ("--scheduler_conf warmup_steps=a", "scheduler_conf.warmup_steps must be an integer, not 'a'."),
        ("--batch_size 0", "batch_size must be at least 1, not 0."),
        ("--max_epoch 0", "max_epoch must be at least 1, not 0."),
        ("--keep_nbest_models 0", "keep_nbest_models must be at least 1, not [0]."),
        ("--seed -1", "seed must be at least 0, not -1."),
        ("--ngpu 99", "ngpu is 99, but"),
        ("--train_dtype float64", "train_dtype must be float32, not float64."),
        ("--best_model_criterion vald,mel,min", "best_model_criterion must be of (train|valid),NAME,(min|max)"),
        (
            "--best_model_criterion valid,distanc,min",
            "best_model_criterion: there is no value 'distanc' in validation.",
        ),
        ("--codec_conf codecs={}", "codec_conf has no option 'codecs'. Did you mean codec?"),
        ("--codec_conf codec=3", "codec_conf.codec must be a section or null, not 3."),
        ("--codec_conf codec.backbone.n_mel=4", "Unknown backbone option 'n_mel'"),
        ("--codec_conf codec.backbone.channels=a", "backbone.channels must be a whole number within"),
        ("--codec_conf codec.quantizer.speech_levels=a", "quantizer.speech_levels must be a whole number within"),
        ("--codec_conf weights.snr=a", "codec_conf.weights must be a section of finite numbers or null"),
        ("--codec_conf schedule.freze=[]", "schedule has no option 'freze'. Did you mean freeze?"),
        ("--codec_conf teacher=whispr", "There is no teacher 'whispr'"),
        ("--codec_conf discriminator.windows=a", "discriminator.windows must be a list, not 'a'."),
        ("--model_conf x=1", "model_conf has no option 'x'."),
        ("--mixing_conf snrs=[0,1]", "mixing_conf has no option 'snrs'. Did you mean snr?"),
        ("--mixing_conf snr=[5,1]", "mixing_conf.snr must be a range of 2 numbers, the lower one first, not [5, 1]."),
        ("--preprocessor_conf segment_lengt=1", "preprocessor_conf has no option 'segment_lengt'."),
        (
            "--preprocessor_conf segment_length=a",
            "preprocessor_conf.segment_length must be an integer or null, not 'a'",
        ),
        ("--preprocessor_conf speed_range=[0,1]", "speed_range must be above 0, not [0, 1]."),
        ("--preprocessor_conf speech_sampler.noisy_weight=a", "preprocessor_conf.speech_sampler.noisy_weight must be"),
        ("--preprocessor_conf background_scp=none.scp", "none.scp is not there: prepare the data first."),
        (
            "--freeze_param codec.generatr",
            "freeze_param: the model has no part 'codec.generatr'. Did you mean codec.gen",
        ),
    ],
)
def test_options_of_the_codec_task(refused, options, tmp_path, words, message):
    command = [*options, "--output_dir", tmp_path, "--num_workers", "0", "--max_epoch", "1", *words.split()]
    assert refused(DeCodecTask, command).startswith(message)


@pytest.mark.parametrize(
    "words, message",
    [
        ("--frontend_conf featur=speech", "frontend_conf has no option 'featur'. Did you mean feature?"),
        ("--frontend_conf feature=speach", "Unknown feature 'speach'"),
        ("--frontend_conf fs=16x", "frontend_conf takes sizes such as fs: 16k and cache: 2GB, not '16x'."),
        ("--frontend_conf fs=8k", "{place}/wav.scp, line 1: {place}/u0.wav is at 16000 Hz, but 8000 Hz are needed"),
        ("--frontend_conf stack=0", "stack must be at least 1, not 0."),
        ("--frontend_conf model=none", "There is no folder none"),
        ("--encoder_conf num_block=1", "encoder_conf has no option 'num_block'. Did you mean num_blocks?"),
        ("--encoder_conf num_blocks=a", "encoder_conf.num_blocks must be an integer, not 'a'."),
        ("--encoder_conf attention_heads=3", "The model cannot be built from these options: AssertionError ("),
        ("--ctc_conf x=1", "The model cannot be built from these options: TypeError: CTC.__init__() got an unexpected"),
        ("--model_conf ctc_wieght=1", "model_conf has no option 'ctc_wieght'. Did you mean ctc_weight?"),
        ("--preprocessor_conf x=1", "preprocessor_conf has no option 'x'."),
        ("--scheduler warmuplr --scheduler_conf warmup_steps=a", "scheduler_conf.warmup_steps must be an integer or"),
        ("--token_list nothing", "nothing: No such file or directory"),
        ("--best_model_criterion valid,los,min", "best_model_criterion: there is no value 'los' in validation."),
        ("--train_shape_file nothing", "nothing is not there: prepare the data first."),
    ],
)
def test_options_of_the_asr_task(refused, asr_place, asr_training, tmp_path, words, message):
    command = [*asr_training(asr_place, "refused"), "--num_workers", "0", "--log_level", "ERROR", *words.split()]
    error = refused(DeCodecASRTask, command)
    assert error.startswith(message.format(place=asr_place))


@pytest.mark.parametrize(
    "words, message",
    [
        ("--tts_conf channel=3", "The text-to-speech model has no option 'channel'. Did you mean channels?"),
        ("--tts_conf channels=a", "channels must be an integer of 0 or more, not 'a'."),
        ("--batch_type numel", "batch_type numel needs --train_shape_file"),
        ("--tts_conf dropout=a", "dropout must be a number such as 0.1, of 0 or more, not 'a'."),
        ("--model_conf pitch_wieght=1", "model_conf has no option 'pitch_wieght'. Did you mean pitch_weight?"),
        ("--model_conf pitch_weight=a", "model_conf.pitch_weight must be a finite number, not 'a'."),
        ("--preprocessor_conf prompt_frame=[1,2]", "preprocessor_conf has no option 'prompt_frame'."),
        ("--preprocessor_conf prompt_frames=[5,2]", "preprocessor_conf.prompt_frames must be a range of 2 numbers"),
        ("--preprocessor_conf given_prompt_prob=2", "given_prompt_prob is a probability within 0..1, not 2."),
        ("--codec nothing", "There is no folder nothing"),
        ("--codec_conf x=1", "Unknown config key 'x'"),
        ("--token_list nothing", "nothing: No such file or directory"),
        ("--train_utt2spk nothing", "nothing is not there: prepare the data first."),
        ("--optim_conf lr=0", "optim_conf.lr must be above 0, not 0."),
    ],
)
def test_options_of_the_tts_task(refused, tts_place, tts_options, words, message):
    command = [*tts_options(tts_place), "--output_dir", tts_place / "refused", "--batch_type", "unsorted"]
    assert refused(DeCodecTTSTask, [*command, "--num_workers", "0", *words.split()]).startswith(message)
