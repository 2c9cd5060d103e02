"""Options that several steps of the recipe share."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from espnet2_decodec.arguments import device, job_part, positive_int

if TYPE_CHECKING:
    from espnet2_decodec.data.codec_options import CodecOptions


def add_codec_options(parser: ArgumentParser) -> None:
    """Add --model, --speech_levels, --background_levels, --device and --nj."""
    parser.add_argument("--model", help="folder of the codec (default: the model in the package)")
    parser.add_argument("--speech_levels", type=int, help="levels of the speech stream (default: all)")
    parser.add_argument("--background_levels", type=int, help="levels of the background stream (default: all)")
    parser.add_argument("--device", type=device, default="cpu", help="device of the codec, e.g. cuda (default: cpu)")
    add_nj(parser)
    parser.add_argument("--part", type=job_part, help="K/N: only the K-th of N parts, and no tables over all of them")


def add_nj(parser: ArgumentParser) -> None:
    """Add --nj."""
    parser.add_argument(
        "--nj", type=positive_int, default=1, help="number of processes; each has one thread if there are several"
    )


def codec_settings(args: Namespace) -> "CodecOptions":
    """Return the codec and the levels that `add_codec_options` parsed."""
    from espnet2_decodec.data.codec_options import CodecOptions

    return CodecOptions(
        args.model, args.speech_levels, args.background_levels, args.device, getattr(args, "content", 0)
    )
