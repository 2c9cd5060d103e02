"""The tokens of a set decoded to wav files."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from espnet2_decodec.data.codec_options import CodecOptions
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.manifest import Manifest
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.data.tokenize import LENGTHS, TABLES
from espnet2_decodec.io import npy
from espnet2_decodec.io.audio import write

STREAMS = {"speech": (True, False), "background": (False, True), "both": (True, True)}
"""Decoded streams -> (speech, background) of `DeCodec.decode`."""


def resynthesize(
    tokens: str | Path, out: str | Path, options: CodecOptions, streams: str = "both", jobs: int = 1
) -> int:
    """Decode a folder that `tokenize` wrote to <streams>/<uttid>.wav, with <streams>.scp.

    Args:
        tokens: input folder.
        out: output folder; files that it has already are kept.
        options: the codec; its levels have no effect.
        streams: speech, background or both.
        jobs: number of processes.

    Returns:
        Number of wav files written now.

    Raises:
        ValueError: if the tokens are of another codec, or `streams` is unknown.
    """
    tokens, out = Path(tokens), Path(out)
    if streams not in STREAMS:
        raise ValueError(f"Streams to decode are {', '.join(STREAMS)}, not {streams!r}.")
    manifest = Manifest(tokens).read()
    paths, lengths = read_table(tokens / TABLES["speech"]), read_table(tokens / LENGTHS)
    if not Manifest.describe(options.load()).items() <= manifest.items():
        raise ValueError(f"The tokens in {tokens} were made by another codec than {options.name}.")
    Manifest(out).check(manifest | {"from": "tokens"})
    wavs = {key: out / streams / f"{check_id(key)}.wav" for key in paths}
    todo = [key for key in paths if not wavs[key].is_file()]
    worker = partial(_Resynthesizer, paths, lengths, wavs, options, streams)
    count = sum(1 for _ in parallel_map(worker, todo, jobs, streams))
    write_table(out / f"{streams}.scp", {key: path.resolve() for key, path in wavs.items()})
    return count


class _Resynthesizer:
    """Worker that decodes a recording to a wav file."""

    def __init__(
        self, paths: dict[str, str], lengths: dict[str, str], wavs: dict[str, Path], options: CodecOptions, streams: str
    ):
        self.paths, self.lengths, self.wavs = paths, lengths, wavs
        self.streams, self.codec = STREAMS[streams], options.load()

    def __call__(self, key: str) -> None:
        codes = npy.load(self.paths[key], self.codec.sample_rate, self.codec.hop)
        codes = replace(codes, lengths=torch.tensor([int(self.lengths[key])]))
        wav = self.codec.decode(codes.to(next(self.codec.parameters()).device), *self.streams)
        write(self.wavs[key], [wav[0]], self.codec.sample_rate)
