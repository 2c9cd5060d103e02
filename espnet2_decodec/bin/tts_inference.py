"""Text-to-speech for a whole set.

Usage: python -m espnet2_decodec.bin.tts_inference --help
"""

from espnet2_decodec.program import ProgramParser, run_program, stop_on_signals
from espnet2_decodec.tts.synthesize_set import add_options, synthesize_set


def main(arguments: list[str] | None = None) -> None:
    """Command line of `synthesize_set`."""
    parser = ProgramParser(
        prog="python -m espnet2_decodec.bin.tts_inference",
        description="Text-to-speech for a whole set, in the voices of prompts, over a background or none.",
    )
    add_options(parser)
    args = vars(parser.parse_args(arguments))
    jobs = args.pop("nj")
    print(f"Real-time factor: {synthesize_set(**args, jobs=jobs):.3f}")


if __name__ == "__main__":
    stop_on_signals()
    run_program(main)
