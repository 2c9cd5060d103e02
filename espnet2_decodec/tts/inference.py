"""All texts of a set, said."""

import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.io.audio import write
from espnet2_decodec.tts.speak import TTS

STEMS = ("mix", "speech", "background")
DECODED = ("all", "vocoder")


def say_all(
    model: str, text: str | Path, prompts: str | Path, out: str | Path, background: str, jobs: int, **options
) -> float:
    """Write out/<stem>/<uttid>.wav and out/<stem>.scp for the stems mix, speech and background; out/utt2start has the sample of
    the background's recording that is heard first, out/utt2rtf the seconds of work for a second of sound.

    Args:
        model: folder of a text-to-speech model.
        text: lines of uttid and text.
        prompts: lines of uttid and path.
        out: folder to write to.
        background: none, prompt, or a table of uttid and path.
        jobs: processes.
        options: of `TTS`; a level of the background is of no meaning, and left out, where there is none.

    Returns:
        Seconds of work for a second of sound, in the mean.

    Raises:
        ValueError: if a text cannot be said, or a table lacks an utterance.
    """
    texts, voices = read_table(text), read_table(prompts)
    sounds = {key: background for key in texts} if background in ("none", "prompt") else read_table(background)
    missing = sorted(texts.keys() - (voices.keys() & sounds.keys()))
    if missing:
        raise ValueError(f"{missing[0]} has no prompt or no background.")
    if background == "none":
        options = {name: value for name, value in options.items() if name not in ("background_gain", "background_snr")}
    out = Path(out)
    jobs_of = {key: (texts[key], voices[key], sounds[key]) for key in texts}
    found = dict(zip(texts, parallel_map(partial(Speaker, model, out, jobs_of, options), list(texts), jobs, out.name)))
    for stem in STEMS:
        write_table(out / f"{stem}.scp", {key: (out / stem / f"{key}.wav").resolve() for key in texts})
    write_table(out / "utt2start", {key: start for key, (start, _) in found.items()})
    write_table(out / "utt2rtf", {key: f"{factor:.4f}" for key, (_, factor) in found.items()})
    return sum(factor for _, factor in found.values()) / len(found)


def decode_all(model: str, tokens: str | Path, out: str | Path, jobs: int) -> dict[str, Path]:
    """What the codec makes of recordings: out/all/<uttid>.wav from all speech levels, out/vocoder/<uttid>.wav from those that a
    text-to-speech model predicts, which is the best that it can reach; with a table out/<name>.scp of each.

    Args:
        model: folder of a text-to-speech model.
        tokens: lines of uttid and path of (T, K) arrays of speech tokens.
        out: folder to write to.
        jobs: processes.

    Returns:
        Name -> table.
    """
    paths, out = read_table(tokens), Path(out)
    for _ in parallel_map(partial(Decoder, model, out, paths), list(paths), jobs, "decode"):
        pass
    for name in DECODED:
        write_table(out / f"{name}.scp", {key: (out / name / f"{key}.wav").resolve() for key in paths})
    return {name: out / f"{name}.scp" for name in DECODED}


class Decoder:
    """Decodes the tokens of one recording after the other."""

    def __init__(self, model: str, out: Path, paths: dict[str, str]):
        self.tts, self.out, self.paths = TTS.from_pretrained(model), out, paths

    def __call__(self, key: str) -> None:
        """Write recording `key` from all levels, and from the first."""
        codes = torch.from_numpy(np.load(self.paths[key]).astype(np.int64)).T[None]
        few = self.tts.synthesizer.coordinates.levels
        for name, levels in zip(DECODED, (codes.shape[1], few)):
            wav = self.tts.decoded(codes[:, :levels])
            write(self.out / name / f"{check_id(key)}.wav", [wav], self.tts.sample_rate)


class Speaker:
    """Says one text after the other."""

    def __init__(self, model: str, out: Path, jobs: dict[str, tuple[str, str, str]], options: dict):
        self.tts, self.out, self.jobs, self.options = TTS.from_pretrained(model), out, jobs, options

    def __call__(self, key: str) -> tuple[int, float]:
        """Write the stems of utterance `key`; where its background starts, and seconds of work for a second of sound."""
        text, prompt, background = self.jobs[key]
        began = time.perf_counter()
        try:
            said = self.tts(text, prompt, background, **self.options)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
        spent = time.perf_counter() - began
        for stem in STEMS:
            write(self.out / stem / f"{check_id(key)}.wav", [getattr(said, stem)], said.sample_rate)
        return said.start, spent * said.sample_rate / len(said.mix)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Arguments of `say_all` and `TTS`, and --nj."""
    parser.add_argument("--model", required=True, help="folder of a text-to-speech model")
    parser.add_argument("--text", required=True, help="lines of uttid and text")
    parser.add_argument("--prompts", required=True, help="lines of uttid and path of the prompt")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--background", default="none", help="none, prompt, or a file with lines of uttid and path")
    parser.add_argument("--background_gain", type=float, help="dB by which the background is amplified")
    parser.add_argument("--background_snr", type=float, help="dB of the speech over the background")
    parser.add_argument("--speed", type=float, default=1.0, help="2 speaks twice as fast")
    parser.add_argument(
        "--liveliness", type=float, default=1.0, help="0 leaves coordinates as even as they are predicted"
    )
    parser.add_argument("--seed", type=int, default=0, help="which piece of a longer background is taken")
    parser.add_argument(
        "--separate",
        default=True,
        action=argparse.BooleanOptionalAction,
        help="whether the voice is free of the background",
    )
    parser.add_argument("--nj", type=int, default=1, help="processes")
