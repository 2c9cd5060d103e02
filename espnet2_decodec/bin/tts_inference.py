"""All texts of a set to speech: python -m espnet2_decodec.bin.tts_inference --help"""

import argparse

from espnet2_decodec.tts.inference import add_options, say_all


def main(arguments: list[str] | None = None) -> None:
    """Command line of `say_all`."""
    parser = argparse.ArgumentParser(description="Texts to speech in the voices of prompts, over a background or none.")
    add_options(parser)
    args = vars(parser.parse_args(arguments))
    jobs = args.pop("nj")
    print(f"{say_all(**args, jobs=jobs):.3f} s of work for a second of speech")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"error: {error}") from None
