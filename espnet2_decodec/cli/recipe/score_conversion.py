"""Step of the recipe: scores of voice conversion on test mixtures."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import torch

from espnet2_decodec.arguments import device, finite_float, output_folder, positive_int
from espnet2_decodec.cli.recipe.options import add_nj
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixtures import BACKGROUND_ONLY
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.conversion import ConversionSettings, markdown, score_conversions
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.examples import remove_examples
from espnet2_decodec.evaluation.metrics.error_rate import require_jiwer
from espnet2_decodec.evaluation.metrics.perceptual import speaker_similarity
from espnet2_decodec.evaluation.metrics.recognizers import Recognizer, recognizer
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.evaluation.tables import write_csv
from espnet2_decodec.evaluation.target_speakers import choose_target_speakers, read_target_speakers


def score_conversion_arguments(parser: ArgumentParser) -> None:
    """Add the options of `score_conversion`."""
    parser.add_argument(
        "--data", required=True, help="folder that make_mixtures wrote, with its table text for word error rates"
    )
    parser.add_argument(
        "--references", nargs="+", required=True, help="Kaldi directories of clean speech of target speakers"
    )
    parser.add_argument(
        "--targets",
        nargs="+",
        default=[],
        help="target speakers in those directories (default: the first --num_targets of them with enough speech); "
        "a recording is never converted to its own speaker",
    )
    parser.add_argument(
        "--num_targets", type=positive_int, default=2, help="number of target speakers without --targets (default: 2)"
    )
    parser.add_argument("--speakers", nargs="+", default=[], help="source speakers of the mixtures (default: all)")
    parser.add_argument(
        "--conditions", nargs="+", default=[], help="some of those of the set (default: all with speech)"
    )
    parser.add_argument("--limit", type=positive_int, help="the first recordings of each condition only")
    parser.add_argument(
        "--keep", type=int, default=0, help="recordings of each condition to write to the folder examples (default: 0)"
    )
    parser.add_argument(
        "--seconds", type=finite_float, default=8.0, help="duration of a reference, and of the prompts for similarity"
    )
    parser.add_argument(
        "--recognizer", default="moonshine-tiny.en", help="see decodec probe --help; none for no word error rates"
    )
    parser.add_argument("--language", default="en", help="ISO 639-1 code of the texts (default: en)")
    parser.add_argument(
        "--denoiser", default="gtcrn", help="first system of a cascade, see decodec evaluate --help; or none"
    )
    parser.add_argument("--model", help="folder of the codec (default: the model in the package)")
    parser.add_argument("--device", type=device, default="cpu", help="device of the codec, e.g. cuda (default: cpu)")
    add_nj(parser)
    parser.add_argument(
        "--out", type=output_folder, required=True, help="output folder for conversion.csv, conversion.md and examples"
    )


def score_conversion(args: Namespace) -> None:
    """Convert noisy recordings to other speakers, and write word error rates and speaker similarities."""
    data, out = Path(args.data), Path(args.out)
    asr, keys = _recognizer(args.recognizer), _select(data, args)
    sources = {MixtureSet(data).speakers[key] for key in keys}
    remove_examples(out / "examples")
    names = args.targets or choose_target_speakers(args.references, sources, args.seconds, args.num_targets)
    if not names:
        folders = ", ".join(args.references)
        print(f"Voice conversion is skipped: {folders} has no other speaker with twice {args.seconds:g} s of speech.")
        return
    speakers = read_target_speakers(args.references, names, args.seconds)
    skipped = [] if asr else ["word error rates are skipped: no recognizer was asked for"]
    denoiser = None if args.denoiser == "none" else args.denoiser
    try:
        if denoiser:
            build(denoiser)
    except Unavailable as problem:
        skipped.append(f"{denoiser} is skipped: {problem}")
        denoiser = None
    similarity = True
    try:
        noise = torch.randn(SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
        speaker_similarity(noise, noise, SAMPLE_RATE)
    except ImportError as problem:
        skipped.append(f"speaker similarity is skipped: {problem}")
        similarity = False
    print(*skipped, sep="\n", end="\n" if skipped else "")
    settings = ConversionSettings(
        data=data,
        speakers=speakers,
        model=args.model,
        recognizer=args.recognizer if asr else None,
        language=args.language,
        denoiser=denoiser,
        similarity=similarity,
        device=args.device,
        examples=out / "examples",
        kept=frozenset(_first_of_each_condition(data, keys, args.keep)),
    )
    rows = score_conversions(settings, keys, args.nj)
    if not rows:
        raise ValueError("Every recording has the only target speaker: give --targets, or other --references.")
    head = environment(args.device) | {
        "data": args.data,
        "model": args.model or "the model in the package",
        "recognizer": asr.about if asr else "none",
        "target speakers": f"{' '.join(names)}, {args.seconds:g} s of each",
    }
    write_csv(out / "conversion.csv", list(rows[0]), rows)
    text = markdown(rows, head, skipped)
    (out / "conversion.md").write_text(text, encoding="utf-8")
    print(text)


def _recognizer(name: str) -> Recognizer | None:
    """The recognizer of this name; None for `none`."""
    if name == "none":
        return None
    try:
        require_jiwer()
        return recognizer(name)
    except Unavailable as problem:
        raise ValueError(str(problem)) from None


def _select(data: Path, args: Namespace) -> list[str]:
    """The first recordings of each condition by the given speakers, with a text if words are counted."""
    mixtures = MixtureSet(data)
    texts = None if args.recognizer == "none" else read_table(data / "text")
    keys: list[str] = []
    for condition in args.conditions or [
        c for c in dict.fromkeys(mixtures.conditions.values()) if c != BACKGROUND_ONLY
    ]:
        of_condition = mixtures.select([condition])
        if args.speakers:
            of_condition = [key for key in of_condition if mixtures.speakers[key] in args.speakers]
        keys += [key for key in of_condition if texts is None or key in texts][: args.limit]
    if not keys:
        text = "" if texts is None else " with a text"
        raise ValueError(f"{data} has no recording{text} of these speakers and conditions.")
    return keys


def _first_of_each_condition(data: Path, keys: list[str], count: int) -> list[str]:
    """The first `count` of each condition."""
    if count < 0:
        raise ValueError(f"At least 0 recordings of each condition can be kept, not {count}.")
    conditions = MixtureSet(data).conditions
    groups = {condition: [key for key in keys if conditions[key] == condition] for condition in conditions.values()}
    return [key for group in groups.values() for key in group[:count]]
