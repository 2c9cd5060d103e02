"""Steps of the recipe for text-to-speech: data sets, prompts, export, upper bound and scores."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from espnet2_decodec.arguments import decibels, finite_float, output_folder, positive_int
from espnet2_decodec.cli.recipe.options import add_nj


def tts_data_arguments(parser: ArgumentParser) -> None:
    """Add the options of `tts_data`."""
    from espnet2_decodec.data.tts import TTSDataConfig

    parser.add_argument("--data", nargs="+", required=True, help="Kaldi directories; those without text are skipped")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder")
    parser.add_argument("--speakers", nargs="*", default=[], help="speakers, or prefixes of their names (default: all)")
    parser.add_argument("--min_seconds", type=finite_float, default=TTSDataConfig.seconds[0], help="shortest recording")
    parser.add_argument("--max_seconds", type=finite_float, default=TTSDataConfig.seconds[1], help="longest recording")


def tts_data(args: Namespace) -> None:
    """Write the sets and the list of characters."""
    from espnet2_decodec.data.tts import TTSDataConfig, prepare_tts

    print(prepare_tts(args.data, args.out, TTSDataConfig(tuple(args.speakers), (args.min_seconds, args.max_seconds))))


def tts_prompts_arguments(parser: ArgumentParser) -> None:
    """Add the options of `tts_prompts`."""
    from espnet2_decodec.data.prompts import KINDS, PromptConfig

    parser.add_argument("--data", required=True, help="Kaldi directory of the set")
    parser.add_argument("--background", required=True, help="Kaldi directory of backgrounds")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder")
    parser.add_argument(
        "--snrs",
        type=decibels,
        nargs=2,
        default=PromptConfig.snrs,
        help="lowest and highest SNR of noisy prompts in dB",
    )
    parser.add_argument("--seed", type=int, default=PromptConfig.seed, help="random seed of the backgrounds")
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=KINDS, help="recordings to write (default: all kinds)"
    )


def tts_prompts(args: Namespace) -> None:
    """Write the prompts, and print their number."""
    from espnet2_decodec.data.prompts import PromptConfig, make_prompts

    plan = PromptConfig(tuple(args.snrs), seed=args.seed)
    print(f"{make_prompts(args.data, args.background, args.out, plan, args.kinds)} prompts in {args.out}")


def tts_export_arguments(parser: ArgumentParser) -> None:
    """Add the options of `tts_export`."""
    parser.add_argument("--train_config", required=True, help="config.yaml of the experiment")
    parser.add_argument("--model_file", required=True, help="weights, e.g. valid.loss.best.pth")
    parser.add_argument("folder", type=output_folder, help="output folder for config.json and model.safetensors")


def tts_export(args: Namespace) -> None:
    """Write the model of an experiment to a folder for `decodec say`."""
    from espnet2_decodec.espnet.tts_task import export

    export(args.train_config, args.model_file, args.folder)
    print("wrote", args.folder)


def tts_copy_synthesis_arguments(parser: ArgumentParser) -> None:
    """Add the options of `tts_copy_synthesis`."""
    parser.add_argument("--model", required=True, help="folder of a text-to-speech model")
    parser.add_argument("--tokens", required=True, help="Kaldi table of utterance id and path of the speech tokens")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder")
    add_nj(parser)


def tts_copy_synthesis(args: Namespace) -> None:
    """Decode recordings from all speech levels, and from those that text-to-speech predicts."""
    from espnet2_decodec.tts.synthesize_set import copy_synthesis

    print(" ".join(map(str, copy_synthesis(args.model, args.tokens, args.out, args.nj).values())))


def tts_unseparated_prompts_arguments(parser: ArgumentParser) -> None:
    """Add the options of `tts_unseparated_prompts`."""
    parser.add_argument("--model", required=True, help="folder of a text-to-speech model")
    parser.add_argument("--prompts", required=True, help="Kaldi table of utterance id and path of the prompt")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder")
    add_nj(parser)


def tts_unseparated_prompts(args: Namespace) -> None:
    """Encode prompts as they are, and print their table."""
    from espnet2_decodec.evaluation.unseparated import encode_prompts

    print(encode_prompts(args.model, args.prompts, args.out, args.nj))


def tts_score_arguments(parser: ArgumentParser) -> None:
    """Add the options of `tts_score`."""
    parser.add_argument(
        "--systems", nargs="+", required=True, metavar="NAME=PATH", help="folders of synthesized sets, or Kaldi tables"
    )
    parser.add_argument(
        "--backgrounds", nargs="*", default=[], metavar="NAME=TABLE", help="backgrounds that a system was given"
    )
    parser.add_argument("--text", type=Path, required=True, help="Kaldi table of text")
    parser.add_argument("--references", type=Path, required=True, help="Kaldi table of clean recordings of the speaker")
    parser.add_argument(
        "--out", type=output_folder, required=True, help="output folder for RESULTS.md, scores.csv and examples"
    )
    parser.add_argument(
        "--recognizer", default="whisper-base", help="see decodec probe --help; none for no error rates"
    )
    parser.add_argument("--language", default="ru", help="ISO 639-1 code of the speech (default: ru)")
    parser.add_argument("--limit", type=positive_int, help="score the first utterances of each system only")
    parser.add_argument("--keep", type=int, default=0, help="utterances to write to the folder examples (default: 0)")
    parser.add_argument(
        "--prompts",
        nargs="*",
        default=[],
        metavar="NAME=TABLE",
        help="prompts to write as well, e.g. noisy=noisy.scp",
    )


def tts_score(args: Namespace) -> None:
    """Write and print the scores of synthesized test sets."""
    from espnet2_decodec.evaluation.tts import Evaluators, keep_examples, score_systems, write_results

    systems, backgrounds, prompts = (
        {name: Path(path) for name, _, path in (entry.partition("=") for entry in entries)}
        for entries in (args.systems, args.backgrounds, args.prompts)
    )
    evaluators = Evaluators(args.recognizer, args.language)
    rows = score_systems(systems, args.text, args.references, backgrounds, evaluators, args.limit)
    keep_examples(rows, systems, prompts, args.text, args.out, args.keep)
    print(write_results(rows, args.out, evaluators))
