"""All recordings of a wav.scp to tokens, one pair of .npy files each."""

from functools import partial
from pathlib import Path

from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.manifest import Manifest
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.data.settings import Settings
from espnet2_decodec.io import npy
from espnet2_decodec.io.audio import read
from espnet2_decodec.io.identity import content_id

LENGTHS = "utt2num_samples"
"""How long each recording is at the codec's rate."""
TABLES = {"speech": "codes_speech.scp", "background": "codes_background.scp", "content": "codes_content.scp"}
"""Stream -> uttid and path of its int16 (T, K) array."""


def tokenize(scp: str | Path, out: str | Path, settings: Settings, jobs: int = 1) -> int:
    """Write codes/<uttid>.{speech,background}.npy, (T, K) int16 each, with codes_{speech,background}.scp and
    utt2num_samples; of the content, codes/<uttid>.content.npy and codes_content.scp.

    Recordings may have any sample rate and number of channels. Those that `out` holds already are not made again.

    Args:
        scp: lines of uttid and path.
        out: folder to write to.
        settings: the codec and its levels.
        jobs: processes.

    Returns:
        How many recordings were tokenized now.

    Raises:
        ValueError: if `out` holds tokens of another codec or other levels, a recording cannot be read, or its content
            has not as many levels.
    """
    out, paths = Path(out), read_table(scp)
    codec = settings.codec()
    levels = _content_entries(codec, settings.content) if settings.content else settings.levels(codec)
    Manifest(out).check(Manifest.describe(codec) | levels)
    del codec
    stems = {key: out / "codes" / check_id(key) for key in paths}
    lengths = read_table(out / LENGTHS) if (out / LENGTHS).is_file() else {}
    streams = ("content",) if settings.content else npy.STREAMS
    todo = [key for key in paths if key not in lengths or not all(npy.path(stems[key], s).is_file() for s in streams)]
    made = {}
    try:
        for key, length in zip(todo, parallel_map(partial(Tokenizer, paths, stems, settings), todo, jobs, "tokenize")):
            made[key] = length
    finally:
        if made:
            write_table(out / LENGTHS, lengths | made)
    for stream in streams:
        write_table(out / TABLES[stream], {key: npy.path(stem, stream).resolve() for key, stem in stems.items()})
    return len(made)


class Tokenizer:
    """Writes the tokens of one recording after the other."""

    def __init__(self, paths: dict[str, str], stems: dict[str, Path], settings: Settings):
        self.paths, self.stems, self.settings, self.codec = paths, stems, settings, settings.codec()

    def __call__(self, key: str) -> int:
        """The length of recording `key` in samples, its tokens written."""
        wav = load(self.paths[key], self.codec)
        if self.settings.content:
            npy.save_stream(
                npy.path(self.stems[key], "content"), self.codec.content_tokens(wav)[0, : self.settings.content]
            )
            return wav.shape[1]
        codes = self.codec.encode(wav, None, self.settings.speech_levels, self.settings.background_levels)
        npy.save(self.stems[key], codes.to("cpu"))
        return wav.shape[1]


def _content_entries(codec: DeCodec, levels: int) -> dict[str, str | int]:
    """What tells the tokens of this content from those of another."""
    encoder = codec.content_encoder
    most = 0 if encoder is None else encoder.levels
    if not 0 < levels <= most:
        raise ValueError(f"The content of this codec has {most} levels of tokens, so not {levels}.")
    return {"content": content_id(encoder).hex(), "content_levels": levels}


def load(path: str | Path, codec: DeCodec) -> Tensor:
    """A recording as [1, L] at the codec's rate, on its device."""
    return read(path, codec.sample_rate)[None].to(next(codec.parameters()).device)
