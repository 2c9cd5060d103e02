"""The tokens of a set decoded to wav files."""

from collections.abc import Sequence
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
    tokens: str | Path,
    out: str | Path,
    options: CodecOptions,
    streams: Sequence[str] = ("both",),
    jobs: int = 1,
    part: tuple[int, int] | None = None,
) -> int:
    """Decode a folder that `tokenize` wrote to <stream>/<uttid>.wav, with <stream>.scp.

    Args:
        tokens: input folder.
        out: output folder; files that it has already are kept.
        options: the codec; its levels have no effect.
        streams: some of speech, background and both.
        jobs: number of processes.
        part: (k, n) decodes every n-th recording, beginning with number k of 1..n, and writes no tables; a call without
            it then writes them.

    Returns:
        Number of wav files written now.

    Raises:
        ValueError: if the tokens are of another codec, or `streams` has an unknown one.
    """
    tokens, out = Path(tokens), Path(out)
    unknown = [stream for stream in streams if stream not in STREAMS]
    if unknown:
        raise ValueError(f"Streams to decode are {', '.join(STREAMS)}, not {unknown[0]!r}.")
    manifest = Manifest(tokens).read()
    paths, lengths = read_table(tokens / TABLES["speech"]), read_table(tokens / LENGTHS)
    if not Manifest.describe(options.load()).items() <= manifest.items():
        raise ValueError(f"The tokens in {tokens} were made by another codec than {options.name}.")
    Manifest(out).check(manifest | {"from": "tokens"})
    wavs = {stream: {key: out / stream / f"{check_id(key)}.wav" for key in paths} for stream in streams}
    own = list(paths)[part[0] - 1 :: part[1]] if part else list(paths)
    todo = [f"{stream}/{key}" for stream in streams for key in own if not wavs[stream][key].is_file()]
    worker = partial(_Resynthesizer, paths, lengths, out, options)
    count = sum(1 for _ in parallel_map(worker, todo, jobs, "resynthesize"))
    for stream in streams if not part else ():
        write_table(out / f"{stream}.scp", {key: path.resolve() for key, path in wavs[stream].items()})
    return count


class _Resynthesizer:
    """Worker that decodes a recording to a wav file."""

    def __init__(self, paths: dict[str, str], lengths: dict[str, str], out: Path, options: CodecOptions):
        self.paths, self.lengths, self.out, self.codec = paths, lengths, out, options.load()

    def __call__(self, stream_and_key: str) -> None:
        stream, _, key = stream_and_key.partition("/")
        codes = npy.load(self.paths[key], self.codec.sample_rate, self.codec.hop)
        codes = replace(codes, lengths=torch.tensor([int(self.lengths[key])]))
        wav = self.codec.decode(codes.to(next(self.codec.parameters()).device), *STREAMS[stream])
        write(self.out / stream / f"{key}.wav", [wav[0]], self.codec.sample_rate)
