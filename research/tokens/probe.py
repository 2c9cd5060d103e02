"""Speakers in the tokens: `python -m research.tokens.probe --bank BANK`.

Linear probes of each level, alone and added to those before, on the development voices of speechocean762: several
recordings of each, which training has not seen. Chance is the share of the most frequent speaker.
"""

import argparse
import json
from pathlib import Path

import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.probes.tokens import ProbeExample, make_example, token_results
from research.tokens.audio_bank import AudioBank


def examples(codec: DeCodec, bank: AudioBank, source: str, per_speaker: int) -> list[ProbeExample]:
    """Recordings of the source, at most `per_speaker` of each voice."""
    found = []
    for key in bank.keys:
        if key[0] == source:
            for i in bank.members[key][:per_speaker]:
                found.append(make_example(codec, f"{key[1]}-{i}", key[1], bank.recording(i)))
    return found


def main() -> None:
    """Print accuracies in percent, one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", default="decodec-16k-semantic", help="folder or name of a codec")
    parser.add_argument("--source", default="speechocean762")
    parser.add_argument("--recordings", type=int, default=12, help="of each speaker")
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec = DeCodec.from_pretrained(args.model)
    found = examples(codec, AudioBank(args.bank, "speech_dev"), args.source, args.recordings)
    results = token_results("speaker", found)
    rows = {f"{r.system} {r.part} {r.condition}": round(r.interval.mean, 1) for r in results}
    chance = round(results[0].chance, 1)
    print(json.dumps({"model": args.model, "speakers": len({e.label for e in found}), "chance": chance, **rows}))


if __name__ == "__main__":
    main()
