"""List the backgrounds in which a detector hears speech: ``python -m local.find_voices WAV_SCP...``.

Needs silero-vad and torch. What it printed, read through by a person, is ``corpora/voiced.txt``.
"""

import sys
from pathlib import Path

import soundfile
import torch
from silero_vad import get_speech_timestamps, load_silero_vad

from local.kaldi import read_table


def main(tables: list[str]) -> None:
    """One line for each file with speech: share of speech, seconds of speech, utterance."""
    torch.set_num_threads(1)
    model = load_silero_vad()
    for table in tables:
        for name, path in read_table(Path(table)).items():
            samples, rate = soundfile.read(path, dtype="float32")
            spans = get_speech_timestamps(torch.from_numpy(samples), model, sampling_rate=rate, threshold=0.5)
            speech = sum(span["end"] - span["start"] for span in spans)
            if speech:
                print(f"{speech / len(samples):.2f} {speech / rate:.1f} {name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
