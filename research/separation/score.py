"""Scores of separated speech without quantization: `python -m research.separation.score --bank BANK --system SYSTEM`.

SYSTEM is the name or folder of a codec, `mixture`, `dfn3`, `gtcrn`, `dtln` or `rnnoise`; with `@DB` after it, the
background is attenuated by so much at most. Mixtures of voices and noises
that the trainings here have not seen, by kind of noise: improvement of SI-SDR, PESQ (wide band) and STOI; with --full
also DNSMOS, and the words that Whisper base finds differently from its text of the clean speech.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from research.separation.mixtures import HELD_OUT, unit_rms
from research.separation.rooms import EARLY, Rooms, convolve
from research.tokens.audio_bank import AudioBank
from research.tokens.dev_set import dev_set, final_set
from research.tokens.score import quality, words

EFFECTS = ("dog_bark", "rooster", "person_sneeze", "baby_cry", "clock_tick", "chainsaw")
FINAL = ("wesnoth", "torcs")
"""Sources of noise of the final set, of which nothing was trained with."""
SNR = {"babble": 5.0, "room": 10.0}
"""In dB; of all other kinds that of --snr."""


@dataclass
class Case:
    """A mixture and its speech, [L] each; the kind of noise, and whether the speech is English."""

    kind: str
    mixture: Tensor
    speech: Tensor
    english: bool


def noise_banks(bank: Path, final: bool) -> dict[str, list[tuple[AudioBank, tuple[str, str]]]]:
    """Kind -> (bank, key) of what has not been trained with."""
    found: dict[str, list] = defaultdict(list)
    for name in ("noise_test",) if final else ("noise_dev", "noise_train"):
        noises = AudioBank(bank, name)
        for source, label in noises.keys:
            if name == "noise_train" and source not in HELD_OUT or name == "noise_test" and source not in FINAL:
                continue
            effect = label in EFFECTS or source in ("OpenSFX", "wesnoth")
            kind = "music" if "music" in label else "effects" if effect else "ambience"
            found[kind].append((noises, (source, label)))
    return found


def cases(bank: Path, snr: float, final: bool = False, per_kind: int = 12, seconds: float = 5.0) -> list[Case]:
    """The same mixtures in each call; noises, then babble and reverberant speech with noise."""
    utterances = (final_set if final else dev_set)(bank, seconds)
    noises, random = noise_banks(bank, final), np.random.default_rng(3)
    voices = AudioBank(bank, "speech_final_speechocean" if final else "speech_dev")
    rooms, found = Rooms(bank, 1.0, "rir_dev"), []
    for kind in ("ambience", "effects", "music", "babble", "room"):
        for i in range(per_kind):
            utterance = utterances[(5 * i + len(found)) % len(utterances)]
            speech = utterance.wav.numpy().astype(np.float32)
            length = len(speech)
            if kind == "babble":
                noise = sum(unit_rms(voices.segment(length, random)) for _ in range(6))
            else:
                choices = noises["ambience" if kind == "room" else kind]
                noise = one_label(*choices[i % len(choices)], length, random)
            late = np.zeros_like(speech)
            if kind == "room":
                response = rooms.draw(random) if i % 2 else rooms._made(random)
                early = convolve(speech, response[:EARLY])
                late, speech = convolve(speech, response) - early, early
            power = [np.square(x).mean() for x in (speech, noise)]
            gain = np.sqrt(power[0] / (power[1] + 1e-12)) * 10 ** (-SNR.get(kind, snr) / 20)
            mixture = speech + late + gain * noise
            scale = min(1.0, 0.98 / np.abs(mixture).max())
            parts = (torch.from_numpy((scale * x).astype(np.float32)) for x in (mixture, speech))
            found.append(Case(kind, *parts, utterance.english))
    return found


def one_label(bank: AudioBank, key: tuple[str, str], length: int, random: np.random.Generator) -> np.ndarray:
    """[length] of the recordings of one label, one after the other."""
    order, parts = list(random.permutation(bank.members[key])), []
    while sum(map(len, parts)) < length:
        order = order or list(bank.members[key])
        parts.append(bank.recording(order.pop()).numpy())
    wav = np.concatenate(parts)
    start = random.integers(len(wav) - length + 1)
    return wav[start : start + length]


def si_sdr(estimate: Tensor, target: Tensor) -> float:
    """In dB."""
    target, estimate = target - target.mean(), estimate - estimate.mean()
    projected = (estimate @ target) / (target @ target) * target
    return float(10 * torch.log10(projected.square().sum() / (estimate - projected).square().sum()))


def separator(name: str) -> Callable[[Tensor], Tensor]:
    """Mixture [L] -> speech [L]."""
    if "@" in name:
        name, _, limit = name.rpartition("@")
        inner, residual = separator(name), 10 ** (-float(limit) / 20)
        return lambda wav: (1 - residual) * inner(wav) + residual * wav
    if name == "mixture":
        return lambda wav: wav
    if name in ("dfn3", "gtcrn", "dtln", "rnnoise"):
        from espnet2_decodec.evaluation.systems.native_denoisers import DeepFilterNet, RNNoise
        from espnet2_decodec.evaluation.systems.onnx_denoisers import DTLN, GTCRN

        system = {"dfn3": DeepFilterNet, "gtcrn": GTCRN, "dtln": DTLN, "rnnoise": RNNoise}[name]()
        return lambda wav: system(wav, 16000)["speech"][: len(wav)]
    backbone = DeCodec.from_pretrained(name).backbone

    def run(wav: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(wav, (0, -len(wav) % backbone.hop))
        return backbone.stems(padded[None])[0, 0, : len(wav)]

    return run


def full_scores(wavs: list[Tensor], found: list[Case], cache: Path) -> tuple[list[float], list[tuple[int, int]]]:
    """DNSMOS of each, and (words changed, words) of each."""
    import jiwer
    from speechmos import dnsmos

    from espnet2_decodec.evaluation.metrics.recognizers import recognizer

    recognize = recognizer("whisper-base")
    if not cache.exists():
        cache.write_text(json.dumps([recognize(c.speech, 16000, "en") if c.english else "" for c in found]))
    originals, changed = json.loads(cache.read_text()), []
    for wav, text in zip(wavs, originals):
        if not words(text):
            changed.append((0, 0))
            continue
        result = jiwer.process_words(" ".join(words(text)), " ".join(words(recognize(wav, 16000, "en"))))
        errors = result.substitutions + result.deletions + result.insertions
        changed.append((min(errors, len(words(text))), len(words(text))))
    return [dnsmos.run(np.clip(w.numpy(), -1, 1), 16000)["ovrl_mos"] for w in wavs], changed


@torch.no_grad()
def main() -> None:
    """Score the systems, one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--system", nargs="+", default=["decodec-16k"])
    parser.add_argument("--snr", type=float, default=0.0)
    parser.add_argument("--final", action="store_true", help="the final set in place of the development set")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("separation.jsonl"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    found, texts = cases(args.bank, args.snr, args.final), f"{'final' if args.final else 'dev'}_{args.snr:g}"
    for name in args.system:
        run = separator(name)
        wavs = [run(case.mixture) for case in found]
        rows = [
            quality(c.speech, w) | {"si_sdr_i": si_sdr(w, c.speech) - si_sdr(c.mixture, c.speech)}
            for c, w in zip(found, wavs)
        ]
        changed = [(0, 0)] * len(rows)
        if args.full:
            moses, changed = full_scores(wavs, found, args.bank / f"separation_texts_{texts}.json")
            rows = [row | {"dnsmos": mos} for row, mos in zip(rows, moses)]
        result: dict = {"system": name, "snr": args.snr, "set": "final" if args.final else "development"}
        for kind in ["all", *dict.fromkeys(c.kind for c in found)]:
            chosen = [i for i, c in enumerate(found) if kind in ("all", c.kind)]
            means = {key: round(float(np.mean([rows[i][key] for i in chosen])), 3) for key in rows[0]}
            total = sum(changed[i][1] for i in chosen)
            if total:
                means["words_changed"] = round(100 * sum(changed[i][0] for i in chosen) / total, 1)
            result[kind] = means
        with args.out.open("a") as file:
            file.write(json.dumps(result) + "\n")
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
