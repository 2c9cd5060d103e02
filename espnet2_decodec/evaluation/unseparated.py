"""Control experiment: recordings coded as they are, as by a codec that does not separate speech and background."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.unseparated import unseparated_latent
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.io.audio import read
from espnet2_decodec.io.npy import save_array
from espnet2_decodec.tts.synthesizer import Synthesizer
from espnet2_decodec.types import Codes


@torch.no_grad()
def encode_unseparated(codec: DeCodec, wav: Tensor) -> Codes:
    """Encode waveforms [B, L] as speech over a silent background.

    Raises:
        ValueError: if the backbone has no target latent of a stem, or the split does not halve the latent.
    """
    lengths = torch.full((len(wav),), wav.shape[1], device=wav.device)
    return codec.quantize(unseparated_latent(codec, wav), lengths)


def encode_prompts(model: str, prompts: str | Path, out: str | Path, jobs: int = 1) -> Path:
    """Encode the prompts of text-to-speech without separation: out/<uttid>.npy, (T, K), and the table out/prompts.scp.

    Args:
        model: folder of a text-to-speech model, whose codec is used.
        prompts: table of uttid and path of an audio file.
        out: folder to write to.
        jobs: number of processes.

    Returns:
        The table.
    """
    paths, out = read_table(prompts), Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for _ in parallel_map(partial(UnseparatedPromptWorker, model, paths, out), list(paths), jobs, "prompts"):
        pass
    write_table(out / "prompts.scp", {key: (out / f"{key}.npy").resolve() for key in paths})
    return out / "prompts.scp"


class UnseparatedPromptWorker:
    """Encodes one prompt at a time without separation."""

    def __init__(self, model: str, paths: dict[str, str], out: Path):
        self.codec, self.paths, self.out = Synthesizer.from_pretrained(model).codec, paths, out

    def __call__(self, key: str) -> None:
        """Write the speech tokens of prompt `key`."""
        wav = read(self.paths[key], self.codec.sample_rate)[None]
        tokens = encode_unseparated(self.codec, wav).speech[0].T
        save_array(self.out / f"{check_id(key)}.npy", tokens.numpy().astype(np.int16))
