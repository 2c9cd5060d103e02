"""The tokens of a set to waveforms."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.manifest import Manifest
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.data.settings import Settings
from espnet2_decodec.data.tokenize import LENGTHS, TABLES
from espnet2_decodec.io import npy
from espnet2_decodec.io.audio import write

STREAMS = {"speech": (True, False), "background": (False, True), "both": (True, True)}
"""What is heard -> (speech, background) of `DeCodec.decode`."""


def resynthesize(tokens: str | Path, out: str | Path, settings: Settings, streams: str = "both", jobs: int = 1) -> int:
    """Decode a folder that `tokenize` wrote to <streams>/<uttid>.wav, with <streams>.scp.

    Args:
        tokens: the folder.
        out: folder to write to; wavs that it holds already are not made again.
        settings: the codec; its levels do not matter.
        streams: speech, background or both.
        jobs: processes.

    Returns:
        How many wavs were written now.

    Raises:
        ValueError: if the tokens are of another codec, or `streams` is something else.
    """
    tokens, out = Path(tokens), Path(out)
    if streams not in STREAMS:
        raise ValueError(f"What can be decoded is one of {', '.join(STREAMS)}, not {streams!r}.")
    manifest = Manifest(tokens).read()
    paths, lengths = read_table(tokens / TABLES["speech"]), read_table(tokens / LENGTHS)
    if not Manifest.describe(settings.codec()).items() <= manifest.items():
        raise ValueError(f"The tokens in {tokens} were made by another codec than {settings.name}.")
    Manifest(out).check(manifest | {"from": "tokens"})
    wavs = {key: out / streams / f"{check_id(key)}.wav" for key in paths}
    todo = [key for key in paths if not wavs[key].is_file()]
    count = sum(1 for _ in parallel_map(partial(Decoder, paths, lengths, wavs, settings, streams), todo, jobs, streams))
    write_table(out / f"{streams}.scp", {key: path.resolve() for key, path in wavs.items()})
    return count


class Decoder:
    """Writes one decoded recording after the other."""

    def __init__(self, paths: dict, lengths: dict, wavs: dict, settings: Settings, streams: str):
        self.paths, self.lengths, self.wavs = paths, lengths, wavs
        self.streams, self.codec = STREAMS[streams], settings.codec()

    def __call__(self, key: str) -> None:
        """Decode recording `key`."""
        codes = npy.load(self.paths[key], self.codec.sample_rate, self.codec.hop)
        codes = replace(codes, lengths=torch.tensor([int(self.lengths[key])]))
        wav = self.codec.decode(codes.to(next(self.codec.parameters()).device), *self.streams)
        write(self.wavs[key], [wav[0]], self.codec.sample_rate)
