"""Examples for the demo page: bundled recordings, separated, coded at several bit rates, remixed and converted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.conversion.convert import convert
from espnet2_decodec.data.levels import scale_background
from espnet2_decodec.evaluation.examples import Example, file_name, write_audio
from espnet2_decodec.evaluation.metrics.registry import si_sdr
from espnet2_decodec.evaluation.report.players import ExampleSection
from espnet2_decodec.io.audio import read
from espnet2_decodec.progress import progress
from espnet2_decodec.tts import TTS, VoiceTTS
from espnet2_decodec.voice import VoiceModel

SEPARATION, CODING, CLEAN_SPEECH, REMIX, CONVERSION, SPEECH_SYNTHESIS = (
    "Separation",
    "Tokens at two bit rates",
    "Clean speech at three bit rates",
    "Remix",
    "Voice conversion",
    "Text to speech",
)
TEXTS = {
    SEPARATION: "Speech and background as the encoder separates them, before quantization. SI-SDR is given for the "
    "mixture and for the separated stems, against the reference stems that were mixed.",
    CODING: "One encoded recording, decoded from both streams together and from each stream alone: from all levels of "
    "the residual vector quantizers, and from their first levels only.",
    CLEAN_SPEECH: "Recordings without background, decoded from all levels of the speech, from fewer, and from the "
    "first ones, by this model and by decodec-16k, which has no semantic level and no post-filter.",
    REMIX: "Speech tokens of one recording and background tokens of another, decoded together.",
    CONVERSION: "The content and timing of the source in the voice of the reference, another recording with another "
    "speaker; without quantization.",
    SPEECH_SYNTHESIS: "A text in the voice of the prompt, whose background is removed or kept.",
}


@dataclass(frozen=True)
class DemoMixture:
    """A mixture of two of the bundled recordings.

    Attributes:
        name: name of the example.
        speech, background: audio files relative to the folder of bundled recordings.
        snr: speech-to-background power ratio in dB.
    """

    name: str
    speech: str
    background: str
    snr: float


MIXTURES = (
    DemoMixture("English, a woman, in rain", "asterisk_en/vm_tmpexists", "megaglest_birch/birch_forest_rain", 5.0),
    DemoMixture(
        "Italian, a man, with music", "asterisk_it/priv_introsaved", "moh_reno_project/moh_reno_project_system", 5.0
    ),
    DemoMixture(
        "English, a woman, passed by a motorcycle",
        "asterisk_en/priv_introsaved",
        "scratch/Effects_MotorcyclePassing",
        0.0,
    ),
)
REFERENCE_SPEECH = "asterisk_it/dictate_record_help", "asterisk_en/vm_tempgreeting2"
"""Recordings of the voices that the first and the second mixture are converted to."""
LOW_LEVELS = 3, 2
"""Speech and background levels of the lower bit rate."""
SPEECH_LEVELS = 10, 6, 3
"""Levels of clean speech."""


@dataclass(frozen=True)
class Mixture:
    """Samples of a mixture and its reference stems, each [L]."""

    name: str
    snr: float
    mixture: Tensor
    speech: Tensor
    background: Tensor


def find_recordings() -> Path:
    """The folder of bundled recordings, in the source tree of this package or below the working directory.

    Raises:
        FileNotFoundError: if there is none.
    """
    for root in (Path(__file__).parents[3], Path.cwd()):
        folder = root / "local" / "mini" / "audio"
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        "The bundled recordings local/mini/audio were not found; run this command in a clone of the repository."
    )


def make_mixtures(folder: Path, sample_rate: int) -> list[Mixture]:
    """Mix the bundled recordings.

    Raises:
        ValueError: if a recording cannot be read.
    """
    mixtures = []
    for item in MIXTURES:
        speech, background = (read(folder / f"{file}.flac", sample_rate) for file in (item.speech, item.background))
        background = scale_background(loop_to_length(background, len(speech)), speech, None, item.snr)
        gain = min(1.0, 0.95 / float((speech + background).abs().max()))
        speech, background = gain * speech, gain * background
        mixtures.append(Mixture(item.name, item.snr, speech + background, speech, background))
    return mixtures


def demo_sections(
    codec: DeCodec,
    recordings: Path,
    out: Path,
    tts: TTS | VoiceTTS | None = None,
    text: str = "",
    voice: tuple[DeCodec, VoiceModel] | None = None,
    baseline: DeCodec | None = None,
) -> list[ExampleSection]:
    """Compute all examples and write their audio files.

    Args:
        codec: the model.
        recordings: folder of bundled recordings.
        out: folder for the audio files.
        tts: text-to-speech model; None leaves that section out.
        text: text to synthesize.
        voice: voice model and its codec, for the conversion; None to shift mel envelope and f0.
        baseline: decodec-16k, beside which clean speech is decoded; None leaves that section out.

    Raises:
        ValueError: if a recording cannot be read, or the text cannot be synthesized.
    """
    mixtures = make_mixtures(recordings, codec.sample_rate)
    voices = [read(recordings / f"{file}.flac", codec.sample_rate) for file in REFERENCE_SPEECH]
    parts = [
        (SEPARATION, _separate(codec, mixtures)),
        (CODING, _code(codec, mixtures[:2])),
        *(
            [(CLEAN_SPEECH, _code_clean_speech({"this model": codec, "decodec-16k": baseline}, mixtures[:2]))]
            if baseline
            else []
        ),
        (REMIX, _remix(codec, mixtures)),
    ]
    if voice is not None:
        parts.append((CONVERSION, _convert(voice[0], mixtures, voices, voice[1])))
    elif codec.parametric_levels:
        parts.append((CONVERSION, _convert(codec, mixtures, voices)))
    if tts is not None:
        parts.append((SPEECH_SYNTHESIS, _synthesize(tts, mixtures, text)))
    sections = []
    for group, sounds in progress(parts, desc="demo", unit="sections"):
        examples: dict[str, list[tuple[Example, Path]]] = {}
        for example, label, wav, note in sounds:
            path = out / file_name(group, example, label)
            write_audio(path, wav.cpu(), codec.sample_rate)
            examples.setdefault(example, []).append((Example(group, example, label, path.name, note), path))
        sections.append(ExampleSection(group, TEXTS[group], list(examples.items())))
    return sections


Sounds = Iterator[tuple[str, str, Tensor, str]]
"""Example, label, samples [L], note."""


def _separate(codec: DeCodec, mixtures: Sequence[Mixture]) -> Sounds:
    """Mixture, separated stems, and the reference stems."""
    for item in mixtures:
        stems = codec.separate(item.mixture[None].to(codec_device(codec)), quantize=False)
        yield item.name, "mixture", item.mixture, f"SNR {item.snr:g} dB"
        for stem in ("speech", "background"):
            wav, reference = getattr(stems, stem)[0].cpu(), getattr(item, stem)
            before, after = (si_sdr(reference, x, codec.sample_rate) for x in (item.mixture, wav))
            yield item.name, f"separated {stem}", wav, f"SI-SDR {_signed(after)} dB (mixture: {_signed(before)} dB)"
        yield item.name, "separated speech + background", (stems.speech + stems.background)[0], "sum of both stems"
        yield item.name, "reference speech", item.speech, "before mixing"
        yield item.name, "reference background", item.background, "before mixing"


def _code(codec: DeCodec, mixtures: Sequence[Mixture]) -> Sounds:
    """Both streams decoded together and alone, from all levels and from few."""
    rates = (codec.speech_levels, codec.background_levels), LOW_LEVELS
    for item in mixtures:
        for speech_levels, background_levels in rates:
            levels = min(speech_levels, codec.speech_levels), min(background_levels, codec.background_levels)
            codes = codec.encode(item.mixture[None].to(codec_device(codec)), None, *levels)
            kbps = [codec.kbps(count) for count in levels]
            for label, rate, note, streams in (
                ("mixture", sum(kbps), f"{levels[0]} + {levels[1]} levels", {}),
                ("speech", kbps[0], f"{levels[0]} levels", {"background": False}),
                ("background", kbps[1], f"{levels[1]} levels", {"speech": False}),
            ):
                yield item.name, f"{label}, {rate:g} kbit/s", codec.decode(codes, **streams)[0], note


def _code_clean_speech(codecs: Mapping[str, DeCodec], mixtures: Sequence[Mixture]) -> Sounds:
    """The speech of mixtures without their backgrounds, decoded by several codecs."""
    for item in mixtures:
        yield item.name, "reference", item.speech, "before encoding"
        for name, codec in codecs.items():
            for levels in SPEECH_LEVELS:
                codes = codec.encode(item.speech[None].to(codec_device(codec)), None, levels, 0)
                yield item.name, f"{name}, {codec.kbps(levels):g} kbit/s", codec.decode(codes)[0], f"{levels} levels"


def _remix(codec: DeCodec, mixtures: Sequence[Mixture]) -> Sounds:
    """Speech of each mixture over the background of the next one."""
    codes = [codec.encode(item.mixture[None].to(codec_device(codec))) for item in mixtures]
    for i in range(len(mixtures) - 1):
        first, second = mixtures[i], mixtures[i + 1]
        example = f"{first.name.split(',')[0]} speech over another background"
        yield example, "recording with the speech", first.mixture, first.name
        yield example, "recording with the background", second.mixture, second.name
        kbps = codec.kbps(codec.speech_levels) + codec.kbps(codec.background_levels)
        yield example, "remix", codec.remix(codes[i], codes[i + 1])[0], f"{kbps:g} kbit/s"


def _convert(
    codec: DeCodec, mixtures: Sequence[Mixture], voices: Sequence[Tensor], model: VoiceModel | None = None
) -> Sounds:
    """Mixtures in other voices, without their background."""
    for item, voice in zip(mixtures, voices):
        source, reference = (x[None].to(codec_device(codec)) for x in (item.mixture, voice))
        yield item.name, "source", item.mixture, "its background is removed"
        yield item.name, "reference", voice, "the target voice"
        yield item.name, "converted", convert(codec, source, reference, voice_model=model)[0], ""


def _synthesize(tts: TTS | VoiceTTS, mixtures: Sequence[Mixture], text: str) -> Sounds:
    """A text in the voice of a mixture, without and with its background."""
    for item in mixtures[:2]:
        yield item.name, "prompt", item.mixture, ""
        yield item.name, "without background", tts(text, item.mixture).mix, text
        yield item.name, "with the background of the prompt", tts(text, item.mixture, background="prompt").mix, text


def codec_device(codec: DeCodec) -> torch.device:
    """The device of the codec's parameters."""
    return next(codec.parameters()).device


def _signed(decibels: float) -> str:
    """A value in dB with a typographic minus sign."""
    return f"{decibels:.1f}".replace("-", "\N{MINUS SIGN}")
