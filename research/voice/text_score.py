"""Word error rates of synthesized text: `python -m research.voice.text_score --model MODEL --out CSV --bank BANK`.

Each sentence of a bank of `text_speech` is decoded from the features of its recording (natural), from their tokens,
and from predicted features and tokens; the sentences of a text file (--sentences) from predictions alone. The voice
model (--voice, --prompt) makes the other coordinates, or without it the codec's own predictor. Numbers count as words.
"""

import argparse
import csv
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.normalize import normalize_english
from espnet2_decodec.evaluation.metrics.error_rate import ErrorCounts, word_errors
from espnet2_decodec.evaluation.metrics.recognizers import normalize_level, recognizer
from espnet2_decodec.io.audio import AudioReader, write
from espnet2_decodec.voice.conversion import correct_bias, speak, spectral_bias
from espnet2_decodec.voice.speech import Speech, analyze, semantic_parts, synthesize
from espnet2_decodec.voice.text_to_semantic import TextToSemantic
from espnet2_decodec.voice.voice_model import VoiceModel
from research.voice.text_bank import Utterance, read_bank


class Decoder:
    """Embeddings of the semantic level -> waveform.

    Args:
        codec: name or folder of a codec.
        voice: name or folder of a voice model; None for the codec's predictor.
        prompt: recording of the voice.
    """

    def __init__(self, codec: str, voice: str | None, prompt: Path | None):
        self.codec, self.voice = DeCodec.from_pretrained(codec), None
        if voice is not None:
            if prompt is None:
                raise SystemExit("The voice model needs a recording of a voice: --prompt FILE.")
            self.voice = VoiceModel.from_pretrained(voice)
            self.prompt = analyze(self.codec, AudioReader(prompt, self.codec.sample_rate))
            self.bias = spectral_bias(self.voice, self.codec, self.prompt)

    @torch.no_grad()
    def __call__(self, embeddings: Tensor) -> Tensor:
        """[T, S] -> [L]."""
        if self.voice is None:
            coordinates = semantic_parts(self.codec)[1].predict(embeddings.T[None])[0].T
        else:
            predicted = speak(self.voice, self.codec, embeddings, self.prompt)
            coordinates = correct_bias(predicted, self.bias, semantic_parts(self.codec)[0])
        samples = len(embeddings) * self.codec.hop
        return torch.cat(list(synthesize(self.codec, [Speech(embeddings, coordinates)], samples)))


def sources(text: TextToSemantic, sentence: str, row: Utterance | None, style: str | None) -> dict[str, Tensor]:
    """Name -> features [T, S] of one sentence, and of its recording if there is one."""
    output = text(sentence, style=style)
    found = {"predicted": output.embeddings, "predicted_tokens": text.codebook[output.tokens]}
    if row is not None:
        tokens = torch.from_numpy(row.tokens.astype("int64"))
        found |= {"natural": torch.from_numpy(row.features).float(), "tokens": text.codebook[tokens]}
    return found


def spoken(text: str) -> str:
    """Normalized text; empty where there is no word, or one of another script."""
    try:
        return normalize_english(text)
    except ValueError:
        return ""


def rate(counts: list[ErrorCounts]) -> str:
    """Word error rate of all sentences together."""
    errors, words = (sum(values) for values in zip(*((c.errors, c.reference_length) for c in counts)))
    return f"WER {100 * errors / words:.1f} % of {words} words"


def main() -> None:
    """Write the recognized sentences and print the word error rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--bank", type=Path, help="folder of banks")
    parser.add_argument("--name", default="synthetic_dev", help="of the bank")
    parser.add_argument("--sentences", type=Path, help="text file, in place of a bank")
    parser.add_argument("--style", help="of the prediction")
    parser.add_argument("--codec", default="decodec-16k-semantic")
    parser.add_argument("--voice", help="name or folder of a voice model")
    parser.add_argument("--prompt", type=Path, help="recording of the voice")
    parser.add_argument("--recognizer", default="whisper-base")
    parser.add_argument("--sources", nargs="+", default=["natural", "tokens", "predicted"])
    parser.add_argument("--limit", type=int, default=40, help="number of sentences")
    parser.add_argument("--wavs", type=Path, help="folder for the waveforms")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.sentences:
        rows: list[tuple[str, Utterance | None]] = [
            (line, None) for line in args.sentences.read_text(encoding="utf-8").splitlines()
        ]
    else:
        rows = [(row.text, row) for row in read_bank(args.bank, args.name) if len(row.text.split()) > 5]
    text, listen = TextToSemantic.from_pretrained(args.model), recognizer(args.recognizer)
    decoder = Decoder(args.codec, args.voice, args.prompt)
    errors: dict[str, list[ErrorCounts]] = {}
    with args.out.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "source", "errors", "words", "recognized"])
        for number, (sentence, row) in enumerate(rows[: args.limit]):
            for name, embeddings in sources(text, sentence, row, args.style).items():
                if name not in args.sources:
                    continue
                wav = decoder(embeddings)
                found = listen(normalize_level(wav), decoder.codec.sample_rate)
                counts = word_errors(spoken(sentence), spoken(found))
                errors.setdefault(name, []).append(counts)
                table.writerow([sentence, name, counts.errors, counts.reference_length, found])
                if args.wavs:
                    write(args.wavs / f"{number:03d}-{name}.wav", [wav], decoder.codec.sample_rate)
    for name, found_errors in errors.items():
        print(f"{args.sentences or args.name} {name}: {rate(found_errors)}")


if __name__ == "__main__":
    main()
