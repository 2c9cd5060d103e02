"""Peak memory of text to speech, as in `decodec say`, after more and more sentences of ever other lengths."""

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator

import torch
from common import describe_machine

from espnet2_decodec.arguments import positive_int
from espnet2_decodec.io.sample_spool import SampleSpool
from espnet2_decodec.tts import VoiceTTS
from espnet2_decodec.voice.default_voice import DEFAULT_VOICE
from espnet2_decodec.voice.speaking import Sentence

ROW = "| {:>9} | {:>7} | {:>9} | {:>9} | {:>9} |"


def main() -> None:
    """Run the benchmark; see --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sentences", type=positive_int, nargs="+", default=[1, 25, 50, 100], help="when to print a row"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    tts = VoiceTTS.from_pretrained()
    with SampleSpool(tts.synthesize(measured(tts, sorted(args.sentences)))) as spool:
        print(f"\n- {spool.samples / tts.sample_rate:.0f} s of speech in all")
    print("- peak resident memory of the process with all models, CPU time of one thread")
    print(describe_machine())


def measured(tts: VoiceTTS, marks: list[int]) -> Iterator:
    """Speech of random sentences; prints a row after each number of sentences in `marks`."""
    print(ROW.format("sentences", "lengths", "speech, s", "peak, MiB", "CPU, s"))
    print(ROW.format(*["--:"] * 5), flush=True)
    sentences, lengths, frames = random_sentences(tts, marks[-1]), set(), 0
    count = 0
    for part in tts.speak(sentences, tts.read_prompt(DEFAULT_VOICE)):
        frames += len(part.content)
        if part.coordinates.any():  # and not a pause
            count += 1
            lengths.add(len(part.content))
        yield part
        if marks and count == marks[0]:
            seconds = f"{frames / tts.codec.frame_rate:.0f}"
            print(ROW.format(marks.pop(0), len(lengths), seconds, peak(), f"{time.process_time():.0f}"), flush=True)


def random_sentences(tts: VoiceTTS, count: int) -> list[Sentence]:
    """Sentences of 1 to 40 words of the lexicon, most of them of about 12."""
    generator, words = random.Random(0), [word for word in tts.text_model.lexicon if word.isalpha()]
    lengths = [min(40, max(1, round(generator.lognormvariate(2.5, 0.7)))) for _ in range(count)]
    return [tts.split(" ".join(generator.choices(words, k=length)) + ".")[0] for length in lengths]


def peak() -> int:
    """Peak resident memory of this process in MiB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size // (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
