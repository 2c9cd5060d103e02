"""Features of a bank's speech: `python -m research.voice.prepare_features --bank BANK --out FEATURES --nj 2`.

For each recording at a fixed level: semantic features, semantic features of the same recording with another pitch,
vocal tract length and frequency response, and the parametric coordinates with interpolated f0; float16, frame by frame.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torchaudio
from torch import Tensor

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.voice.conversion import LEVEL
from espnet2_decodec.voice.coordinates import interpolate_f0
from research.feature_files import write_features
from research.tokens.audio_bank import AudioBank

RATES = tuple(rate / 50 for rate in (40, 42, 44, 46, 55, 57, 60, 62))
"""Factors of duration, f0 and formants of the perturbed recordings; 1 is left out."""


def normalize_level(wav: Tensor, hop: int = 320) -> Tensor:
    """[L] -> [L] at an RMS of `LEVEL`, by the frames within 30 dB of the loudest one."""
    power = wav[: len(wav) // hop * hop].view(-1, hop).square().mean(1)
    active = power[power > power.max() * 1e-3].mean()
    return wav * (LEVEL / active.sqrt().clamp(min=1e-5))


def equalize(wav: Tensor, random: np.random.Generator) -> Tensor:
    """[L] -> [L] with a smooth random frequency response of up to about 8 dB."""
    spectrum = torch.fft.rfft(wav)
    position = torch.linspace(0, 1, len(spectrum)).sqrt()
    gain = sum(
        float(random.normal(0, 3.0)) / k * torch.cos(torch.pi * k * position + float(random.random()) * 6.3)
        for k in (1, 2, 3)
    )
    return torch.fft.irfft(spectrum * 10 ** (torch.as_tensor(gain) / 20), n=len(wav))


def perturbed_content(backbone: SemanticMDCTBackbone, wav: Tensor, frames: int, random: np.random.Generator) -> Tensor:
    """Semantic features [T, S] of the perturbed recording, at the times of the original."""
    rate = float(random.choice(RATES))
    other = torchaudio.functional.resample(equalize(wav, random), 50, round(50 * rate))
    content = backbone.semantic_encoder(_padded(other, backbone.hop))[0]
    index = (torch.arange(frames) + 0.5) * rate - 0.5
    left = index.floor().long().clamp(0, len(content) - 1)
    right = (left + 1).clamp(max=len(content) - 1)
    share = (index - left).clamp(0, 1)[:, None]
    return content[left] * (1 - share) + content[right] * share


def _padded(wav: Tensor, hop: int) -> Tensor:
    return torch.nn.functional.pad(wav, (0, -len(wav) % hop))[None]


@torch.no_grad()
def features(backbone: SemanticMDCTBackbone, wav: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Wav [L] -> semantic features, perturbed ones [T, S] each, coordinates [T, P]."""
    wav = normalize_level(wav)
    padded = _padded(wav, backbone.hop)
    content = backbone.semantic_encoder(padded)[0]
    coordinates = interpolate_f0(backbone.target_latent(padded)[0, : backbone.parametric_dim].T)
    return content, perturbed_content(backbone, wav, len(content), np.random.default_rng(seed)), coordinates


_STATE: dict = {}


def _start(bank: str, name: str, model: str) -> None:
    torch.set_num_threads(1)
    _STATE["bank"] = AudioBank(bank, name)
    _STATE["backbone"] = DeCodec.from_pretrained(model).backbone


def _work(i: int) -> tuple[np.ndarray, ...]:
    found = features(_STATE["backbone"], _STATE["bank"].recording(i), i)
    return tuple(x.numpy().astype(np.float16) for x in found)


def main() -> None:
    """Write NAME.content, NAME.perturbed, NAME.coordinates (float16) and NAME.tsv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="speech_train")
    parser.add_argument("--model", default="decodec-16k-semantic")
    parser.add_argument("--limit", type=int, help="only as many recordings")
    parser.add_argument("--nj", type=int, default=1)
    args = parser.parse_args()
    bank = AudioBank(args.bank, args.name)
    kinds, rows = ("content", "perturbed", "coordinates"), [row[2:] for row in bank.rows[: args.limit]]
    with ProcessPoolExecutor(args.nj, initializer=partial(_start, str(args.bank), args.name, args.model)) as pool:
        results = pool.map(_work, range(len(rows)), chunksize=16)
        write_features(args.out, args.name, kinds, rows, results, every=1000)


if __name__ == "__main__":
    main()
