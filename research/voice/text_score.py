"""Word error rates of synthesized text: `python -m research.voice.text_score --model MODEL --bank BANK --out CSV`.

Each sentence of a bank of `text_speech` or `text_recordings` is decoded from its own tokens of the semantic level
(natural), from predicted tokens, and from the expected embeddings of the prediction. The codec's own predictor makes
the other parameters, so that all three have the quality of one level.
"""

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.metrics.error_rate import word_errors
from espnet2_decodec.evaluation.metrics.recognizers import normalize_level, recognizer
from espnet2_decodec.voice.text_to_semantic import TextToSemantic
from research.voice.text_bank import Utterance, read_bank


class Decoder:
    """Embeddings of the semantic level -> waveform, with parameters that the codec predicts.

    Args:
        model: name or folder of a codec.
    """

    def __init__(self, model: str):
        self.codec = DeCodec.from_pretrained(model)
        self.quantizer = self.codec.speech_quantizer

    @torch.no_grad()
    def __call__(self, embeddings: Tensor) -> Tensor:
        """[T, S] -> [L]."""
        semantic = embeddings.T[None]
        speech = torch.cat([semantic, self.quantizer.predict(semantic)], dim=1)
        speech = torch.nn.functional.pad(speech, (0, 0, 0, self.quantizer.dim - speech.shape[1]))
        background = speech.new_zeros(1, self.codec.background_quantizer.dim, speech.shape[2])
        return self.codec.synthesize(self.codec.subspace.merge(speech, background))[0]


def sources(text: TextToSemantic, row: Utterance, style: str) -> dict[str, Callable[[], Tensor]]:
    """Name -> embeddings [T, S] of one utterance."""
    natural = torch.from_numpy(row.tokens.astype("int64"))
    output = text(row.text, style=style)
    return {
        "natural": lambda: text.codebook[natural],
        "tokens": lambda: text.codebook[output.tokens],
        "expected": lambda: output.embeddings,
    }


def main() -> None:
    """Write and print the word error rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "bank", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--name", default="synthetic_dev", help="of the bank")
    parser.add_argument("--style", default="synthetic", help="of the prediction")
    parser.add_argument("--codec", default="decodec-16k-semantic")
    parser.add_argument("--recognizer", default="whisper-base")
    parser.add_argument("--limit", type=int, default=40, help="number of utterances of six words or more")
    args = parser.parse_args()
    torch.set_num_threads(1)
    text, decoder, listen = TextToSemantic.from_pretrained(args.model), Decoder(args.codec), recognizer(args.recognizer)
    rows = [row for row in read_bank(args.bank, args.name) if len(row.text.split()) > 5][: args.limit]
    errors: dict[str, list] = {}
    with args.out.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "source", "errors", "words", "recognized"])
        for row in rows:
            for name, embeddings in sources(text, row, args.style).items():
                found = listen(normalize_level(decoder(embeddings())), decoder.codec.sample_rate)
                counts = word_errors(row.text, found)
                errors.setdefault(name, []).append(counts)
                table.writerow([row.text, name, counts.errors, counts.reference_length, found])
    for name, counts in errors.items():
        total = sum(c.errors for c in counts) / sum(c.reference_length for c in counts)
        print(f"{args.name} {name}: WER {100 * total:.1f} % of {sum(c.reference_length for c in counts)} words")


if __name__ == "__main__":
    main()
