"""List the backgrounds in which a voice activity detector finds speech: ``python -m local.find_speech WAV_SCP...``.

Needs silero-vad and torch. ``corpora/backgrounds_with_speech.txt`` is its output, reviewed by a person.
"""

import sys
from pathlib import Path

import soundfile
import torch
from silero_vad import get_speech_timestamps, load_silero_vad

from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.progress import progress


def main(tables: list[str]) -> None:
    """Print one line per file with speech: fraction of speech, seconds of speech, utterance."""
    torch.set_num_threads(1)
    model = load_silero_vad()
    paths = {name: path for table in tables for name, path in read_table(Path(table)).items()}
    for name, path in progress(paths.items(), desc="voice activity"):
        samples, rate = soundfile.read(path, dtype="float32")
        spans = get_speech_timestamps(torch.from_numpy(samples), model, sampling_rate=rate, threshold=0.5)
        speech = sum(span["end"] - span["start"] for span in spans)
        if speech:
            print(f"{speech / len(samples):.2f} {speech / rate:.1f} {name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
