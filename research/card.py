"""Write the card of a trained model: `python -m research.card --model MODEL --scores SCORES`.

The figures are those of `research.tokens.score`, one JSON line.
"""

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

from espnet2_decodec.codec.card import Card, CardMetric, write_card
from espnet2_decodec.codec.decodec import DeCodec

METRICS = {"pesq": ("PESQ", 2), "stoi": ("STOI", 3), "dnsmos": ("DNSMOS", 2), "words_changed": ("words changed, %", 1)}
DATA = "Debian packages of the recipe's size standard, and what was given with --recordings; see research/model.sh."


def metrics(scores: dict[str, Any], kbps: float) -> list[CardMetric]:
    """Scores of `research.tokens.score` -> rows of the card; `kbps` is the bit rate of a level."""
    condition = "clean" if scores["snr"] is None else f"{scores['snr']:g} dB"
    return [
        CardMetric(title, f"{key.removeprefix('levels_')} levels", "speech", condition,
                   kbps * int(key.removeprefix("levels_")), row[name][0], digits, scores["recordings"])
        for key, row in scores.items()
        if key.startswith("levels_")
        for name, (title, digits) in METRICS.items()
        if name in row
    ]  # fmt: skip


def main() -> None:
    """Write README.md into the folder of the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder")
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--license", default="")
    args = parser.parse_args()
    codec = DeCodec.from_pretrained(args.model)
    rate = codec.sample_rate / codec.hop * (codec.speech_quantizer.codebook_size - 1).bit_length() / 1000
    found = [row for line in args.scores.read_text().splitlines() for row in metrics(json.loads(line), rate)]
    measured = {"command": "research/model.sh", "date": date.today().isoformat(), "data": "development set"}
    card = Card(args.license, DATA, metrics=found, measured=measured)
    write_card(args.model, args.model.name, codec, card)
    print(args.model / "README.md")


if __name__ == "__main__":
    main()
