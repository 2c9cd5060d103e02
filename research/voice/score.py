"""Scores of voice conversion: `python -m research.voice.score --bank BANK --model MODEL`.

Each English recording of the development set (or the final one) in the voice of a recording of another label: words
that Whisper base finds differently from the source's, cosine of resemblyzer's embeddings to the target's and to the
source's, and DNSMOS. `--system shift` scores the shift of envelope and f0 instead, `--system copy` copy synthesis.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.conversion import convert
from espnet2_decodec.evaluation.metrics.perceptual import speaker_similarity
from espnet2_decodec.voice.converter import convert_voice
from espnet2_decodec.voice.speech import Speech, analyze, semantic_parts, synthesize
from espnet2_decodec.voice.voice_model import VoiceModel
from research.metrics import dnsmos, words_changed
from research.tokens.dev_set import Utterance, dev_set, english_set, final_set, mixed
from research.voice.kept_background import NoiseClassifier, kept_background_scores, labeled


def pairs(utterances: list[Utterance], limit: int | None) -> list[tuple[int, int]]:
    """(source, prompt) indices: English sources, prompts of another label; the same in each call."""
    random, found = np.random.default_rng(3), []
    for i, utterance in enumerate(utterances):
        others = [j for j, other in enumerate(utterances) if other.label != utterance.label]
        if utterance.english:
            found.append((i, int(random.choice(others))))
    return found[:limit]


class Systems:
    """Converters of waveforms.

    Args:
        args: of the command.
    """

    def __init__(self, args: argparse.Namespace):
        self.args, self.codec = args, DeCodec.from_pretrained(args.codec)
        self.model = VoiceModel.from_pretrained(args.model) if args.system == "voice" else None

    def __call__(self, source: Tensor, prompt: Tensor) -> Tensor:
        """Source [L] in the voice of the prompt [L'] -> [L]."""
        if self.args.system == "shift":
            return convert(self.codec, source[None], prompt[None])[0]
        speech = analyze(self.codec, [source])
        if self.args.quantized:
            quantizer = semantic_parts(self.codec)[1].semantic
            speech = Speech(quantizer.decode(quantizer.encode(speech.content.T[None]))[0].T, speech.coordinates)
        if self.model is not None:
            voice = analyze(self.codec, [prompt])
            options = {
                name: getattr(self.args, name) for name in ("detail", "guidance", "bias", "steps", "temperature")
            }
            speech = convert_voice(self.model, self.codec, speech, voice, **options)
        return torch.cat(list(synthesize(self.codec, [speech], len(source))))


def speech_scores(
    wavs: list[Tensor], chosen: list[tuple[int, int]], utterances: list[Utterance], cache: Path
) -> dict[str, float]:
    """Scores of converted speech.

    Args:
        wavs: [L] each.
        chosen: from `pairs`.
        utterances: clean sources and prompts.
        cache: file of the texts of the sources, see `words_changed`.
    """
    changed = words_changed(wavs, [utterances[i].wav for i, _ in chosen], [True] * len(wavs), cache)
    wrong, total = map(int, np.sum(changed, axis=0))
    found = {"words_changed": round(100 * wrong / total, 1), "words": total}
    found["dnsmos"] = round(float(np.mean([dnsmos(wav) for wav in wavs])), 3)
    for name, which in (("target", 1), ("source", 0)):
        values = [speaker_similarity(utterances[pair[which]].wav, wav, 16000) for pair, wav in zip(chosen, wavs)]
        found[name] = round(float(np.mean(values)), 3)
    return found


def prompt_snr(text: str) -> float | None:
    """An SNR in dB, or None for `clean`."""
    return None if text == "clean" else float(text)


def main() -> None:
    """Score one system, once for each kind of prompt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--codec", default="decodec-16k-semantic")
    parser.add_argument("--system", choices=("voice", "shift", "copy"), default="voice")
    parser.add_argument("--quantized", action="store_true", help="quantized semantic features of the source")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--detail", type=float, default=0.7)
    parser.add_argument("--guidance", type=float, default=0.0)
    parser.add_argument("--bias", type=float, default=1.0)
    parser.add_argument("--source-snr", type=float, help="dB, of noisy sources")
    parser.add_argument(
        "--prompt-snr", type=prompt_snr, nargs="+", default=[None], metavar="clean|DB",
        help="prompts: clean, or noisy at this SNR; one row each",
    )  # fmt: skip
    parser.add_argument("--background-snr", type=float, metavar="DB", help="also score the background of such sources")
    sets = parser.add_mutually_exclusive_group()
    sets.add_argument("--english", action="store_true", help="a larger set of English recordings, for the words")
    sets.add_argument("--final", action="store_true", help="the final set in place of the development set")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path, default=Path("voice_scores.jsonl"))
    parser.add_argument("--wavs", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    name, chosen_set = "development", dev_set
    if args.final or args.english:
        name, chosen_set = ("final", final_set) if args.final else ("english", english_set)
    utterances = chosen_set(args.bank)
    noises = "noise_test" if args.final else "noise_dev"

    def noisy(snr: float | None) -> list[Tensor]:
        return [u.wav for u in utterances] if snr is None else mixed(utterances, args.bank, snr, noises)

    sources, system, chosen = noisy(args.source_snr), Systems(args), pairs(utterances, args.limit)
    settings = {
        name: str(value)
        for name, value in vars(args).items()
        if value is not None and name not in ("bank", "out", "wavs", "prompt_snr")
    }
    background: dict[str, float] = {}
    if args.background_snr is not None:
        classifier, mixtures = NoiseClassifier.from_bank(args.bank), noisy(args.background_snr)
        both = ((mixtures[i], mixtures[i] - utterances[i].wav) for i, _ in chosen)
        background = kept_background_scores(system.codec, classifier, both)
        background["classifier_accuracy"] = classifier.accuracy(labeled(args.bank, noises))
    for snr in args.prompt_snr:
        prompts, begun = noisy(snr), time.process_time()
        wavs = [system(sources[i], prompts[j]) for i, j in chosen]
        seconds = sum(len(wav) for wav in wavs) / 16000
        row: dict = {**settings, "prompt_snr": "clean" if snr is None else snr}
        row["speed"] = round((time.process_time() - begun) / seconds, 4)
        row |= speech_scores(wavs, chosen, utterances, args.bank / f"conversion_texts_{name}_{args.limit}.json")
        row |= {name: round(value, 2) for name, value in background.items()}
        if args.wavs:
            args.wavs.mkdir(parents=True, exist_ok=True)
            for (i, j), wav in list(zip(chosen, wavs))[::4]:
                soundfile.write(args.wavs / f"{i:02d}_as_{j:02d}_{row['prompt_snr']}.wav", wav.numpy(), 16000)
        with args.out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row))


if __name__ == "__main__":
    main()
