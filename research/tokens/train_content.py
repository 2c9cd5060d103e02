"""Train the content encoder: `python -m research.tokens.train_content --bank BANK --out OUT --minutes 15`."""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from espnet2_decodec.training.teachers.whisper import WhisperTeacher
from research.tokens.batches import BatchSampler
from research.tokens.content import ContentEncoder
from research.tokens.ema import EMA
from research.training import autocast


class TeacherHead(nn.Module):
    """Linear map from content to the teacher's features, which are standardized by running statistics."""

    def __init__(self, dim: int, teacher_dim: int):
        super().__init__()
        self.map = nn.Linear(dim, teacher_dim)
        self.standardize = nn.BatchNorm1d(teacher_dim, affine=False, momentum=0.02)

    def forward(self, content: Tensor, features: Tensor) -> Tensor:
        """Content [B, T, C], features [B, C', T] -> unexplained share of their variance."""
        with torch.no_grad():
            target = self.standardize(features).clamp(-6, 6).transpose(1, 2)
        return (self.map(content.float()) - target).square().mean() / target.square().mean()


def perturb(features: Tensor, generator: torch.Generator, limit: float = 0.17, prob: float = 0.7) -> Tensor:
    """Vocal tract length perturbation of relative log-mel spectra [B, T, 2 M] by up to exp(`limit`), and noise."""
    batch, frames, size = features.shape
    bands = size // 2
    factor = torch.exp((torch.rand(batch, generator=generator) * 2 - 1) * limit)
    factor = torch.where(torch.rand(batch, generator=generator) < prob, factor, torch.ones(()))
    place = (torch.arange(bands) * factor[:, None]).clamp(max=bands - 1)
    low = place.long().clamp(max=bands - 2)
    share = (place - low)[:, None, None, :]
    index = low[:, None, None, :].expand(-1, frames, 2, -1)
    x = features.view(batch, frames, 2, bands)
    x = x.gather(3, index) * (1 - share) + x.gather(3, index + 1) * share
    return x.flatten(2) + 0.1 * torch.randn(features.shape, generator=generator)


def consistency(encoder: ContentEncoder, content: Tensor, tokens: Tensor, temperature: float = 4.0) -> Tensor:
    """Cross-entropy of distances from content [B, T, C] to all codes, given tokens [B, T] of the same speech."""
    book = encoder.quantizer.codebooks[0]
    logits = (2 * content @ book.T - book.square().sum(1)) / temperature
    return nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())


def main() -> None:
    """Train for --minutes of CPU time: without the codebook first, then with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=2.56)
    parser.add_argument("--steps", type=int, default=10**9)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    args.out.mkdir(parents=True, exist_ok=True)
    random, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    sampler = BatchSampler(args.bank)
    teacher = WhisperTeacher.from_package(4)
    encoder = ContentEncoder()
    head = TeacherHead(encoder.dim, teacher.dim)
    ema = EMA(encoder)
    weights = [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01)
    length, begun, kept, quantized, shown = int(args.seconds * 16000), time.process_time(), [], False, []
    log = (args.out / "log.csv").open("w")
    log.write("step,minutes,unexplained_clean,unexplained_input,consistency,same,perplexity\n")
    step = 0
    while (done := (time.process_time() - begun) / 60 / args.minutes) < 1 and step < args.steps:
        for group in optimizer.param_groups:
            group["lr"] = args.lr * min(1, (step + 1) / 80) * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-6
        batch = sampler.draw(args.batch, args.batch // 2, length, random)
        with torch.no_grad(), autocast():
            features = teacher(batch.raw)
        clean = encoder.front(batch.raw)
        both = torch.cat([clean, perturb(encoder.front(batch.input), generator)])
        with autocast():
            content = encoder.encode_features(both)
        used, extra, same, perplexity = content, content.new_zeros(()), 0.0, 0.0
        if quantized:
            levels = torch.ones(len(content), dtype=torch.long)
            result = encoder.quantizer(content.transpose(1, 2), levels)
            used, (first, second) = result.x.transpose(1, 2), result.codes[:, 0].chunk(2)
            plain, changed = content.chunk(2)
            extra = 0.1 * consistency(encoder, changed, first) + 0.02 * consistency(encoder, plain, second)
            extra = extra + 0.25 * result.commitment
            same, perplexity = float((first == second).float().mean()), float(result.metrics["perplexity"][0])
        one, other = (head(part, features) for part in used.chunk(2))
        loss = one + other + extra
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(weights, 2.0)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"The gradients are not finite at step {step}; lower the learning rate.")
        optimizer.step()
        ema.update(encoder)
        if not quantized:
            kept = [*kept[-39:], content.detach()[: args.batch].flatten(0, 1)]
            if done > 0.4:
                frames = torch.cat(kept)
                encoder.quantizer.init_kmeans(frames[torch.randperm(len(frames))[:40000]], iterations=8)
                quantized = True
        shown.append([one.item(), other.item(), extra.item(), same, perplexity])
        step += 1
        if step % 50 == 0:
            minutes = (time.process_time() - begun) / 60
            means = ",".join(f"{value:.4f}" for value in np.mean(shown, 0))
            log.write(f"{step},{minutes:.2f},{means}\n")
            log.flush()
            shown = []
        if step % 500 == 0:
            save(args.out, ema, head, step)
    save(args.out, ema, head, step)


def save(folder: Path, ema: EMA, head: TeacherHead, step: int) -> None:
    """Write content.pt: the averaged encoder with its codebook, and the head."""
    torch.save({"encoder": ema.module.state_dict(), "head": head.state_dict(), "step": step}, folder / "content.pt")


if __name__ == "__main__":
    main()
