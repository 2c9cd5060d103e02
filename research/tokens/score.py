"""Scores of decoded speech at several rates: `python -m research.tokens.score --bank BANK --run RUN [--full]`.

PESQ (wide band) and STOI; with --full also DNSMOS, the word differences of Whisper base to the original, and the
share of content tokens that a gain, a filter and noise do not change. Each call appends one JSON line to
RUN/scores.jsonl. --weights FOLDER scores exported weights; without either, the codec in the package is scored.
"""

import argparse
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from research.tokens import checkpoint
from research.tokens.codec import TokenCodec, TokenCodecConfig
from research.tokens.dev_set import Utterance, dev_set, mixed
from research.tokens.settings import Settings
from research.tokens.trainer import Trainer
from research.tokens.weights import load_weights

System = Callable[[Tensor, tuple[int, ...]], dict[int, Tensor]]


def averaged_codec(run: Path) -> tuple[TokenCodec, dict]:
    """The averaged codec of a training, and {step, minutes}."""
    state = checkpoint.load(run)
    trainer = Trainer(Settings(**state["settings"]))
    trainer.load_state(state)
    return trainer.ema.module.eval(), {"step": state["step"], "minutes": round(state["minutes"], 2)}


def exported_codec(folder: Path) -> TokenCodec:
    """The codec of exported weights, of the sizes in train.yaml."""
    codec = TokenCodec(TokenCodecConfig(**Settings.read(Path(__file__).parent / "train.yaml").codec))
    codec.load_state_dict(load_weights(folder))
    return codec.eval()


def token_system(codec: TokenCodec) -> System:
    """Speech -> decoded from the first so many levels."""

    def run(wav: Tensor, levels: tuple[int, ...]) -> dict[int, Tensor]:
        codes, length = codec.encode(wav[None]), torch.tensor([len(wav)])
        return {k: codec.decode(codes[:, :k], length)[0] for k in levels}

    return run


def package_system() -> System:
    """The codec in the package, speech stream alone."""
    codec = DeCodec.from_pretrained().eval()

    def run(wav: Tensor, levels: tuple[int, ...]) -> dict[int, Tensor]:
        return {k: codec.decode(codec.encode(wav[None], speech_levels=k), background=False)[0] for k in levels}

    return run


def words(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return re.sub(r"[^\w\s']", " ", text.lower()).split()


def quality(reference: Tensor, wav: Tensor) -> dict[str, float]:
    """PESQ and STOI."""
    from pesq import pesq
    from pystoi import stoi

    one, other = reference.numpy(), wav.numpy()
    return {"pesq": float(pesq(16000, one, other, "wb")), "stoi": float(stoi(one, other, 16000))}


def full_scores(wavs: list[Tensor], utterances: list[Utterance], cache: Path) -> dict[str, float]:
    """DNSMOS, and words changed in %."""
    import jiwer
    from speechmos import dnsmos

    from espnet2_decodec.evaluation.metrics.recognizers import recognizer

    recognize = recognizer("whisper-base")
    if not cache.exists():
        texts = [recognize(u.wav, 16000, "en") if u.english else "" for u in utterances]
        cache.write_text(json.dumps(texts))
    originals = json.loads(cache.read_text())
    moses = [dnsmos.run(np.clip(w.numpy(), -1, 1), 16000)["ovrl_mos"] for w in wavs]
    wrong = total = 0
    for wav, utterance, text in zip(wavs, utterances, originals):
        if utterance.english and words(text):
            found = jiwer.process_words(" ".join(words(text)), " ".join(words(recognize(wav, 16000, "en"))))
            wrong += found.substitutions + found.deletions + found.insertions
            total += len(words(text))
    return {"dnsmos": float(np.mean(moses)), "words_changed": 100 * wrong / total, "words": total}


def stability(codec: TokenCodec, utterances: list[Utterance], bank: Path) -> dict[str, float]:
    """Share of level-1 tokens that stay, in %, where the original is within 40 dB of its loudest frame."""
    separator, kept = DeCodec.from_pretrained().eval(), {}
    noisy = mixed(utterances, bank, 10.0)

    def tilted(wav: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(wav)
        place = torch.linspace(0, 1, len(spectrum))
        return torch.fft.irfft(spectrum * 10 ** (4 * torch.cos(2 * torch.pi * place.sqrt() * 1.5) / 20), n=len(wav))

    for i, utterance in enumerate(utterances):
        wav = utterance.wav[None]
        plain = codec.encode(wav, levels=1)[0, 0]
        frames = torch.nn.functional.pad(wav[0], (0, len(plain) * 320 - wav.shape[1])).view(-1, 320).square().mean(1)
        target = frames > frames.max() * 1e-4
        changed = {
            "-6dB": wav * 0.5,
            "+6dB": wav * 2,
            "eq4dB": tilted(wav[0])[None],
            "snr10": separator.separate(noisy[i][None], quantize=False).speech,
        }
        for name, other in changed.items():
            kept.setdefault(name, []).append((codec.encode(other, levels=1)[0, 0] == plain)[target])
    return {name: round(100 * float(torch.cat(flags).float().mean()), 1) for name, flags in kept.items()}


@torch.no_grad()
def main() -> None:
    """Score one training, exported weights, or the codec in the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--run", type=Path, help="folder of a training")
    parser.add_argument("--weights", type=Path, help="folder of exported weights")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--levels", type=int, nargs="+", default=[3, 6, 10])
    parser.add_argument("--wavs", type=Path, help="folder for some of the decoded recordings")
    args = parser.parse_args()
    torch.set_num_threads(1)
    utterances, begun = dev_set(args.bank), time.process_time()
    codec, result = None, {"system": "package"}
    if args.run:
        codec, result = averaged_codec(args.run)
    elif args.weights:
        codec, result = exported_codec(args.weights), {"system": str(args.weights)}
    system = token_system(codec) if codec else package_system()
    decoded = [system(u.wav, tuple(args.levels)) for u in utterances]
    for k in args.levels:
        wavs = [d[k] for d in decoded]
        scores = [quality(u.wav, w) for u, w in zip(utterances, wavs)]
        row = {name: float(np.mean([s[name] for s in scores])) for name in scores[0]}
        row["pesq_english"] = float(np.mean([s["pesq"] for s, u in zip(scores, utterances) if u.english]))
        if args.full:
            row |= full_scores(wavs, utterances, args.bank / "dev_texts.json")
        result[f"levels_{k}"] = {name: round(value, 3) for name, value in row.items()}
    if args.full and codec:
        result["stability"] = stability(codec, utterances, args.bank)
    if args.wavs:
        import soundfile

        args.wavs.mkdir(parents=True, exist_ok=True)
        for i in (0, 12, 20, 27):
            soundfile.write(args.wavs / f"{i:02d}_{utterances[i].label}.wav", utterances[i].wav.numpy(), 16000)
            for k in args.levels:
                soundfile.write(args.wavs / f"{i:02d}_{k}.wav", decoded[i][k].numpy(), 16000)
    result["seconds"] = round(time.process_time() - begun)
    out = args.out or ((args.run / "scores.jsonl") if args.run else Path("scores.jsonl"))
    with out.open("a") as file:
        file.write(json.dumps(result) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
