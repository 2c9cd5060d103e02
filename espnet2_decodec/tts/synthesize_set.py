"""Text-to-speech and copy synthesis of a whole set, with Kaldi tables of the results."""

import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.arguments import decibels, finite_float, output_folder, positive_int, random_seed
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.io.audio import write
from espnet2_decodec.tts.text_to_speech import TTS
from espnet2_decodec.tts.voice_tts import VoiceTTS
from espnet2_decodec.types import Codes

STEMS = ("mix", "speech", "background")
COPIES = ("all_levels", "predicted_levels")


def synthesize_set(
    model: str,
    text: str | Path,
    prompts: str | Path,
    out: str | Path,
    background: str,
    jobs: int,
    voice_model: str | None = None,
    **options,
) -> float:
    """Synthesize all texts of a set.

    Writes out/<stem>/<uttid>.wav and out/<stem>.scp for the stems mix, speech and background; out/utt2offset has the
    sample of the background recording at which each background starts, and out/utt2rtf the real-time factors.

    Args:
        model: folder of a text-to-speech model.
        text: table of uttid and text.
        prompts: table of uttid and path of an audio file, or of an array (T, K) of speech tokens that ends in .npy.
        out: folder to write to.
        background: none, prompt, or a table of uttid and path.
        jobs: number of processes.
        voice_model: folder or name of a voice model that makes all but the first level; None for the model's own.
        options: of `TTS`; those of the level of the background are ignored where there is no background.

    Returns:
        Mean real-time factor: seconds of computation per second of audio.

    Raises:
        ValueError: if a text cannot be synthesized, or a table lacks an utterance.
    """
    texts, prompt_paths = read_table(text), read_table(prompts)
    backgrounds = {key: background for key in texts} if background in ("none", "prompt") else read_table(background)
    missing = sorted(texts.keys() - (prompt_paths.keys() & backgrounds.keys()))
    if missing:
        raise ValueError(f"{missing[0]} has no prompt or no background in the tables that were given.")
    if background == "none":
        options = {name: value for name, value in options.items() if name not in ("background_gain", "background_snr")}
    out = Path(out)
    inputs = {key: (texts[key], prompt_paths[key], backgrounds[key]) for key in texts}
    worker = partial(SynthesisWorker, model, voice_model, out, inputs, options)
    results = dict(zip(texts, parallel_map(worker, list(texts), jobs, out.name)))
    for stem in STEMS:
        write_table(out / f"{stem}.scp", {key: (out / stem / f"{key}.wav").resolve() for key in texts})
    write_table(out / "utt2offset", {key: offset for key, (offset, _) in results.items()})
    write_table(out / "utt2rtf", {key: f"{rtf:.4f}" for key, (_, rtf) in results.items()})
    return sum(rtf for _, rtf in results.values()) / len(results)


def copy_synthesis(model: str, tokens: str | Path, out: str | Path, jobs: int) -> dict[str, Path]:
    """Decode recordings from their own tokens, as an upper bound for text-to-speech.

    Writes out/all_levels/<uttid>.wav from all speech levels, out/predicted_levels/<uttid>.wav from those that a
    text-to-speech model predicts, and a table out/<name>.scp of each.

    Args:
        model: folder of a text-to-speech model.
        tokens: table of uttid and path of an array (T, K) of speech tokens.
        out: folder to write to.
        jobs: number of processes.

    Returns:
        Name -> table.
    """
    paths, out = read_table(tokens), Path(out)
    for _ in parallel_map(partial(CopyWorker, model, out, paths), list(paths), jobs, "copy synthesis"):
        pass
    for name in COPIES:
        write_table(out / f"{name}.scp", {key: (out / name / f"{key}.wav").resolve() for key in paths})
    return {name: out / f"{name}.scp" for name in COPIES}


class CopyWorker:
    """Decodes the tokens of one recording at a time."""

    def __init__(self, model: str, out: Path, paths: dict[str, str]):
        self.tts, self.out, self.paths = TTS.from_pretrained(model), out, paths

    def __call__(self, key: str) -> None:
        """Write recording `key` from all levels, and from those that are predicted."""
        tokens = load_tokens(self.paths[key])
        for name, levels in zip(COPIES, (tokens.shape[1], self.tts.synthesizer.features.levels)):
            wav = self.tts.decode(tokens[:, :levels])
            write(self.out / name / f"{check_id(key)}.wav", [wav], self.tts.sample_rate)


class SynthesisWorker:
    """Synthesizes one text at a time."""

    tts: TTS | VoiceTTS

    def __init__(
        self, model: str, voice_model: str | None, out: Path, inputs: dict[str, tuple[str, str, str]], options: dict
    ):
        self.out, self.inputs, self.options = out, inputs, options
        if voice_model is None:
            self.tts = TTS.from_pretrained(model)
            self.codec = self.tts.synthesizer.codec
        else:
            self.tts = VoiceTTS.from_pretrained(model, voice_model)
            self.codec = self.tts.codec
            self.options = {name: value for name, value in options.items() if name != "gv_weight"}

    def __call__(self, key: str) -> tuple[int, float]:
        """Write the stems of utterance `key`; the offset of its background, and the real-time factor."""
        text, prompt, background = self.inputs[key]
        started = time.perf_counter()
        try:
            output = self.tts(text, self._prompt(prompt), background, **self.options)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
        seconds = time.perf_counter() - started
        for stem in STEMS:
            write(self.out / stem / f"{check_id(key)}.wav", [getattr(output, stem)], output.sample_rate)
        return output.background_offset, seconds * output.sample_rate / len(output.mix)

    def _prompt(self, path: str) -> str | Codes:
        """The path of a recording, or the codes of an array."""
        if not path.endswith(".npy"):
            return path
        tokens = load_tokens(path)
        return Codes(tokens, tokens[:, :0], torch.tensor([tokens.shape[2] * self.codec.hop]), self.codec.sample_rate)


def load_tokens(path: str | Path) -> torch.Tensor:
    """An array (T, K) of tokens -> [1, K, T] int64."""
    return torch.from_numpy(np.load(path).astype(np.int64)).T[None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `synthesize_set` and `TTS`, and --nj."""
    parser.add_argument("--model", required=True, help="folder of a text-to-speech model")
    parser.add_argument("--voice_model", help="voice model for all but the first level (default: the model's own)")
    parser.add_argument("--text", required=True, help="table of uttid and text")
    parser.add_argument("--prompts", required=True, help="table of uttid and path of the prompt, audio or .npy tokens")
    parser.add_argument("--out", type=output_folder, required=True, help="folder to write to")
    parser.add_argument("--background", default="none", help="none, prompt, or a table of uttid and path")
    parser.add_argument("--background_gain", type=decibels, help="dB by which the background is amplified")
    parser.add_argument("--background_snr", type=decibels, help="speech-to-background ratio in dB")
    parser.add_argument("--speed", type=finite_float, default=1.0, help="speaking rate; 2 is twice as fast")
    parser.add_argument(
        "--gv_weight",
        type=finite_float,
        default=1.0,
        help="global-variance scaling: 0 none, 1 to the variance of natural speech",
    )
    parser.add_argument("--seed", type=random_seed, default=0, help="selects the excerpt of a longer background")
    parser.add_argument("--nj", type=positive_int, default=1, help="number of processes")
