"""decodec say: text to speech in the voice of a prompt, over any background or none."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import decibels, finite_float
from espnet2_decodec.cli import parser as options

SUMMARY = "Synthesize speech from text in the voice of a recording, over any background or none"

EXAMPLES = """\
example, with a model that the recipe in egs2/decodec trained:
  decodec say "Good morning." --prompt noisy.wav --model exp/tts/model --background prompt -o speech.wav
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    parser.add_argument("text", metavar="TEXT", help="text to synthesize")
    parser.add_argument("--prompt", required=True, metavar="FILE", help="recording of the voice; it may be noisy")
    options.add_output(parser, "output audio file")
    parser.add_argument(
        "--model", required=True, metavar="FOLDER", help="text-to-speech model that the recipe exported"
    )
    options.add_device(parser)
    parser.add_argument(
        "--background",
        default="none",
        metavar="none|prompt|FILE",
        help="background of the output: none (default), that of the prompt, or a file; it is repeated or cut",
    )
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--background-gain", type=decibels, metavar="DB", help="gain of the background")
    level.add_argument(
        "--background-snr", type=decibels, metavar="DB", help="speech to background power ratio of the output"
    )
    parser.add_argument(
        "--speed", type=finite_float, default=1.0, metavar="X", help="speaking rate; 2 is twice as fast (default: 1)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="random seed for the excerpt of a long background (default: 0)"
    )
    parser.add_argument("--stems", action="store_true", help="also write OUT.speech and OUT.background")
    options.add_rescale(parser)


def run(args: Namespace) -> int:
    """Synthesize and return the exit code."""
    from pathlib import Path

    from espnet2_decodec.atomic import atomic_group
    from espnet2_decodec.cli.console import note
    from espnet2_decodec.cli.jobs import check_output
    from espnet2_decodec.cli.pipeline import warn_of_level
    from espnet2_decodec.io.audio import AudioWriter
    from espnet2_decodec.tts import TTS

    out = Path(args.output)
    targets = {"mix": out}
    if args.stems:
        targets |= {stem: out.with_name(f"{out.stem}.{stem}{out.suffix}") for stem in ("speech", "background")}
    check_output(*targets.values(), force=args.force)
    tts = TTS.from_pretrained(args.model, args.device)
    writers = {stem: AudioWriter(path, tts.sample_rate, rescale=True) for stem, path in targets.items()}
    output = tts(
        args.text,
        args.prompt,
        background=args.background,
        background_gain=args.background_gain,
        background_snr=args.background_snr,
        speed=args.speed,
        seed=args.seed,
    )
    with atomic_group():
        for stem, writer in writers.items():
            with writer:
                writer.write(getattr(output, stem))
    for writer in writers.values():
        warn_of_level(writer, args.rescale)
    note(f"{out}: {len(output.mix) / output.sample_rate:.2f} s")
    return 0
