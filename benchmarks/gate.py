"""Bit rate of both streams with and without the gate, for recordings at falling levels and for backgrounds alone."""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import torch
from common import REPOSITORY

from espnet2_decodec import DeCodec
from espnet2_decodec.arguments import decibels, positive_float
from espnet2_decodec.io.audio import read
from espnet2_decodec.io.gate import Gate
from espnet2_decodec.io.stream_power import silence_power, stream_powers

AUDIO = REPOSITORY / "local" / "mini" / "audio"
SETS = {"speech": "asterisk_*/*.flac", "background": "megaglest_*/*.flac"}
GATES = {"none": None, "-60 dBFS": -60.0, "default": "relative"}


def main() -> None:
    """Run the benchmark; see --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="CSV file")
    parser.add_argument("--count", type=int, default=6, help="recordings of each set (default: 6)")
    parser.add_argument("--seconds", type=positive_float, default=6.0, help="of each recording (default: 6)")
    parser.add_argument("--gains", type=decibels, nargs="+", default=[0, -10, -20, -30, -40, -50], help="in dB")
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec = DeCodec.from_pretrained()
    with open(args.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["recordings", "gain_db", "gate", "speech_kbps", "background_kbps", "seconds"])
        for name, pattern in SETS.items():
            paths = sorted(AUDIO.glob(pattern))
            wavs = [read(path, codec.sample_rate) for path in paths[:: max(1, len(paths) // args.count)][: args.count]]
            for gain in args.gains:
                powers = list(frame_powers(codec, wavs, gain, args.seconds))
                for gate in GATES:
                    writer.writerow([name, f"{gain:g}", gate, *rates(codec, powers, gate)])


def frame_powers(codec: DeCodec, wavs: list[torch.Tensor], gain: float, seconds: float) -> Iterator[torch.Tensor]:
    """Yield the powers [2, T] of both streams of each recording, which is scaled and rounded to 16 bits."""
    for wav in wavs:
        wav = wav[: int(seconds * codec.sample_rate)] * 10 ** (gain / 20)
        codes = codec.encode((wav * 32768).round()[None] / 32768)
        yield torch.stack(stream_powers(codec, codes))


def rates(codec: DeCodec, recordings: list[torch.Tensor], name: str) -> list[str]:
    """Return the bit rates of speech and background in kbit/s, and the number of seconds."""
    kept, total, floor = [0, 0], 0, silence_power(codec)
    for powers in recordings:
        threshold = GATES[name]
        gate = Gate(threshold if isinstance(threshold, float) else None, floor)
        for present in gate.decisions(*powers, round(codec.frame_rate)):
            total += 1
            present = (True, True) if threshold is None else present
            kept = [count + there for count, there in zip(kept, present)]
    levels = codec.speech_levels, codec.background_levels
    return [f"{count / total * codec.kbps(k):.2f}" for count, k in zip(kept, levels)] + [str(total)]


if __name__ == "__main__":
    main()
