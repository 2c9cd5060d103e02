"""decodec recipe STEP: the programs that only the recipe in egs2/decodec calls.

A step is a pair of functions in one of the modules of this package: `STEP_arguments(parser)` adds its options, and
`STEP(args)` runs it. Its module is imported when the step is called, so that `decodec recipe --help` needs no torch.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from espnet2_decodec.cli.parser import Parser

SUMMARY = "Run one step of the training recipe: data sets, tokens, export, scores"

STEPS = {
    "make_mixtures": ("codec", "Write test mixtures with their stems"),
    "make_kinds": ("codec", "Write test mixtures by kind of background, with babble and rooms"),
    "shards": ("shards", "Pack the recordings of a data directory into tar files"),
    "export_teacher": ("codec", "Write the Whisper teacher as one safetensors file"),
    "check_training": ("codec", "Check that a training of the codec task took steps and kept a model"),
    "export_codec": ("codec", "Write the codec of an ESPnet experiment to a model folder"),
    "tokenize": ("codec", "Encode the recordings of a wav.scp to arrays of tokens"),
    "resynthesize": ("codec", "Decode a folder of tokens to wav files"),
    "scoring_dirs": ("score", "Write decoded streams as data directories for VERSA and ESPnet's scoring"),
    "versa_summary": ("score", "Tabulate the scores that VERSA wrote"),
    "score_conversion": ("score_conversion", "Score voice conversion on test mixtures"),
    "ablation": ("ablation", "Train variants of the codec for equal times and tabulate their scores"),
    "asr_data": ("asr", "Write the data directories of ASR: train, dev, and test sets at several SNRs"),
    "denoise": ("asr", "Denoise data directories with a system of `decodec evaluate`"),
    "asr_units": ("asr", "Convert arrays of tokens to text for discrete ASR"),
    "asr_token_list": ("asr", "Write the list of output tokens: characters or byte pairs"),
    "asr_score": ("asr", "Compute error rates of recognized test sets"),
    "asr_compare": ("asr", "Compare several ASR experiments in one table"),
    "tts_data": ("tts", "Write the training, development and test sets of text-to-speech"),
    "tts_prompts": ("tts", "Write a clean and a noisy prompt for each utterance of a set"),
    "tts_export": ("tts", "Write the model of a text-to-speech experiment to a model folder"),
    "tts_copy_synthesis": ("tts", "Decode the tokens of a test set: the upper bound of text-to-speech"),
    "tts_unseparated_prompts": ("tts", "Encode prompts without separation, as a control experiment"),
    "tts_score": ("tts", "Score synthesized test sets"),
}
"""Step -> module of this package, and one line of help."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add one subcommand for each step."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True, parser_class=Parser)
    for name, (_, summary) in STEPS.items():
        steps.add_parser(
            name, help=summary, description=f"{summary}.", add_arguments=partial(_call, f"{name}_arguments", name)
        )


def run(args: Namespace) -> int:
    """Run the step `args.step`; return the exit code."""
    _call(args.step, args.step, args)
    return 0


def run_step(name: str, arguments: Sequence[str]) -> None:
    """Run one step from Python: its exceptions are raised instead of printed.

    Args:
        name: a key of `STEPS`.
        arguments: its command line.
    """
    run(_parser().parse_args([name, *map(str, arguments)]))


def _parser() -> Parser:
    parser = Parser(prog="decodec recipe")
    add_arguments(parser)
    return parser


def _call(function: str, step: str, argument: ArgumentParser | Namespace) -> None:
    """Call `function` of the module of `step`."""
    getattr(import_module(f"{__name__}.{STEPS[step][0]}"), function)(argument)
