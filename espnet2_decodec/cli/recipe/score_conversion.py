"""Step of the recipe: scores of voice conversion on test mixtures."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import torch

from espnet2_decodec.data.codec_options import CodecOptions
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixtures import BACKGROUND_ONLY
from espnet2_decodec.evaluation.conversion_scores import Plan, markdown, score_conversions, write_rows
from espnet2_decodec.evaluation.conversion_voices import choose, voices
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.examples import remove_examples
from espnet2_decodec.evaluation.metrics.error_rate import require_jiwer
from espnet2_decodec.evaluation.metrics.perceptual import speaker_similarity
from espnet2_decodec.evaluation.metrics.recognizers import RATE, recognizer
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.systems.specs import build

EXAMPLES = "examples"
"""Folder of what can be listened to."""


def score_conversion_arguments(options: ArgumentParser) -> None:
    """Add the options of `score_conversion`."""
    options.add_argument(
        "--data", required=True, help="folder that make_mixtures wrote, with its table text for error rates"
    )
    options.add_argument(
        "--references", nargs="+", required=True, help="Kaldi folders of clean speech with voices to convert to"
    )
    options.add_argument(
        "--voices",
        nargs="+",
        default=[],
        help="target speakers in those folders (default: the first --most of them with enough speech); "
        "a recording is never converted to its own voice",
    )
    options.add_argument("--most", type=int, default=2, help="voices, when --voices is left out")
    options.add_argument(
        "--speakers", nargs="+", default=[], help="sources: some speakers of the mixtures; all when left out"
    )
    options.add_argument(
        "--conditions", nargs="+", default=[], help="some of those of the set; all with speech when left out"
    )
    options.add_argument("--limit", type=int, help="the first recordings of each condition only")
    options.add_argument(
        "--keep", type=int, default=0, help="recordings of each condition to listen to, in the folder examples"
    )
    options.add_argument(
        "--seconds", type=float, default=8.0, help="of a reference, and of what similarity is measured with"
    )
    options.add_argument(
        "--recognizer", default="moonshine-tiny.en", help="see decodec probe --help; none for no error rates"
    )
    options.add_argument("--language", default="en", help="of the texts")
    options.add_argument("--denoiser", default="gtcrn", help="of the cascade, see decodec evaluate --help; or none")
    options.add_argument("--model", help="folder of the codec; the shipped one when left out")
    options.add_argument("--device", default="cpu", help="of the codec, such as cuda")
    options.add_argument("--nj", type=int, default=1, help="processes, of one thread each when there are several")
    options.add_argument("--out", required=True, help="folder for conversion.csv, conversion.md and examples")


def score_conversion(args: Namespace) -> None:
    """Convert noisy recordings to other voices: word error rate and speaker similarity, beside a cascade."""
    data, out = Path(args.data), Path(args.out)
    judge, keys = _judge(args.recognizer), _keys(data, args)
    sources = {MixtureSet(data).speakers[key] for key in keys}
    remove_examples(out / EXAMPLES)
    wanted = args.voices or choose(args.references, sources, args.seconds, args.most)
    if not wanted:
        places = ", ".join(args.references)
        print(f"Voice conversion is skipped: {places} has no other voice that has twice {args.seconds:g} s to say.")
        return
    found = voices(args.references, wanted, args.seconds)
    skipped = [] if judge else ["no recognizer was asked for, so there are no word error rates"]
    denoiser = None if args.denoiser == "none" else args.denoiser
    try:
        if denoiser:
            build(denoiser)
    except Unavailable as problem:
        skipped.append(f"{denoiser} is skipped: {problem}")
        denoiser = None
    try:
        noise = torch.randn(RATE, generator=torch.Generator().manual_seed(0))
        speaker_similarity(noise, noise, RATE)
        similar = True
    except ImportError as problem:
        skipped.append(f"speaker similarity is skipped: {problem}")
        similar = False
    print(*skipped, sep="\n", end="\n" if skipped else "")
    settings, kept = CodecOptions(args.model, None, None, args.device), _kept(data, keys, args.keep)
    name = args.recognizer if judge else None
    plan = Plan(data, found, settings, name, args.language, denoiser, similar, out / EXAMPLES, frozenset(kept))
    rows = score_conversions(plan, keys, args.nj)
    if not rows:
        raise ValueError("Every recording has the only voice that it could be converted to.")
    head = environment(args.device) | {
        "data": args.data,
        "model": settings.name,
        "recognizer": judge.about if judge else "none",
    }
    head["voices"] = f"{' '.join(wanted)}, {args.seconds:g} s of each"
    write_rows(out / "conversion.csv", rows)
    text = markdown(rows, head, skipped)
    (out / "conversion.md").write_text(text, encoding="utf-8")
    print(text)


def _judge(name: str):
    """The recogniser, None if none is wanted."""
    if name == "none":
        return None
    try:
        require_jiwer()
        return recognizer(name)
    except Unavailable as problem:
        raise ValueError(str(problem)) from None


def _keys(data: Path, args: Namespace) -> list[str]:
    """The recordings that are wanted, with a text where words are counted."""
    folder, keys = MixtureSet(data), None
    if args.recognizer != "none":
        keys = read_table(data / "text")
    there = dict.fromkeys(folder.conditions.values())
    wanted = [key for key in folder.keys if not args.speakers or folder.speakers[key] in args.speakers]
    found = []
    for condition in args.conditions or [c for c in there if c != BACKGROUND_ONLY]:
        found += [key for key in folder.select([condition]) if key in wanted and (keys is None or key in keys)][
            : args.limit
        ]
    if not found:
        text = "" if keys is None else " with a text"
        raise ValueError(f"{data} has no recording{text} of these speakers and conditions.")
    return found


def _kept(data: Path, keys: list[str], count: int) -> list[str]:
    """The first `count` of each condition."""
    if count < 0:
        raise ValueError(f"At least 0 recordings of each condition can be kept, not {count}.")
    conditions = MixtureSet(data).conditions
    places = {condition: [key for key in keys if conditions[key] == condition] for condition in conditions.values()}
    return [key for found in places.values() for key in found[:count]]
