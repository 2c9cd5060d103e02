"""Which part of the tokens loses what: `python -m research.tokens.clean_parts --bank BANK --snr 10`.

English recordings of the development set in noise, with parts of the latent replaced by those of the clean speech:
before the quantizers, or after them, in the decoder alone. Scores as those of `research.tokens.score --full`, one JSON
line for each part.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.unseparated import unseparated_latent
from research.tokens.dev_set import dev_set, mixed
from research.tokens.score import interval_scores

PARTS = ("none", "semantic", "envelope", "pitch", "parameters", "bands", "all")


def coordinates(backbone: SemanticMDCTBackbone, part: str) -> slice:
    """The coordinates of a part in a latent of the speech."""
    start, envelope, end = backbone.content_dim, backbone.semantic_dim, backbone.parametric_dim
    return {
        "none": slice(0, 0), "semantic": slice(0, start), "envelope": slice(start, start + envelope),
        "pitch": slice(start + envelope, start + end), "parameters": slice(start, start + end),
        "bands": slice(start + end, None), "all": slice(0, None),
    }[part]  # fmt: skip


@torch.no_grad()
def decode_with(codec: DeCodec, wav: Tensor, clean: Tensor, before: str = "none", after: str = "none") -> Tensor:
    """The speech of `wav` [L] through all levels, with parts of the latent of `clean` [L].

    Args:
        codec: with the backbone `semantic_mdct`.
        wav: a mixture.
        clean: its speech.
        before: part that is replaced before the quantizers.
        after: part that is replaced after them.
    """
    backbone, quantizer = codec.backbone, codec.speech_quantizer
    latents = codec.latent(wav[None]), unseparated_latent(codec, clean[None])
    (speech, _), (exact, empty) = map(codec.subspace.split, latents)
    speech = speech.clone()
    speech[:, coordinates(backbone, before)] = exact[:, coordinates(backbone, before)]
    decoded = quantizer.decode(quantizer.encode(speech))
    decoded[:, coordinates(backbone, after)] = exact[:, coordinates(backbone, after)]
    latent = codec.subspace.merge(decoded, torch.zeros_like(empty))
    return codec.synthesize(latent)[0, : len(wav)]


def main() -> None:
    """Score each part, before the quantizers and after them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", default="decodec-16k-semantic")
    parser.add_argument("--snr", type=float, help="dB; clean speech without it")
    parser.add_argument("--before", nargs="*", default=PARTS, choices=PARTS)
    parser.add_argument("--after", nargs="*", default=["parameters"], choices=PARTS)
    parser.add_argument("--limit", type=int, help="only the first so many recordings")
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec, utterances = DeCodec.from_pretrained(args.model), dev_set(args.bank)
    inputs = [u.wav for u in utterances] if args.snr is None else mixed(utterances, args.bank, args.snr)
    pairs = [(wav, u) for wav, u in zip(inputs, utterances) if u.english][: args.limit]
    chosen, cache = [u for _, u in pairs], args.bank / f"english_texts_{args.limit or 'all'}.json"
    for place, parts in (("before", args.before), ("after", args.after)):
        for part in parts:
            wavs = [decode_with(codec, wav, u.wav, **{place: part}) for wav, u in pairs]
            row: dict = {"replaced": part, "place": place, "snr": args.snr}
            print(json.dumps(row | interval_scores(wavs, chosen, cache)), flush=True)


if __name__ == "__main__":
    main()
