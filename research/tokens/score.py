"""Scores of decoded speech at several rates: `python -m research.tokens.score --bank BANK --model MODEL [--full]`.

PESQ (wide band) and STOI; with --full also DNSMOS, the word differences of Whisper base to the original, and the
share of level-1 tokens that a gain, a filter and noise do not change. Each figure is a mean and the limits of its 95 %
bootstrap interval over the recordings. --opus adds Opus. Each call appends one JSON line to --out.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import soundfile
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.metrics.bootstrap import Interval, bootstrap_interval, bootstrap_ratio
from espnet2_decodec.evaluation.systems.opus import Opus
from research.metrics import dnsmos, quality, words_changed
from research.tokens.dev_set import Utterance, dev_set, english_set, final_set, mixed

System = Callable[[Tensor, tuple[int, ...]], dict[int, Tensor]]


def levels_system(codec: DeCodec) -> System:
    """Speech -> the speech stream decoded from the first so many levels."""

    def run(wav: Tensor, levels: tuple[int, ...]) -> dict[int, Tensor]:
        codes = codec.encode(wav[None])
        return {k: codec.decode(replace(codes, speech=codes.speech[:, :k]), background=False)[0] for k in levels}

    return run


def full_scores(wavs: list[Tensor], utterances: list[Utterance], cache: Path) -> dict[str, Interval]:
    """DNSMOS, and words changed in %."""
    changed = words_changed(wavs, [u.wav for u in utterances], [u.english for u in utterances], cache)
    wrong, total = zip(*changed)
    scores = {"dnsmos": bootstrap_interval([dnsmos(wav) for wav in wavs])}
    return scores | {"words_changed": bootstrap_ratio([100 * count for count in wrong], total)}


def interval_scores(wavs: list[Tensor], utterances: list[Utterance], cache: Path | None) -> dict[str, list[float]]:
    """Name -> mean and limits of the 95 % interval: PESQ and STOI, and with a cache the scores of `full_scores`."""
    scores = [quality(u.wav, w) for u, w in zip(utterances, wavs)]
    row = {name: bootstrap_interval([s[name] for s in scores]) for name in scores[0]}
    if cache is not None:
        row |= full_scores(wavs, utterances, cache)
    return {name: [round(x, 3) for x in (i.mean, i.low, i.high)] for name, i in row.items() if i.count}


def stability(codec: DeCodec, utterances: list[Utterance], bank: Path) -> dict[str, float]:
    """Share of level-1 tokens that stay, in %, where the original is within 40 dB of its loudest frame."""
    kept: dict[str, list[Tensor]] = {}
    noisy = mixed(utterances, bank, 10.0)

    def tilted(wav: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(wav)
        place = torch.linspace(0, 1, len(spectrum))
        return torch.fft.irfft(spectrum * 10 ** (4 * torch.cos(2 * torch.pi * place.sqrt() * 1.5) / 20), n=len(wav))

    for i, utterance in enumerate(utterances):
        wav = utterance.wav[None]
        plain = codec.encode(wav, speech_levels=1).speech[0, 0]
        frames = torch.nn.functional.pad(wav[0], (0, len(plain) * 320 - wav.shape[1])).view(-1, 320).square().mean(1)
        target = frames > frames.max() * 1e-4
        changed = {"-6dB": wav * 0.5, "+6dB": wav * 2, "eq4dB": tilted(wav[0])[None], "snr10": noisy[i][None]}
        for name, other in changed.items():
            kept.setdefault(name, []).append((codec.encode(other, speech_levels=1).speech[0, 0] == plain)[target])
    return {name: round(100 * float(torch.cat(flags).float().mean()), 1) for name, flags in kept.items()}


@torch.no_grad()
def main() -> None:
    """Score one codec."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", help="folder or name of a codec; that of the package by default")
    parser.add_argument("--out", type=Path, default=Path("scores.jsonl"))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--snr", type=float, help="dB, of mixtures in place of clean speech")
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 3, 6, 10])
    parser.add_argument("--opus", type=float, nargs="+", default=[], metavar="KBPS", help="Opus at these rates")
    sets = parser.add_mutually_exclusive_group()
    sets.add_argument("--english", action="store_true", help="a larger set of English recordings, for the words")
    sets.add_argument("--final", action="store_true", help="the final set in place of the development set")
    parser.add_argument("--limit", type=int, help="only the first so many recordings")
    parser.add_argument("--wavs", type=Path, help="folder for some of the decoded recordings")
    args = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.process_time()
    name, chosen_set = "development", dev_set
    if args.final or args.english:
        name, chosen_set = ("final", final_set) if args.final else ("English", english_set)
    texts = args.bank / f"{name.lower()}_texts_{args.limit or 'all'}.json"
    utterances = chosen_set(args.bank)[: args.limit]
    codec = DeCodec.from_pretrained(args.model)
    result: dict[str, Any] = {"model": str(args.model or "package"), "snr": args.snr, "recordings": len(utterances)}
    result["set"] = name
    inputs = [u.wav for u in utterances]
    if args.snr is not None:
        inputs = mixed(utterances, args.bank, args.snr, "noise_test" if args.final else "noise_dev")
    system = levels_system(codec)
    decoded = [system(wav, tuple(args.levels)) for wav in inputs]
    systems = {f"levels_{k}": [d[k] for d in decoded] for k in args.levels}
    systems |= {f"opus_{kbps:g}": [Opus(kbps)(wav, 16000)["mixture"] for wav in inputs] for kbps in args.opus}
    if args.snr is not None:
        systems["mixture"] = inputs
    result |= {key: interval_scores(wavs, utterances, texts if args.full else None) for key, wavs in systems.items()}
    if args.full and args.snr is None and not args.english:
        result["stability"] = stability(codec, utterances, args.bank)
    if args.wavs:
        args.wavs.mkdir(parents=True, exist_ok=True)
        for i in [i for i in (0, 12, 20, 27) if i < len(utterances)]:
            soundfile.write(args.wavs / f"{i:02d}_{utterances[i].label}.wav", inputs[i].numpy(), 16000)
            for k in args.levels:
                soundfile.write(args.wavs / f"{i:02d}_{k}.wav", decoded[i][k].numpy(), 16000)
    result["seconds"] = round(time.process_time() - begun)
    with args.out.open("a") as file:
        file.write(json.dumps(result) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
