"""Input and targets of the semantic encoder: `python -m research.tokens.prepare_semantic --bank BANK --out FEATURES`.

Recordings of one voice are joined to pieces of at least 8 s. For each piece, frame by frame in float16: relative
log-mel spectra, those of the speech separated from a mixture with the piece (three of four) or of the piece with
another frequency response, room or bandwidth, those of that mixture or changed piece before the separation, and the
teacher's targets of the piece.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from research.feature_files import write_features
from research.tokens.audio_bank import AudioBank
from research.tokens.batches import BatchSampler
from research.tokens.teacher_targets import TeacherTargets
from research.training import autocast
from research.voice.prepare_features import normalize_level

SHORTEST, LONGEST = 8 * 16000, 20 * 16000
"""Samples of a piece; only the last one of a voice is shorter than the first."""
KINDS = ("plain", "augmented", "mixture", "targets")


def pieces(bank: AudioBank) -> list[list[tuple[int, int, int]]]:
    """Pieces as lists of (recording, first sample, end)."""
    found: list[list[tuple[int, int, int]]] = []
    for members in bank.members.values():
        piece: list[tuple[int, int, int]] = []
        for i in members:
            size = int(bank.lengths[i])
            for begin in range(0, size, LONGEST):
                piece.append((i, begin, min(begin + LONGEST, size)))
                if sum(end - first for _, first, end in piece) >= SHORTEST:
                    found.append(piece)
                    piece = []
        found += [piece] if piece else []
    return found


def joined(bank: AudioBank, piece: list[tuple[int, int, int]], hop: int = 320) -> Tensor:
    """A piece [L] of whole frames, each recording at the same level."""
    wavs = [normalize_level(bank.recording(i)[first:end], hop) for i, first, end in piece]
    return torch.cat([torch.nn.functional.pad(wav, (0, -len(wav) % hop)) for wav in wavs])


_STATE: dict = {}


def _start(folder: str, name: str, model: str, maps: str) -> None:
    torch.set_num_threads(1)
    backbone = DeCodec.from_pretrained(model).backbone
    assert isinstance(backbone, SemanticMDCTBackbone)
    targets = TeacherTargets()
    targets.load(Path(maps))
    sampler = BatchSampler(folder)
    _STATE.update(bank=AudioBank(folder, name), backbone=backbone, targets=targets, sampler=sampler)


@torch.no_grad()
def _work(job: tuple[int, list[tuple[int, int, int]]]) -> tuple[np.ndarray, ...]:
    number, piece = job
    sampler, log_mel = _STATE["sampler"], _STATE["backbone"].semantic_encoder.log_mel
    wav, random = joined(_STATE["bank"], piece), np.random.default_rng(number)
    generator = torch.Generator().manual_seed(number)
    if number % 4:
        noises = np.stack([sampler.noise(len(wav), random) for _ in range(2)])[None]
        with autocast():
            mixture = sampler.mix(wav[None], torch.from_numpy(noises), generator).mixture
            other = _STATE["backbone"].stems(mixture)[:, 0].float()
    else:
        mixture = other = sampler.augment(wav[None], torch.zeros(1, 1, len(wav)), generator).speech
    found = *(log_mel(x)[0] for x in (wav[None], other, mixture)), _STATE["targets"](wav)
    return tuple(x.numpy().astype(np.float16) for x in found)


def main() -> None:
    """Write NAME.KIND of all `KINDS`, NAME.tsv, and the fitted components of the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="speech_train")
    parser.add_argument("--model", default="decodec-16k-semantic", help="codec that separates")
    parser.add_argument("--targets", type=Path, help="components of an earlier call, in place of fitting them")
    parser.add_argument("--limit", type=int, help="only as many pieces")
    parser.add_argument("--nj", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    bank, maps = AudioBank(args.bank, args.name), args.targets or args.out / "targets.pt"
    found = pieces(bank)[: args.limit]
    if not args.targets:
        chosen = np.random.default_rng(0).permutation(len(found))[:150]
        targets = TeacherTargets()
        targets.fit([joined(bank, found[i]) for i in chosen])
        targets.save(maps)
    rows = [bank.rows[piece[0][0]][2:] for piece in found]
    initializer = partial(_start, str(args.bank), args.name, args.model, str(maps))
    with ProcessPoolExecutor(args.nj, initializer=initializer) as pool:
        results = pool.map(_work, enumerate(found), chunksize=4)
        write_features(args.out, args.name, KINDS, rows, results, every=200)


if __name__ == "__main__":
    main()
