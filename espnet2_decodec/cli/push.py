"""decodec push: a model folder to the Hugging Face Hub, with a generated model card."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from espnet2_decodec.arguments import output_folder

if TYPE_CHECKING:
    from espnet2_decodec.codec.card import Card

SUMMARY = "Upload a model to the Hugging Face Hub, with a generated model card"

EXAMPLES = """\
examples:
  decodec push exp/model owner/name --dry-run upload
  decodec push exp/model owner/name --license cc-by-4.0 --data "LibriTTS (CC BY 4.0), MUSAN (CC BY 4.0)" \\
      --scores exp/results/test/evaluation --samples noisy.wav voice.wav
"""

SAMPLES = "samples"
"""Folder of the audio samples within the model folder."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("model", metavar="MODEL", help="folder of the model, or name of one in the package")
    parser.add_argument("name", metavar="OWNER/NAME", help="its name on the Hub; created if it does not exist")
    parser.add_argument("--revision", metavar="BRANCH", help="branch to upload to (default: main)")
    parser.add_argument("--private", action="store_true", help="make a new repository visible to its owner only")
    parser.add_argument("--license", default="", metavar="ID", help="license of the weights, such as cc-by-4.0")
    parser.add_argument("--data", default="", metavar="TEXT", help="training data with their licenses")
    parser.add_argument("--limits", nargs="+", default=(), metavar="TEXT", help="known limits, a sentence each")
    parser.add_argument("--languages", nargs="+", default=(), metavar="CODE", help="languages of the training data")
    parser.add_argument("--scores", metavar="OUT", help="output folder of `decodec evaluate`, for the metrics")
    parser.add_argument("--samples", nargs="+", default=(), metavar="FILE", help="audio files to listen to")
    parser.add_argument("--card", metavar="FILE", help="a model card of your own in place of the generated one")
    parser.add_argument(
        "--dry-run", type=output_folder, metavar="FOLDER", help="write the files to this folder; upload nothing"
    )


def run(args: Namespace) -> int:
    """Write the files, upload them, and return the exit code."""
    from tempfile import TemporaryDirectory

    from espnet2_decodec.cli.console import note
    from espnet2_decodec.hub import parse_name, upload

    parsed = parse_name(args.name)
    if parsed is None or parsed[1] is not None:
        raise ValueError(f"{args.name!r} is no name on the Hugging Face Hub: it is owner/name.")
    if args.dry_run is not None:
        if args.dry_run.is_dir() and any(args.dry_run.iterdir()):
            raise ValueError(f"{args.dry_run} is not empty; --dry-run needs a new folder.")
        with TemporaryDirectory() as folder:
            _write_files(Path(folder), args)
            _copy(Path(folder), args.dry_run)
        note(f"{args.dry_run} has the files; nothing was uploaded.")
        return 0
    with TemporaryDirectory() as folder:
        _write_files(Path(folder), args)
        print(upload(Path(folder), args.name, f"Upload {args.name.rpartition('/')[2]}", args.revision, args.private))
    return 0


def _write_files(folder: Path, args: Namespace) -> None:
    """Write the model, its samples and its card to a folder, all of which is checked before anything is uploaded."""
    from shutil import copyfile

    from espnet2_decodec.codec.card import write_card
    from espnet2_decodec.codec.decodec import DeCodec
    from espnet2_decodec.codec.serialization import CONFIG, model_folder
    from espnet2_decodec.io.audio import AudioReader

    source = model_folder(args.model)
    codec = DeCodec.from_pretrained(source)
    names = [Path(path).name for path in args.samples]
    if len(set(names)) < len(names):
        raise ValueError("Two of the --samples have the same name.")
    for path in args.samples:
        AudioReader(path)
    for file in [source / CONFIG, *sorted(source.glob("model*.safetensors"))]:
        copyfile(file, folder / file.name)
    for path in args.samples:
        (folder / SAMPLES).mkdir(exist_ok=True)
        copyfile(path, folder / SAMPLES / Path(path).name)
    if args.card is not None:
        (folder / "README.md").write_text(Path(args.card).read_text(encoding="utf-8"), encoding="utf-8")
    else:
        write_card(folder, args.name, codec, _card(args, [f"{SAMPLES}/{name}" for name in names]))


def _card(args: Namespace, samples: list[str]) -> "Card":
    """Return what the options state."""
    from espnet2_decodec.codec.card import Card
    from espnet2_decodec.evaluation.card_metrics import card_metrics

    metrics, measured = ([], {}) if args.scores is None else card_metrics(args.scores)
    return Card(args.license, args.data, args.limits, metrics, measured, samples, args.languages)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder, which appears under its name when it is complete."""
    import os
    from shutil import copytree, rmtree

    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        copytree(source, temporary)
        os.replace(temporary, target)
    finally:
        rmtree(temporary, ignore_errors=True)
