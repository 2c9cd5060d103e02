"""Synthetic speech with exact durations: `python -m research.voice.text_speech --sentences S --bank BANK --out OUT`.

The sentences are pronounced as the package pronounces them, and spoken from these phones by hibari-tts (Apache-2.0,
distilled from Kokoro-82M, Apache-2.0; pip install hibari-tts), whose graph also gives the duration of each phone.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import soxr
from hibari import Hibari, dsp

from espnet2_decodec.data.normalize import PUNCTUATION
from espnet2_decodec.voice.text_lexicon import Pronouncer
from espnet2_decodec.voice.text_phones import PHONE_IDS, SILENCE, SPACE
from espnet2_decodec.voice.text_to_semantic import utterances
from research.voice.text_bank import DURATION_UNITS, SemanticTokenizer, Utterance, write_bank
from research.voice.text_cmudict import lexicon

DURATIONS_NODE = "CumSum"
"""Type of the one node of the graph whose input is the duration of each symbol in units of `UNIT_SECONDS`."""
UNIT_SECONDS = 0.025

SYMBOLS = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "B": "b", "CH": "ʧ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɜɹ", "EY": "A", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "ʤ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "O", "OY": "Y", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t",
    "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
"""Phones of CMUdict without stress -> symbols of the synthesizer."""
UNSTRESSED = {"AH0": "ə", "ER0": "əɹ"}
STRESS = {"1": "ˈ", "2": "ˌ"}


def symbols(phones: list[str]) -> list[str]:
    """Symbols of the synthesizer for each phone of an utterance; silence has none."""
    result, padded = [], [SILENCE, *phones, SILENCE, SILENCE]
    for i, phone in enumerate(phones):
        before, after, second = (padded[i + offset] for offset in (0, 2, 3))
        if phone == SILENCE:
            result.append("")
        elif phone == SPACE or phone in PUNCTUATION:
            result.append(phone)
        elif phone == "T" and _is_vowel(before) and after[-1] == "0" and [after, second] != ["AH0", "N"]:
            result.append("T")  # a flap
        elif phone == "AH0" and after == "L" and before not in (SPACE, SILENCE) and second[-1] not in "012":
            result.append("ᵊ")
        elif phone[:2] == "IY" and after == "R":
            result.append(STRESS.get(phone[-1], "") + "ɪ")
        elif phone in UNSTRESSED:
            result.append(UNSTRESSED[phone])
        else:
            result.append(STRESS.get(phone[-1], "") + SYMBOLS[phone.rstrip("012")])
    return result


def _is_vowel(phone: str) -> bool:
    """Whether a phone is a vowel or R, after which a flap is possible."""
    return phone[-1].isdigit() or phone == "R"


class AlignedSynthesizer:
    """The synthesizer, with the durations of its symbols."""

    def __init__(self):
        self.tts = Hibari()
        graph = onnx.load(self.tts.model_path)
        (node,) = (node for node in graph.graph.node if node.op_type == DURATIONS_NODE)
        graph.graph.output.append(onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.INT64, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(graph.SerializeToString(), options)

    def __call__(self, phones: list[str], speed: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Phones of an utterance -> samples [L] float32 at 16 kHz, and the duration of each phone in seconds."""
        parts = symbols(phones)
        ids = self.tts.ids("".join(parts))
        inputs = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
        *spectra, durations = self.session.run(None, inputs)
        samples = dsp.synth(*(part[0] for part in spectra), np.random.default_rng(seed))
        counts = [1 if part == "" else len(part) for part in parts]
        sums = np.add.reduceat(durations.ravel(), np.cumsum([0, *counts[:-1]]))
        return soxr.resample(samples, self.tts.sample_rate, 16000), sums * UNIT_SECONDS


def main() -> None:
    """Synthesize sentences for the given minutes, and write bank `synthetic`."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("sentences", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20.0, help="time to take")
    parser.add_argument("--first", type=int, default=0, help="number of the first sentence")
    parser.add_argument("--name", default="synthetic", help="of the bank")
    parser.add_argument("--codec", default="decodec-16k-semantic", help="name or folder of the codec")
    args = parser.parse_args()
    synthesizer, tokenizer = AlignedSynthesizer(), SemanticTokenizer(args.codec)
    random = np.random.default_rng(args.first)
    pronouncer, rows, started = Pronouncer(lexicon(), lambda word: []), [], time.monotonic()
    lines = args.sentences.read_text(encoding="utf-8").splitlines()[args.first :]
    for number, line in enumerate(lines, args.first):
        for text in utterances(line.split("\t")[1]):
            phones = pronouncer(text)
            samples, seconds = synthesizer(phones, random.uniform(0.85, 1.2), number)
            frames = seconds * tokenizer.sample_rate / tokenizer.hop
            durations = np.round(frames * DURATION_UNITS).astype(np.uint16)
            indices = np.array([PHONE_IDS[phone] for phone in phones], np.uint8)
            rows.append(Utterance(indices, durations, *tokenizer(samples), "synthetic", "hibari_heart", text))
        if time.monotonic() - started > 60 * args.minutes:
            break
        if number % 1000 == 999:
            hours = sum(len(row.tokens) for row in rows) / 180000
            print(f"{number + 1} sentences, {hours:.2f} h, {time.monotonic() - started:.0f} s", flush=True)
    write_bank(args.out, args.name, rows)
    hours = sum(len(row.tokens) for row in rows) / 180000
    print(f"{args.name}: {len(rows)} utterances, {hours:.2f} h, next sentence {number + 1}")


if __name__ == "__main__":
    main()
