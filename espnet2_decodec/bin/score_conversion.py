"""Score voice conversion on test mixtures: python -m espnet2_decodec.bin.score_conversion --help"""

import argparse
from pathlib import Path

from espnet2_decodec.evaluation.compare import chosen
from espnet2_decodec.evaluation.conversion_scores import Plan, markdown, score_conversions, voices, write_rows
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.mixtures import ALONE
from espnet2_decodec.evaluation.recognizers import recognizer
from espnet2_decodec.evaluation.scoring import MixtureSet
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.evaluation.words import require_jiwer
from espnet2_decodec.sets.settings import Settings, run
from espnet2_decodec.sets.tables import read_table


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        description="Convert noisy recordings to other voices: word error rate and speaker similarity, beside a cascade."
    )
    options.add_argument("--data", required=True, help="folder that make_mixtures wrote, with its table text")
    options.add_argument("--references", required=True, help="Kaldi folder of clean speech with the voices to convert to")
    options.add_argument("--voices", nargs="+", required=True, help="speakers of that folder")
    options.add_argument("--speakers", nargs="+", default=[], help="sources: some speakers of the mixtures; all when left out")
    options.add_argument("--conditions", nargs="+", default=[], help="some of those of the set; all with speech when left out")
    options.add_argument("--limit", type=int, help="the first recordings of each condition only")
    options.add_argument("--seconds", type=float, default=8.0, help="of a reference, and of what similarity is measured with")
    options.add_argument("--recognizer", default="moonshine-tiny.en", help="see decodec probe --help")
    options.add_argument("--language", default="en", help="of the texts")
    options.add_argument("--denoiser", default="gtcrn", help="of the cascade, see decodec evaluate --help; or none")
    options.add_argument("--model", help="folder of the codec; the shipped one when left out")
    options.add_argument("--device", default="cpu", help="of the codec, such as cuda")
    options.add_argument("--nj", type=int, default=1, help="processes, of one thread each when there are several")
    options.add_argument("--out", required=True, help="folder for conversion.csv and conversion.md")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Command line of `score_conversions`."""
    args = parser().parse_args(arguments)
    data, out, skipped = Path(args.data), Path(args.out), []
    keys = _keys(data, args)
    denoiser = None if args.denoiser == "none" else args.denoiser
    try:
        require_jiwer()
        judge = recognizer(args.recognizer)
    except Unavailable as problem:
        raise ValueError(str(problem)) from None
    try:
        if denoiser:
            build(denoiser)
    except Unavailable as problem:
        skipped.append(f"{denoiser} is skipped: {problem}")
        print(skipped[-1])
        denoiser = None
    settings = Settings(args.model, None, None, args.device)
    plan = Plan(data, voices(args.references, args.voices, args.seconds), settings, args.recognizer, args.language, denoiser)
    rows = score_conversions(plan, keys, args.nj)
    head = environment(args.device) | {"data": args.data, "model": settings.name, "recognizer": judge.about}
    head["voices"] = f"{' '.join(args.voices)}, {args.seconds:g} s of each"
    write_rows(out / "conversion.csv", rows)
    text = markdown(rows, head, skipped)
    (out / "conversion.md").write_text(text, encoding="utf-8")
    print(text)


def _keys(data: Path, args: argparse.Namespace) -> list[str]:
    """The recordings with a text that are wanted."""
    folder, texts = MixtureSet(data), read_table(data / "text")
    there = dict.fromkeys(folder.conditions.values())
    wanted = [key for key in folder.keys if key in texts and (not args.speakers or folder.speakers[key] in args.speakers)]
    found = []
    for condition in args.conditions or [c for c in there if c != ALONE]:
        found += [key for key in chosen(folder, [condition]) if key in wanted][: args.limit]
    if not found:
        raise ValueError(f"{data} has no recording with a text of these speakers and conditions.")
    return found


if __name__ == "__main__":
    run(main)
