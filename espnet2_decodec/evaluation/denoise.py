"""Denoised copies of data directories: test sets of recognition, and prompts of text-to-speech."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.io.audio import read, write

COPIED_TABLES = ("text", "utt2spk", "spk2utt", "utt2dur")


class DenoisingWorker:
    """Writes the speech that a system estimates of one recording after the other, at the system's own sample rate."""

    def __init__(self, system: str, paths: dict[str, str], wavs: dict[str, Path]):
        self.system, self.paths, self.wavs = build(system), paths, wavs

    def __call__(self, key: str) -> None:
        """Denoise recording `key`.

        Raises:
            ValueError: if the system gives no estimate of the speech.
        """
        sample_rate = self.system.sample_rate
        estimates = self.system(read(self.paths[key], sample_rate), sample_rate)
        if "speech" not in estimates:
            raise ValueError(f"The system gives no estimate of the speech of {key}.")
        write(self.wavs[key], [estimates["speech"]], sample_rate)


def denoise_sets(sets: Sequence[str | Path], system: str, out: str | Path, jobs: int = 1) -> int:
    """Write out/<set> for each of these data directories, with the denoised recordings, and its text where it has one.

    Args:
        sets: data directories.
        system: spec as for `decodec evaluate --systems`, such as gtcrn or decodec:unquantized.
        out: folder; recordings that it has already are kept.
        jobs: processes.

    Returns:
        The number of recordings denoised by this call.

    Raises:
        ValueError: if the system is unknown or unavailable here, or gives no estimate of the speech.
    """
    total = 0
    for folder in map(Path, sets):
        paths, target = read_table(folder / "wav.scp"), Path(out, folder.name)
        wavs = {key: target / "wav" / f"{key}.wav" for key in paths}
        todo = [key for key in paths if not wavs[key].is_file()]
        worker = partial(DenoisingWorker, system, paths, wavs)
        try:
            total += len(list(parallel_map(worker, todo, jobs, f"denoise {folder.name}")))
        except Unavailable as problem:
            raise ValueError(f"{system} cannot be used: {problem}") from None
        write_table(target / "wav.scp", {key: path.resolve() for key, path in wavs.items()})
        for name in COPIED_TABLES:
            if (folder / name).is_file():
                with atomic_write(target / name) as temporary:
                    shutil.copyfile(folder / name, temporary)
    return total
