"""An exported codec beside the original: agreement of tokens and samples on recordings, and seconds of one thread."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from common import REPOSITORY, describe_machine, load_codec, print_table, time_interleaved
from torch import Tensor

from espnet2_decodec import DeCodec
from espnet2_decodec.arguments import positive_float
from espnet2_decodec.codec.export import OnnxCodec, OnnxStreamingDecoder, OnnxStreamingEncoder, export_codec
from espnet2_decodec.codec.serialization import DEFAULT_MODEL
from espnet2_decodec.codec.streaming import StreamingDecoder, StreamingEncoder, concatenate
from espnet2_decodec.folders import find_files
from espnet2_decodec.io.audio import INPUT_SUFFIXES, read
from espnet2_decodec.types import Codes

HEADINGS = ["recording", "seconds", "speech tokens equal", "background tokens equal", "largest difference of samples"]


def main() -> None:
    """Run the benchmark; see --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="folder of a codec")
    parser.add_argument("--audio", type=Path, default=REPOSITORY / "local/mini/audio", help="folder of recordings")
    parser.add_argument("--number", type=int, default=10, help="recordings to compare")
    parser.add_argument("--seconds", type=positive_float, default=10.0, help="length of the timed audio")
    parser.add_argument("--rounds", type=int, default=5, help="timed calls of each, of which the median is taken")
    parser.add_argument("--streaming", action="store_true", help="steps of 20 ms instead of whole recordings")
    args = parser.parse_args()
    torch.set_num_threads(1)
    codec = load_codec(args.model)
    with TemporaryDirectory() as folder, torch.inference_mode():
        export_codec(codec, folder, streaming=args.streaming)
        exported: OnnxCodec | Steps = Steps(folder) if args.streaming else OnnxCodec(folder, threads=1)
        original: DeCodec | Blocks = Blocks(codec) if args.streaming else codec
        found = find_files(args.audio, INPUT_SUFFIXES).files
        files = found[:: max(1, len(found) // args.number)][: args.number]
        print_table(HEADINGS, [[path.stem, *compare(codec, exported, path)] for path in files])
        print()
        wav = torch.cat([read(path, codec.sample_rate) for path in files]).repeat(20)[None]
        wav = wav[:, : int(args.seconds * codec.sample_rate)]
        codes = codec.encode(wav)
        times = time_interleaved(
            {
                "PyTorch, encode": lambda: original.encode(wav),
                "ONNX Runtime, encode": lambda: exported.encode(wav),
                "PyTorch, decode": lambda: original.decode(codes),
                "ONNX Runtime, decode": lambda: exported.decode(codes),
            },
            args.rounds,
        )
    rows = [[name, f"{1000 * seconds / args.seconds:.1f}"] for name, seconds in times.items()]
    print_table(["one thread", "CPU ms per second of audio"], rows)
    print(describe_machine())


class Live:
    """A recording of whole frames pushed frame by frame through an encoder, and its tokens through a decoder.

    Args:
        encoder, decoder: for live use.
        hop: samples per frame.
    """

    def __init__(self, encoder: Any, decoder: Any, hop: int):
        self.encoder, self.decoder, self.hop = encoder, decoder, hop

    def encode(self, wav: Tensor) -> Codes:
        """Samples [1, L] -> tokens."""
        blocks = [*(self.encoder.push(block) for block in wav[0].split(self.hop)), self.encoder.flush()]
        return concatenate(block for block in blocks if block is not None)

    def decode(self, codes: Codes) -> Tensor:
        """Tokens -> samples [1, L]."""
        lengths = [min(self.hop, int(codes.lengths) - i * self.hop) for i in range(codes.speech.shape[2])]
        blocks = [
            self.decoder.push(
                Codes(
                    codes.speech[..., i : i + 1], codes.background[..., i : i + 1], torch.tensor([n]), codes.sample_rate
                )
            )
            for i, n in enumerate(lengths)
        ]
        return torch.cat([*blocks, self.decoder.flush()])[None]


class Steps(Live):
    """Steps of an exported codec."""

    def __init__(self, folder: str):
        encoder = OnnxStreamingEncoder(folder)
        super().__init__(encoder, OnnxStreamingDecoder(folder), encoder.hop)


class Blocks(Live):
    """Blocks of one frame of the original codec."""

    def __init__(self, codec: DeCodec):
        super().__init__(StreamingEncoder(codec), StreamingDecoder(codec), codec.hop)


def compare(codec: DeCodec, exported: OnnxCodec | Live, path: Path) -> list[str]:
    """Cells of the table for one recording."""
    wav = read(path, codec.sample_rate)[None]
    expected, found = codec.encode(wav), exported.encode(wav)
    pairs = (expected.speech, found.speech), (expected.background, found.background)
    shares = [f"{100 * float((a == b).double().mean()):.3f} %" for a, b in pairs]
    difference = float((codec.decode(expected) - exported.decode(expected)).abs().max())
    return [f"{wav.shape[1] / codec.sample_rate:.1f}", *shares, f"{difference:.1e}"]


if __name__ == "__main__":
    main()
