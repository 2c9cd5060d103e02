"""The recordings of a wav.scp as tokens: one .npy file per recording and stream."""

from functools import partial
from pathlib import Path

from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.codec_options import CodecOptions
from espnet2_decodec.data.kaldi import check_id, read_optional_table, read_table, write_table
from espnet2_decodec.data.manifest import Manifest
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.io import npy
from espnet2_decodec.io.audio import read
from espnet2_decodec.io.identity import content_id

LENGTHS = "utt2num_samples"
"""Table of the length of each recording at the codec's sample rate."""
TABLES = {"speech": "codes_speech.scp", "background": "codes_background.scp", "content": "codes_content.scp"}
"""Stream -> table of uttid and path of its int16 (T, K) array."""


def tokenize(
    scp: str | Path, out: str | Path, options: CodecOptions, jobs: int = 1, part: tuple[int, int] | None = None
) -> int:
    """Write the tokens of all recordings, with their tables and utt2num_samples.

    Files are codes/<uttid>.{speech,background}.npy, (T, K) int16 each, with codes_{speech,background}.scp; for content
    tokens codes/<uttid>.content.npy with codes_content.scp. Recordings may have any sample rate and number of
    channels. Files that `out` has already are kept.

    Args:
        scp: Kaldi table of uttid and path.
        out: output folder.
        options: the codec and its levels.
        jobs: number of processes.
        part: (k, n) processes every n-th recording, beginning with number k of 1..n, and writes no tables of tokens; a
            call without it then writes them.

    Returns:
        Number of recordings that were tokenized now.

    Raises:
        ValueError: if `out` has tokens of another codec or other levels, a recording cannot be read, or the codec does
            not have as many levels.
    """
    out, paths = Path(out), read_table(scp)
    codec = options.load()
    levels = _content_entries(codec, options.content) if options.content else options.levels(codec)
    Manifest(out).check(Manifest.describe(codec) | levels)
    del codec
    stems = {key: out / "codes" / check_id(key) for key in paths}
    lengths: dict[str, str] = dict(read_optional_table(out / LENGTHS))
    for table in sorted(out.glob(f"{LENGTHS}.*")):
        lengths |= read_table(table)
    length_table = out / (f"{LENGTHS}.{part[0]}_{part[1]}" if part else LENGTHS)
    own = list(paths)[part[0] - 1 :: part[1]] if part else list(paths)
    streams = ("content",) if options.content else npy.STREAMS
    todo = [key for key in own if key not in lengths or not all(npy.path(stems[key], s).is_file() for s in streams)]
    new_lengths = {}
    try:
        for key, length in zip(todo, parallel_map(partial(_Tokenizer, paths, stems, options), todo, jobs, "tokenize")):
            new_lengths[key] = str(length)
    finally:
        if new_lengths or (lengths and not part):
            write_table(length_table, (read_optional_table(length_table) if part else lengths) | new_lengths)
    if part:
        return len(new_lengths)
    for stream in streams:
        write_table(out / TABLES[stream], {key: npy.path(stem, stream).resolve() for key, stem in stems.items()})
    return len(new_lengths)


def read_for_codec(path: str | Path, codec: DeCodec) -> Tensor:
    """A recording [1, L] at the codec's sample rate, on its device."""
    return read(path, codec.sample_rate)[None].to(next(codec.parameters()).device)


class _Tokenizer:
    """Worker that writes the tokens of a recording and returns its length in samples."""

    def __init__(self, paths: dict[str, str], stems: dict[str, Path], options: CodecOptions):
        self.paths, self.stems, self.options, self.codec = paths, stems, options, options.load()

    def __call__(self, key: str) -> int:
        wav = read_for_codec(self.paths[key], self.codec)
        if self.options.content:
            codes = self.codec.content_tokens(wav)[0, : self.options.content]
            npy.save_stream(npy.path(self.stems[key], "content"), codes)
        else:
            npy.save(
                self.stems[key],
                self.codec.encode(wav, None, self.options.speech_levels, self.options.background_levels).to("cpu"),
            )
        return wav.shape[1]


def _content_entries(codec: DeCodec, levels: int) -> dict[str, str | int]:
    """Entries of the manifest that identify content tokens."""
    quantizer = codec.content_quantizer
    available = 0 if quantizer is None else quantizer.levels
    if quantizer is None or not 0 < levels <= available:
        raise ValueError(f"The content of this codec has {available} levels of tokens, so not {levels}.")
    return {"content": content_id(quantizer).hex(), "content_levels": levels}
