"""Scores of separated speech without quantization: `python -m research.separation.score --bank BANK --system SYSTEM`.

SYSTEM is the name or folder of a codec, `mixture`, `dfn3`, `gtcrn`, `dtln` or `rnnoise`; with `@DB` after it, the
background is attenuated by so much at most. Mixtures of voices and noises that the trainings here have not seen, by
kind of noise: improvement of SI-SDR, PESQ (wide band) and STOI; with --full also DNSMOS, and the words that Whisper
base finds differently from its text of the clean speech.
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
from espnet2_decodec.training.energy_ratios import si_sdr
from research.metrics import dnsmos, quality, words_changed
from research.separation.mixtures import HELD_OUT, unit_rms
from research.separation.rooms import EARLY, Rooms, convolve
from research.tokens.audio_bank import AudioBank
from research.tokens.dev_set import dev_set, final_set

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
                response = rooms.draw(random) if i % 2 else rooms.simulated(random)
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


def centered_si_sdr(estimate: Tensor, target: Tensor) -> float:
    """In dB."""
    return float(si_sdr(target - target.mean(), estimate - estimate.mean()))


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


def scores_by_kind(found: list[Case], wavs: list[Tensor], cache: Path | None) -> dict[str, dict[str, float]]:
    """Means of the scores of separated speech over all mixtures (`all`), and over those of each kind.

    Args:
        found: the mixtures.
        wavs: speech separated from each, [L].
        cache: file of the texts of the clean speech, see `words_changed`; None for neither words nor DNSMOS.
    """
    rows = [
        quality(c.speech, w) | {"si_sdr_i": centered_si_sdr(w, c.speech) - centered_si_sdr(c.mixture, c.speech)}
        for c, w in zip(found, wavs)
    ]
    changed = [(0, 0)] * len(rows)
    if cache is not None:
        changed = words_changed(wavs, [c.speech for c in found], [c.english for c in found], cache)
        rows = [row | {"dnsmos": dnsmos(wav)} for row, wav in zip(rows, wavs)]
    result = {}
    for kind in ["all", *dict.fromkeys(c.kind for c in found)]:
        chosen = [i for i, c in enumerate(found) if kind in ("all", c.kind)]
        means = {key: round(float(np.mean([rows[i][key] for i in chosen])), 3) for key in rows[0]}
        total = sum(changed[i][1] for i in chosen)
        if total:
            means["words_changed"] = round(100 * sum(changed[i][0] for i in chosen) / total, 1)
        result[kind] = means
    return result


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
        cache = args.bank / f"separation_texts_{texts}.json" if args.full else None
        result: dict = {"system": name, "snr": args.snr, "set": "final" if args.final else "development"}
        result |= scores_by_kind(found, wavs, cache)
        with args.out.open("a") as file:
            file.write(json.dumps(result) + "\n")
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
