"""All recordings of a wav.scp to their speech and their background."""

from functools import partial
from pathlib import Path

from espnet2_decodec.io.audio_writer import write
from espnet2_decodec.sets.claim import about, claim
from espnet2_decodec.sets.parallel import spread
from espnet2_decodec.sets.settings import Settings
from espnet2_decodec.sets.tables import check_id, read_table, write_table
from espnet2_decodec.sets.tokenize import load

STEMS = ("speech", "background")


def separate(scp: str | Path, out: str | Path, settings: Settings, quantize: bool = True, jobs: int = 1) -> int:
    """Split all recordings of a wav.scp to {speech,background}/<uttid>.wav, with speech.scp and background.scp.

    Args:
        scp: lines of uttid and path; any sample rate and number of channels.
        out: folder to write to; recordings that it holds already are not made again.
        settings: the codec and its levels.
        quantize: False leaves the quantizers out.
        jobs: processes.

    Returns:
        How many recordings were separated now.

    Raises:
        ValueError: if `out` holds stems of another codec or other options, or a recording cannot be read.
    """
    out, paths = Path(out), read_table(scp)
    codec = settings.codec()
    claim(out, about(codec) | settings.levels(codec) | {"quantize": quantize})
    del codec
    wavs = {key: tuple(out / stem / f"{check_id(key)}.wav" for stem in STEMS) for key in paths}
    todo = [key for key in paths if not all(path.is_file() for path in wavs[key])]
    count = sum(1 for _ in spread(partial(Separator, paths, wavs, settings, quantize), todo, jobs, "separate"))
    for i, stem in enumerate(STEMS):
        write_table(out / f"{stem}.scp", {key: files[i].resolve() for key, files in wavs.items()})
    return count


class Separator:
    """Writes the stems of one recording after the other."""

    def __init__(self, paths: dict, wavs: dict, settings: Settings, quantize: bool):
        self.paths, self.wavs, self.settings = paths, wavs, settings
        self.quantize, self.codec = quantize, settings.codec()

    def __call__(self, key: str) -> None:
        """Separate recording `key`."""
        levels = self.settings.speech_levels, self.settings.background_levels
        stems = self.codec.separate(load(self.paths[key], self.codec), None, self.quantize, *levels)
        for path, wav in zip(self.wavs[key], (stems.speech, stems.background)):
            write(path, [wav[0]], self.codec.sample_rate)
