"""Sets as a denoiser leaves them: test sets to be recognized in place of the noisy ones, and prompts of voices."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import soundfile

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.io.audio import read

TABLES = ("text", "utt2spk", "spk2utt", "utt2dur")
"""What goes along with the recordings, where it is there."""


class Denoiser:
    """Writes the speech that a system finds in one recording after the other."""

    def __init__(self, system: str, paths: dict[str, str], wavs: dict[str, Path]):
        self.system, self.paths, self.wavs = build(system), paths, wavs

    def __call__(self, key: str) -> None:
        """Denoise recording `key`, at the system's own sample rate."""
        rate = self.system.sample_rate
        speech = self.system(read(self.paths[key], rate), rate)["speech"]
        with atomic_write(self.wavs[key]) as temporary:
            soundfile.write(temporary, speech.clamp(-1, 1).numpy(), rate, subtype="PCM_16", format="WAV")


def denoise(sets: Sequence[str | Path], system: str, out: str | Path, jobs: int = 1) -> int:
    """Write out/<set> for each of these data directories, with the denoised recordings, and its text where it has one.

    Args:
        sets: data directories.
        system: as `decodec evaluate --systems` takes it, such as gtcrn or decodec:unquantized.
        out: folder; recordings that it holds already are not made again.
        jobs: processes.

    Returns:
        How many recordings were denoised now.

    Raises:
        ValueError: if the system is not known, cannot be had here, or answers with no speech.
    """
    total = 0
    for folder in map(Path, sets):
        paths, target = read_table(folder / "wav.scp"), Path(out, folder.name)
        wavs = {key: target / "wav" / f"{key}.wav" for key in paths}
        todo = [key for key in paths if not wavs[key].is_file()]
        try:
            total += sum(1 for _ in parallel_map(partial(Denoiser, system, paths, wavs), todo, jobs, folder.name))
        except Unavailable as problem:
            raise ValueError(f"{system} cannot be used: {problem}") from None
        except KeyError:
            raise ValueError(f"{system} answers with no speech.") from None
        write_table(target / "wav.scp", {key: path.resolve() for key, path in wavs.items()})
        for name in (name for name in TABLES if (folder / name).is_file()):
            shutil.copyfile(folder / name, target / name)
    return total
