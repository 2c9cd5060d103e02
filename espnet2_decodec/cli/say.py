"""decodec say: text to speech in the voice of a prompt, over any background or none."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.cli import options

SUMMARY = "Say a text in the voice of a recording, over any background or none"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("text", metavar="TEXT", help="what to say")
    parser.add_argument("--prompt", required=True, metavar="FILE", help="recording of the voice; it may be noisy")
    options.add_output(parser, "audio file")
    parser.add_argument(
        "--model", required=True, metavar="FOLDER", help="text-to-speech model, as stage 19 of the recipe writes it"
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)")
    parser.add_argument(
        "--background",
        default="none",
        metavar="none|prompt|FILE",
        help="what is heard beside the voice: nothing (default), the background of the prompt, or that of a file; "
        "repeated or cut to length",
    )
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument(
        "--background-gain", "--background_gain", type=float, metavar="DB", help="amplify the background by this much"
    )
    loudness.add_argument(
        "--background-snr",
        "--background_snr",
        type=float,
        metavar="DB",
        help="speech to background power ratio of the result",
    )
    parser.add_argument("--speed", type=float, default=1.0, metavar="X", help="2 speaks twice as fast (default: 1)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="which piece of a long background to take (default: 0)"
    )
    parser.add_argument("--stems", action="store_true", help="write OUT.speech and OUT.background beside OUT")
    parser.add_argument("--rescale", action="store_true", help="make files that would clip quieter")


def run(args: Namespace) -> int:
    """Say it; the exit code."""
    from pathlib import Path

    from espnet2_decodec.cli.files import check_free
    from espnet2_decodec.cli.messages import note
    from espnet2_decodec.cli.streams import warn_of_clipping
    from espnet2_decodec.io.audio import AudioWriter
    from espnet2_decodec.tts import TTS

    out = Path(args.output)
    targets = {"mix": out}
    if args.stems:
        targets |= {stem: out.with_name(f"{out.stem}.{stem}{out.suffix}") for stem in ("speech", "background")}
    check_free(*targets.values(), force=args.force)
    tts = TTS.from_pretrained(args.model, _device(args.device))
    writers = {stem: AudioWriter(path, tts.sample_rate, args.rescale) for stem, path in targets.items()}
    said = tts(
        args.text,
        args.prompt,
        background=args.background,
        background_gain=args.background_gain,
        background_snr=args.background_snr,
        speed=args.speed,
        seed=args.seed,
    )
    for stem, writer in writers.items():
        with writer:
            writer.write(getattr(said, stem))
        warn_of_clipping(writer)
    if not args.quiet:
        note(f"{out}: {len(said.mix) / said.sample_rate:.2f} s")
    return 0


def _device(name: str) -> str:
    """Cuda for auto where there is one, else cpu; and whether it works."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as problem:
        raise ValueError(f"Device {name!r} cannot be used: {str(problem).splitlines()[0]}") from None
    return name
