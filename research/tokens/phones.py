"""Phones in the tokens of level 1: `python -m research.tokens.phones --voice VOICE [--model CODEC]`.

VOICE is an annotated festvox voice. Each token stands for the phone that it coincides with most often in 60 sentences;
the score is the share of frames with the right phone in 30 others.
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import soundfile
import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.probes.phones import labeled_recordings


@torch.no_grad()
def main() -> None:
    """Print the share of frames with the right phone, in %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voice", type=Path, required=True)
    parser.add_argument("--model", default="decodec-16k-semantic", help="name or folder of a codec")
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec = DeCodec.from_pretrained(args.model)
    found = labeled_recordings(args.voice, 10**6)
    found = [found[i] for i in np.linspace(0, len(found) - 1, 90).astype(int)]
    counts: dict[int, Counter] = defaultdict(Counter)
    right = total = 0
    for number, (path, alignment) in sorted(enumerate(found), key=lambda pair: pair[0] % 3 == 2):
        wav = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
        wav = torch.nn.functional.pad(wav, (0, -len(wav) % 320))[None]
        tokens = codec.content_tokens(wav)[0, 0].tolist()
        for token, phone in zip(tokens, alignment.phones_of_frames(len(tokens), 0.02)):
            if number % 3 == 2:
                right += bool(counts[token]) and counts[token].most_common(1)[0][0] == phone
                total += 1
            else:
                counts[token][phone] += 1
    print(f"{100 * right / total:.1f} % of {total} frames right, {len(counts)} codes used")


if __name__ == "__main__":
    main()
