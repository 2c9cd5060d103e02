"""All recordings of a wav.scp to tokens, one pair of .npy files each."""

from functools import partial
from pathlib import Path

from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.io import npy
from espnet2_decodec.io.audio import read
from espnet2_decodec.sets.claim import about, claim
from espnet2_decodec.sets.parallel import spread
from espnet2_decodec.sets.settings import Settings
from espnet2_decodec.sets.tables import check_id, read_table, write_table

LENGTHS = "utt2num_samples"
"""How long each recording is at the codec's rate."""
TABLES = {"speech": "codes_speech.scp", "background": "codes_background.scp"}
"""Stream -> uttid and path of its int16 (T, K) array."""


def tokenize(scp: str | Path, out: str | Path, settings: Settings, jobs: int = 1) -> int:
    """Write codes/<uttid>.{speech,background}.npy, (T, K) int16 each, with codes_{speech,background}.scp and
    utt2num_samples.

    Recordings may have any sample rate and number of channels. Those that `out` holds already are not made again.

    Args:
        scp: lines of uttid and path.
        out: folder to write to.
        settings: the codec and its levels.
        jobs: processes.

    Returns:
        How many recordings were tokenized now.

    Raises:
        ValueError: if `out` holds tokens of another codec or other levels, or a recording cannot be read.
    """
    out, paths = Path(out), read_table(scp)
    codec = settings.codec()
    claim(out, about(codec) | settings.levels(codec))
    del codec
    stems = {key: out / "codes" / check_id(key) for key in paths}
    lengths = read_table(out / LENGTHS) if (out / LENGTHS).is_file() else {}
    todo = [key for key in paths if key not in lengths or not all(file.is_file() for file in npy.paths(stems[key]))]
    made = {}
    try:
        for key, length in zip(todo, spread(partial(Tokenizer, paths, stems, settings), todo, jobs, "tokenize")):
            made[key] = length
    finally:
        if made:
            write_table(out / LENGTHS, lengths | made)
    for i, table in enumerate(TABLES.values()):
        write_table(out / table, {key: npy.paths(stem)[i].resolve() for key, stem in stems.items()})
    return len(made)


class Tokenizer:
    """Writes the tokens of one recording after the other."""

    def __init__(self, paths: dict[str, str], stems: dict[str, Path], settings: Settings):
        self.paths, self.stems, self.settings, self.codec = paths, stems, settings, settings.codec()

    def __call__(self, key: str) -> int:
        """The length of recording `key` in samples, its tokens written."""
        wav = load(self.paths[key], self.codec)
        codes = self.codec.encode(wav, None, self.settings.speech_levels, self.settings.background_levels)
        npy.save(self.stems[key], codes.to("cpu"))
        return wav.shape[1]


def load(path: str | Path, codec: DeCodec) -> Tensor:
    """A recording as [1, L] at the codec's rate, on its device."""
    return read(path, codec.sample_rate)[None].to(next(codec.parameters()).device)
