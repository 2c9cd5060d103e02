"""CPU seconds of one thread per second of audio, this codec and others in one run."""

import argparse
from pathlib import Path

import torch
from common import describe_machine, gemm_speed, load_codec, print_table, time_interleaved
from peers import PEERS, Peer, decodec

from espnet2_decodec.arguments import positive_float

HEADINGS = ["codec", "kbit/s", "million parameters", "encode", "decode", "both", "times as fast as EnCodec"]


def main() -> None:
    """Run the benchmark; see --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of a saved codec (default: the default size, random)")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=["encodec", "soundstream", "espnet-dac", "dac"])
    parser.add_argument("--seconds", type=positive_float, default=10.0, help="length of the audio")
    parser.add_argument("--rounds", type=int, default=7, help="timed calls of each, of which the median is taken")
    args = parser.parse_args()
    torch.set_num_threads(1)
    codecs = [decodec(load_codec(args.model))]
    for name in args.peers:
        try:
            codecs.append(PEERS[name]())
        except ImportError as error:
            print(f"{name} is skipped: {error}. {PEERS[name].__doc__}")
    with torch.inference_mode():
        speed = gemm_speed()
        times = time_interleaved(timed_functions(codecs, args.seconds), args.rounds)
    print_table(HEADINGS, report(codecs, times, args.seconds))
    print(f"\n- audio: {args.seconds:g} s of noise, batch 1, median of {args.rounds}; CPU seconds per second of audio")
    print(f"- float32 matrix products reach {speed:.0f} GFLOP/s")
    print(describe_machine())


def timed_functions(codecs: list[Peer], seconds: float) -> dict:
    """The timed functions: encode and decode of each codec."""
    functions = {}
    for codec in codecs:
        wav = 0.1 * torch.randn(1, 1, int(seconds * codec.sample_rate))
        codes = codec.encode(wav)
        functions[codec.name, "encode"] = lambda codec=codec, wav=wav: codec.encode(wav)
        functions[codec.name, "decode"] = lambda codec=codec, codes=codes: codec.decode(codes)
    return functions


def report(codecs: list[Peer], times: dict, seconds: float) -> list[list[str]]:
    """One row per codec; the last column compares with EnCodec if it was timed."""
    totals = {codec.name: times[codec.name, "encode"] + times[codec.name, "decode"] for codec in codecs}
    reference = totals.get("EnCodec 24 kHz")
    return [
        [
            codec.name,
            f"{codec.kbps:g}",
            f"{codec.parameters / 1e6:.1f}",
            f"{times[codec.name, 'encode'] / seconds:.4f}",
            f"{times[codec.name, 'decode'] / seconds:.4f}",
            f"{totals[codec.name] / seconds:.4f}",
            f"{reference / totals[codec.name]:.1f}" if reference else "-",
        ]
        for codec in codecs
    ]


if __name__ == "__main__":
    main()
