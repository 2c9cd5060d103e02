"""decodec say: text to speech in the voice of a recording, over any background or none."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from espnet2_decodec.arguments import decibels, finite_float, random_seed
from espnet2_decodec.cli import parser as options

if TYPE_CHECKING:
    from torch import Tensor

SUMMARY = "Synthesize speech from text in the voice of a recording, over any background or none"

NO_FILE = ("none", "voice", "prompt")
"""Values of --background that name no file."""

EXAMPLES = """\
examples:
  decodec say "Good morning." -o speech.wav
  decodec say "Good morning." --voice noisy.wav --background voice -o kept.wav
  decodec say --text-file chapter.txt --background street.wav --snr 10 -o chapter.flac
with a model that the recipe in egs2/decodec trained:
  decodec say "Good morning." --voice noisy.wav --model exp/tts/model -o other.wav
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.epilog = EXAMPLES
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("text", nargs="?", metavar="TEXT", help="text to synthesize; - is the standard input")
    text.add_argument("--text-file", metavar="FILE", help="file with the text (UTF-8)")
    parser.add_argument(
        "--voice", "--prompt", metavar="FILE",
        help="recording of the voice, about 3 to 20 s; it may be noisy (default: a voice of the package)",
    )  # fmt: skip
    options.add_output(parser, "output audio file")
    parser.add_argument(
        "--model", metavar="FOLDER", default="text-en-16k",
        help="text model, or text-to-speech model that the recipe exported (default: text-en-16k)",
    )  # fmt: skip
    parser.add_argument(
        "--voice-model",
        metavar="FOLDER",
        help="voice model; its codec is used as well (default: voice-16k, but none with a model of the recipe)",
    )
    options.add_device(parser)
    parser.add_argument(
        "--background",
        default="none",
        metavar="none|voice|FILE",
        help="background of the output: none (default), that of --voice, or a file; it is repeated or cut",
    )
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--gain", "--background-gain", type=decibels, metavar="DB", help="gain of the background")
    level.add_argument(
        "--snr", "--background-snr", type=decibels, metavar="DB", help="speech to background power ratio of the output"
    )
    parser.add_argument(
        "--speed", type=finite_float, default=1.0, metavar="X", help="speaking rate; 2 is twice as fast (default: 1)"
    )
    parser.add_argument(
        "--pitch-range", type=finite_float, metavar="X",
        help="factor of the intonation; 0 is monotonous, 2 is lively (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=random_seed, default=0, metavar="N",
        help="random seed of the speech, and of the excerpt of a long background (default: 0)",
    )  # fmt: skip
    parser.add_argument("--stems", action="store_true", help="also write OUT.speech and OUT.background")
    options.add_rescale(parser)


def run(args: Namespace) -> int:
    """Synthesize and return the exit code."""
    from espnet2_decodec.atomic import atomic_group, is_stream
    from espnet2_decodec.cli.console import note
    from espnet2_decodec.cli.jobs import check_exists, check_output
    from espnet2_decodec.cli.model import set_threads
    from espnet2_decodec.cli.pipeline import warn_of_level
    from espnet2_decodec.io.audio import AudioWriter, check_suffix, share_gain
    from espnet2_decodec.voice.tagging import COMMENT

    out = Path(args.output)
    check_suffix(out)
    targets = {"mix": out}
    if args.stems and is_stream(out):
        raise ValueError(f"--stems writes three files, so {out} cannot be the output; give a file.")
    if args.stems:
        targets |= {stem: out.with_name(f"{out.stem}.{stem}{out.suffix}") for stem in ("speech", "background")}
    check_output(*targets.values(), force=args.force)
    for path in (args.voice, None if args.background in NO_FILE else args.background):
        if path is not None:
            check_exists(path)
    _check_options(args)
    text = _read_text(args)
    set_threads()
    pairs, sample_rate = (_say_sentences if _check_models(text, args) else _say_characters)(text, args)
    writers = {stem: AudioWriter(path, sample_rate, rescale=True, comment=COMMENT) for stem, path in targets.items()}
    share_gain(writers.values())
    with atomic_group(), ExitStack() as stack:
        for writer in writers.values():
            stack.enter_context(writer)
        for speech, background in pairs:
            for stem, wav in (("mix", speech + background), ("speech", speech), ("background", background)):
                if stem in writers:
                    writers[stem].write(wav)
    for writer in writers.values():
        warn_of_level(writer, args.rescale)
    note(f"{out}: {writers['mix'].samples / sample_rate:.2f} s")
    return 0


Pairs = Iterable[tuple["Tensor", "Tensor"]]
"""Blocks of speech and background, samples [l] each."""


def _check_options(args: Namespace) -> None:
    """Check the options whose range is the same for all models.

    Raises:
        ValueError: if one is out of range, or a level is given without background.
    """
    from espnet2_decodec.voice.mixing import MixedBackground
    from espnet2_decodec.voice.speaking import check_pitch_range

    if args.background == "none":
        MixedBackground(None, args.gain, args.snr).check()
    if args.pitch_range is not None:
        check_pitch_range(args.pitch_range)


def _check_models(text: str, args: Namespace) -> bool:
    """Check text, speed and models before any weights are read; return whether a voice model is used.

    Raises:
        FileNotFoundError: if there is no such model.
        ValueError: if a model is of another kind, the text has no word, or characters that the model cannot read, or an
            option is out of range or not possible with the model.
    """
    from espnet2_decodec.codec.serialization import KINDS, model_folder, model_kind, read_config
    from espnet2_decodec.tts import synthesizer
    from espnet2_decodec.voice import text_to_semantic, voice_model
    from espnet2_decodec.voice.speaking import split_text

    folder = model_folder(args.model, kinds=(synthesizer.KIND, text_to_semantic.KIND))
    kind = model_kind(folder)
    if kind == text_to_semantic.KIND:
        text_to_semantic.check_speed(args.speed, text_to_semantic.SPEEDS)
        split_text(text)
        uses_voice_model = True
    elif kind == synthesizer.KIND:
        text_to_semantic.check_speed(args.speed, synthesizer.SPEEDS)
        synthesizer.read_tokenizer(folder).encode(text)
        uses_voice_model = bool(args.voice_model) or synthesizer.is_semantic_only(folder)
    else:
        name = f"a {KINDS[kind]}" if kind in KINDS else "another model"
        raise ValueError(f"{folder} is {name}; --model needs a text model, or a text-to-speech model of the recipe.")
    if uses_voice_model:
        path = model_folder(args.voice_model or voice_model.DEFAULT_VOICE_MODEL, kinds=(voice_model.KIND,))
        read_config(path, voice_model.KIND)
    elif args.pitch_range is not None:
        raise ValueError(
            f"--pitch-range is not possible with {args.model}, a model that predicts tokens of the codec, without "
            "--voice-model."
        )
    return uses_voice_model


def _read_text(args: Namespace) -> str:
    """The text from the argument, a file or the standard input.

    Raises:
        ValueError: if it is not UTF-8.
        OSError: if it cannot be read.
    """
    import sys

    if args.text_file is None and args.text != "-":
        return args.text
    from_stdin = args.text_file in (None, "-")
    data = sys.stdin.buffer.read() if from_stdin else Path(args.text_file).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        name = "The standard input" if from_stdin else args.text_file
        raise ValueError(f"{name} is not text in UTF-8: byte {error.start} is wrong; convert it first.") from None


def _say_sentences(text: str, args: Namespace) -> tuple[Pairs, int]:
    """Blocks of the models of the package, and their sample rate."""
    from espnet2_decodec.cli.console import track_files
    from espnet2_decodec.cli.voice_files import VoiceFiles
    from espnet2_decodec.tts import VoiceTTS
    from espnet2_decodec.voice.default_voice import DEFAULT_VOICE
    from espnet2_decodec.voice.mixing import MixedBackground, mix_blocks
    from espnet2_decodec.voice.voice_model import DEFAULT_VOICE_MODEL

    tts = VoiceTTS.from_pretrained(args.model, args.voice_model or DEFAULT_VOICE_MODEL, device=args.device)
    sentences, voice = tts.split(text), args.voice or DEFAULT_VOICE
    path = {"none": None, "voice": voice, "prompt": voice}.get(args.background, args.background)
    files = VoiceFiles(tts.codec)
    mixed = MixedBackground(None if path is None else files.background(path), args.gain, args.snr, args.seed)
    mixed.check()
    pitch_range = 1.0 if args.pitch_range is None else args.pitch_range
    parts = tts.speak(
        track_files(sentences, "say", "sentences"), files.prompt(voice), args.speed, pitch_range, seed=args.seed
    )
    return mix_blocks(tts.synthesize(parts), mixed, tts.sample_rate), tts.sample_rate


def _say_characters(text: str, args: Namespace) -> tuple[Pairs, int]:
    """The output of a model of the recipe, and its sample rate."""
    from espnet2_decodec.tts import TTS
    from espnet2_decodec.voice.default_voice import DEFAULT_VOICE

    tts = TTS.from_pretrained(args.model, args.device)
    background = "prompt" if args.background == "voice" else args.background
    output = tts(
        text,
        args.voice or DEFAULT_VOICE,
        background=background,
        background_gain=args.gain,
        background_snr=args.snr,
        speed=args.speed,
        seed=args.seed,
    )
    return [(output.speech, output.background)], tts.sample_rate
