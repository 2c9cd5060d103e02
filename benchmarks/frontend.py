"""Share of the frontend in a training step of a 12-layer Conformer, for the codec's features and filter banks."""

import argparse
import tempfile
from pathlib import Path

import torch
from common import describe_machine, load_codec, print_table, time_interleaved
from espnet2.asr.ctc import CTC
from espnet2.asr.encoder.conformer_encoder import ConformerEncoder
from espnet2.asr.frontend.default import DefaultFrontend
from torch import Tensor, nn

from espnet2_decodec.arguments import positive_float
from espnet2_decodec.espnet.codec_features import FEATURES
from espnet2_decodec.espnet.frontend import DeCodecFrontend

TOKENS = 100
"""Outputs of the CTC layer."""


def main() -> None:
    """Run the benchmark; see --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of a saved codec (default: the default size, random)")
    parser.add_argument(
        "--features", nargs="+", choices=FEATURES, default=["semantic", "parametric_continuous", "speech"]
    )
    parser.add_argument("--batch", type=int, default=4, help="recordings of a batch")
    parser.add_argument("--seconds", type=positive_float, default=8.0, help="length of each")
    parser.add_argument("--size", type=int, default=256, help="output_size of the encoder, usually 256 or 512")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3, help="timed steps of each, of which the median is taken")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    samples = int(args.seconds * 16000)
    wav, lengths = 0.1 * torch.randn(args.batch, samples), torch.full((args.batch,), samples)
    frontends: dict[str, nn.Module] = {
        "filter banks, 100 frames per second": DefaultFrontend(n_fft=512, win_length=400, hop_length=160)
    }
    with tempfile.TemporaryDirectory() as folder:
        load_codec(args.model).save_pretrained(folder)
        frontends |= {f"decodec {name}": DeCodecFrontend(model=folder, feature=name) for name in args.features}
    functions = {}
    for name, frontend in frontends.items():
        step = Step(frontend, args.size)
        functions[name, "frontend"] = lambda step=step: step.features(wav, lengths)
        functions[name, "step"] = lambda step=step: step(wav, lengths)
    times = time_interleaved(functions, args.rounds)
    rows = []
    for name in frontends:
        alone, whole = times[name, "frontend"], times[name, "step"]
        rows.append([name, f"{alone:.3f}", f"{whole:.3f}", f"{100 * alone / whole:.1f} %"])
    print_table(["frontend", "frontend, CPU seconds", "whole step, CPU seconds", "share"], rows)
    encoder = sum(p.numel() for p in step.encoder.parameters()) / 1e6
    print(
        f"\n- step: {args.batch} x {args.seconds:g} s through a 12-layer Conformer of {encoder:.1f} million parameters,"
    )
    print(f"  25 frames per second, and backward: CTC loss, Adam; median of {args.rounds}")
    print(describe_machine())


class Step:
    """A training step with a frontend."""

    def __init__(self, frontend: nn.Module, size: int):
        layer = "conv2d" if isinstance(frontend, DefaultFrontend) else "conv2d2"
        self.frontend = frontend.train()
        self.encoder = ConformerEncoder(
            frontend.output_size(),
            size,
            attention_heads=4,
            linear_units=4 * size,
            num_blocks=12,
            input_layer=layer,
            macaron_style=True,
            pos_enc_layer_type="rel_pos",
            selfattention_layer_type="rel_selfattn",
            rel_pos_type="latest",
            activation_type="swish",
            use_cnn_module=True,
            cnn_module_kernel=31,
        ).train()
        self.ctc = CTC(TOKENS, size)
        parameters = [
            p for module in (frontend, self.encoder, self.ctc) for p in module.parameters() if p.requires_grad
        ]
        self.optimizer = torch.optim.Adam(parameters)

    def features(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """[B, L] -> [B, T, F], and lengths in frames."""
        return self.frontend(wav, lengths)

    def __call__(self, wav: Tensor, lengths: Tensor) -> None:
        """Forward, backward, update."""
        features, frames = self.features(wav, lengths)
        encoded, frames, _ = self.encoder(features, frames)
        text = torch.randint(1, TOKENS - 1, (len(wav), int(frames.min()) // 3))
        loss = self.ctc(encoded, frames, text, torch.full((len(wav),), text.shape[1]))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


if __name__ == "__main__":
    main()
