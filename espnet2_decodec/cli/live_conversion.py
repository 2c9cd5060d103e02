"""Live conversion of samples to the voice of a recording, for `decodec stream --voice`."""

from argparse import Namespace
from collections.abc import Iterable, Iterator

from torch import Tensor

from espnet2_decodec.cli.voice_files import VoiceFiles
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming.latent import require_receptive_field
from espnet2_decodec.voice.converter import CONTEXT_FRAMES, F0_FRAMES, VoiceConverter, statistics_frames
from espnet2_decodec.voice.sources import RecordedSource, convert_source
from espnet2_decodec.voice.voice_model import DEFAULT_VOICE_MODEL, VoiceModel

DEFAULT_STREAM_MODEL = "decodec-16k-causal"

BLOCK_FRAMES = 75
"""Frames that are computed at a time, 1.5 s: fewer shorten the latency and take more time per second of audio."""

STATISTICS_SECONDS = 3.0
"""Default duration of the source that is measured before the first sample is returned."""


def check_options(args: Namespace) -> None:
    """Check that options for --voice, and only those, are given with it.

    Raises:
        ValueError: if not.
    """
    for name in ("voice_model", "keep_pitch", "statistics"):
        if getattr(args, name) and args.voice is None:
            raise ValueError(f"--{name.replace('_', '-')} needs --voice.")
    for name in ("speech_levels", "speech_kbps", "background_levels", "background_kbps"):
        if getattr(args, name) is not None and args.voice is not None:
            raise ValueError(f"--{name.replace('_', '-')} is not possible with --voice, which quantizes nothing.")


def load_voice_model(args: Namespace) -> VoiceModel | None:
    """The voice model, None without --voice; sets --model if it was not given.

    Raises:
        FileNotFoundError, ValueError: if it cannot be used.
    """
    if args.voice is None:
        args.model = args.model or DEFAULT_STREAM_MODEL
        return None
    model = VoiceModel.from_pretrained(args.voice_model or DEFAULT_VOICE_MODEL).to(args.device)
    args.model = args.model or model.options["codec"]
    return model


class LiveConversion:
    """Samples of one recording in the voice of another, as soon as they are known.

    Args:
        codec: that the voice model was trained with.
        model: voice model.
        args: values of `decodec stream`: voice, keep_pitch, statistics.

    Raises:
        OSError, ValueError: if the models do not fit, or the recording of the voice cannot be used.
    """

    def __init__(self, codec: DeCodec, model: VoiceModel, args: Namespace):
        model.check_codec(codec)
        seconds = args.statistics or STATISTICS_SECONDS
        statistics_frames(codec, seconds)  # before the recording of the voice is read
        self.codec = codec
        self.converter = VoiceConverter(
            model,
            codec,
            VoiceFiles(codec).prompt(args.voice),
            not args.keep_pitch,
            statistics_seconds=seconds,
            block_frames=BLOCK_FRAMES,
        )

    @property
    def latency(self) -> int:
        """Samples between an input and its output, without the time of computation.

        The larger one of what the first output takes, and of what the blocks that follow take.
        """
        (_, encoder), (_, decoder) = require_receptive_field(self.codec)
        first = _whole_blocks(encoder + self.converter.look_ahead)
        other = _whole_blocks(encoder + CONTEXT_FRAMES + F0_FRAMES) + BLOCK_FRAMES + decoder
        return max(first, other) * self.codec.hop

    def __call__(self, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Blocks of samples [l] -> blocks of converted samples, as many in total."""
        return convert_source(self.converter, RecordedSource(self.codec, blocks, BLOCK_FRAMES), BLOCK_FRAMES)


def _whole_blocks(frames: int) -> int:
    """The next multiple of `BLOCK_FRAMES`."""
    return -(-frames // BLOCK_FRAMES) * BLOCK_FRAMES
