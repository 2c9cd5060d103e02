"""Steps of the recipe for the codec: mixtures, teacher, export and tokens."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import finite_float, output_file, output_folder, positive_int
from espnet2_decodec.cli.recipe.options import add_codec_options, codec_settings


def make_mixtures_arguments(parser: ArgumentParser) -> None:
    """Add the options of `make_mixtures`."""
    parser.add_argument("--speech", required=True, help="Kaldi folder of clean speech")
    parser.add_argument("--background", required=True, help="Kaldi folder of backgrounds")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder")
    parser.add_argument("--snrs", nargs="+", default=["-5", "0", "5", "10", "20", "clean", "background"])
    parser.add_argument("--without", nargs="+", default=[], metavar="SNR", help="those of --snrs that are left out")
    parser.add_argument("--per_condition", type=positive_int, default=20, help="mixtures of each condition")
    parser.add_argument(
        "--seconds", type=finite_float, nargs=2, default=(4.0, 8.0), help="shortest and longest mixture"
    )
    parser.add_argument(
        "--whole_utterances", action="store_true", help="one whole utterance in each mixture, in place of --seconds"
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument(
        "--suffix", default="", help="appended to every id: for two sets of the same speech in one comparison"
    )
    parser.add_argument(
        "--training_background", help="Kaldi folder of the training backgrounds, for the table utt2seen"
    )


def make_mixtures(args: Namespace) -> None:
    """Write test mixtures, and whether training has their backgrounds."""
    from espnet2_decodec.data import mixtures
    from espnet2_decodec.data.seen import write_seen

    snrs = tuple(snr for snr in args.snrs if snr not in args.without)
    plan = mixtures.MixtureConfig(
        snrs,
        args.per_condition,
        tuple(args.seconds),
        args.seed,
        suffix=args.suffix,
        whole_utterances=args.whole_utterances,
    )
    written = mixtures.make_mixtures(args.speech, args.background, args.out, plan)
    print("wrote" if written else "complete already:", args.out)
    if args.training_background:
        found = write_seen(args.out, args.background, args.training_background)
        print(f"backgrounds of sources that training has: {found['yes']}, of others: {found['no']}")


def make_kinds_arguments(parser: ArgumentParser) -> None:
    """Add the options of `make_kinds`."""
    parser.add_argument("--speech", required=True, help="Kaldi folder of clean speech")
    parser.add_argument("--background", required=True, help="Kaldi folder of backgrounds with utt2class")
    parser.add_argument(
        "--babble", help="Kaldi folder of the voices in the babble (default: other speakers of --speech)"
    )
    parser.add_argument("--rirs", help="Kaldi folder of room impulse responses (default: decaying noise)")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder")
    parser.add_argument("--per_kind", type=positive_int, default=20, help="mixtures of each kind")
    parser.add_argument(
        "--seconds", type=finite_float, nargs=2, default=(4.0, 8.0), help="shortest and longest mixture"
    )
    for name, default, what in (
        ("snr", 0.0, "other backgrounds"),
        ("babble_snr", 5.0, "babble"),
        ("room_snr", 10.0, "rooms"),
    ):
        parser.add_argument(f"--{name}", type=finite_float, default=default, help=f"SNR in dB of {what} ({default:g})")
    parser.add_argument("--voices", type=positive_int, default=6, help="voices of the babble (6)")
    parser.add_argument("--seed", type=int, default=0, help="random seed")


def make_kinds(args: Namespace) -> None:
    """Write test mixtures by kind of background."""
    from espnet2_decodec.data import kinds

    config = kinds.KindConfig(
        args.per_kind, tuple(args.seconds), args.snr, args.babble_snr, args.room_snr, args.voices, args.seed
    )
    count = kinds.make_kinds(args.speech, args.background, args.out, config, args.babble, args.rirs)
    print(f"wrote {count} mixtures: {args.out}")


def export_teacher_arguments(parser: ArgumentParser) -> None:
    """Add the options of `export_teacher`."""
    parser.add_argument("out", type=output_file(".safetensors"), help="output file, e.g. teacher.safetensors")
    parser.add_argument("--layer", type=positive_int, default=4, help="number of encoder layers to keep (default: 4)")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite the file")


def export_teacher(args: Namespace) -> None:
    """Write the first layers of the Whisper teacher in float16.

    Raises:
        ValueError: if the file exists, or the package with the weights is not installed.
    """
    from espnet2_decodec.training.teachers.whisper import WhisperTeacher

    if args.out.exists() and not args.force:
        raise ValueError(f"{args.out} exists; add --force to overwrite it.")
    teacher = WhisperTeacher.from_package(args.layer)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    teacher.save(args.out)
    print(f"{args.out}: {teacher.name}, {teacher.dim} features per frame, {args.out.stat().st_size / 1e6:.1f} MB")


def check_training_arguments(parser: ArgumentParser) -> None:
    """Add the options of `check_training`."""
    parser.add_argument("folder", help="folder of the experiment")


def check_training(args: Namespace) -> None:
    """Print one line about the experiment."""
    from espnet2_decodec.espnet.check_training import check_training

    print(check_training(args.folder))


def export_codec_arguments(parser: ArgumentParser) -> None:
    """Add the options of `export_codec`."""
    parser.add_argument("--train_config", required=True, help="config.yaml of the experiment")
    parser.add_argument("--model_file", required=True, help="weights, e.g. valid.distance.best.pth")
    parser.add_argument("--half", action="store_true", help="store the weights in half precision")
    parser.add_argument("folder", type=output_folder, help="output folder for config.json and model.safetensors")


def export_codec(args: Namespace) -> None:
    """Write the codec of an experiment to a model folder."""
    from espnet2_decodec.espnet.checkpoint import export

    export(args.train_config, args.model_file, args.folder, args.half)
    print("wrote", args.folder)


def tokenize_arguments(parser: ArgumentParser) -> None:
    """Add the options of `tokenize`."""
    parser.add_argument("--scp", required=True, help="Kaldi table of utterance id and path of the recording")
    parser.add_argument(
        "--out", type=output_folder, required=True, help="output folder; files that it already has are kept"
    )
    parser.add_argument(
        "--content", type=int, default=0, help="number of levels of content tokens, in place of both streams"
    )
    add_codec_options(parser)


def tokenize(args: Namespace) -> None:
    """Write (T, K) int16 arrays of tokens."""
    from espnet2_decodec.data import tokenize

    count = tokenize.tokenize(args.scp, args.out, codec_settings(args), args.nj, args.part)
    print(f"{count} recordings tokenized to {args.out}")


def resynthesize_arguments(parser: ArgumentParser) -> None:
    """Add the options of `resynthesize`."""
    parser.add_argument("--tokens", required=True, help="folder that the step tokenize wrote")
    parser.add_argument(
        "--out", type=output_folder, required=True, help="output folder; files that it already has are kept"
    )
    parser.add_argument(
        "--streams", nargs="+", default=["both"], choices=("both", "speech", "background"), help="streams to decode"
    )
    add_codec_options(parser)


def resynthesize(args: Namespace) -> None:
    """Write the recordings that the tokens decode to."""
    from espnet2_decodec.data import resynthesize

    count = resynthesize.resynthesize(args.tokens, args.out, codec_settings(args), args.streams, args.nj, args.part)
    print(f"{count} recordings written to {args.out}")
