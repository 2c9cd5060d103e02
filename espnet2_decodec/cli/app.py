"""decodec app: a page in the browser on which a recording is separated, remixed and converted."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from threading import Event

from espnet2_decodec.arguments import positive_float
from espnet2_decodec.cli import parser as options

SUMMARY = "Serve a page on which a recording is separated, remixed, converted and downloaded as tokens"

EXAMPLES = """\
examples:
  decodec app                                             then open the address that it prints
  decodec app --tts exp/tts/model --max-seconds 300
  decodec app --host 0.0.0.0 --port 8080                  for other machines; there is no password
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    options.add_model(parser)
    parser.add_argument(
        "--tts", metavar="FOLDER", help="text-to-speech model that the recipe exported (default: that of the package)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to serve at (default: 127.0.0.1, this machine)"
    )
    parser.add_argument("--port", type=_port, default=7860, metavar="N", help="TCP port (default: 7860)")
    parser.add_argument(
        "--max-seconds", type=positive_float, default=120.0, metavar="S", help="limit of a recording (default: 120)"
    )
    parser.add_argument(
        "--max-megabytes", type=positive_float, default=50.0, metavar="M", help="limit of an upload (default: 50)"
    )


def run(args: Namespace) -> int:
    """Serve the page until Ctrl-C; the exit code."""
    from espnet2_decodec.extras import require

    require("app", "decodec app", "gradio", "starlette", "matplotlib")
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from espnet2_decodec.app.actions import Actions
    from espnet2_decodec.app.environment import prepare_environment
    from espnet2_decodec.app.files import TemporaryFiles
    from espnet2_decodec.cli.model import load_model
    from espnet2_decodec.codec.serialization import DEFAULT_MODEL
    from espnet2_decodec.conversion.packaged import load_packaged_voice
    from espnet2_decodec.tts import TTS, VoiceTTS

    codec = load_model(args)
    tts: TTS | VoiceTTS | None = None if args.model else VoiceTTS.packaged(args.device)
    if args.tts:
        tts = TTS.from_pretrained(args.tts, args.device)
    voice = None if args.model else load_packaged_voice(args.device)
    with TemporaryDirectory(prefix="decodec-app-") as folder:
        prepare_environment(folder)
        from espnet2_decodec.app.page import build_page
        from espnet2_decodec.app.server import serve

        actions = Actions(codec, TemporaryFiles(folder), args.max_seconds, tts, voice)
        page = build_page(actions, f"DeCodec: {Path(args.model or DEFAULT_MODEL).resolve().name}")
        with serve(page, args.host, args.port, args.max_megabytes) as address:
            print(f"The page is at {address} until Ctrl-C.", flush=True)
            _wait()
    return 0


def _wait() -> None:
    """Wait for a signal."""
    Event().wait()


def _port(text: str) -> int:
    """Parse a TCP port."""
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a port within 1..65535")
    return int(text)
