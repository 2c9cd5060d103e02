"""From the items of a batch to its tensors: mixing happens here, where a batch of voices can babble."""

from collections.abc import Collection
from zlib import crc32

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from espnet2_decodec.data.mixing import Mixing

Item = tuple[str, dict[str, np.ndarray]]


class MixingCollate:
    """Mixes what `StemPreprocessor` draws in training; stacks everything else.

    Args:
        mixing: how.
    """

    def __init__(self, mixing: Mixing):
        self.mixing = mixing

    def __repr__(self) -> str:
        return f"MixingCollate({self.mixing})"

    def __call__(self, data: Collection[Item]) -> tuple[list[str], dict[str, Tensor]]:
        """Items -> ids, and {"audio", "speech", "background": [B, L], and "..._lengths": [B]}."""
        names, items = [name for name, _ in data], [item for _, item in data]
        columns = {key: [torch.from_numpy(item[key]) for item in items] for key in items[0]}
        lengths = torch.tensor([len(samples) for samples in columns["audio"]])
        if "backgrounds" in columns:
            batch = self.mixing(torch.stack(columns["audio"]), torch.stack(columns["backgrounds"]), _generator(names))
            tensors = {"audio": batch.mixture, "speech": batch.speech, "background": batch.background}
        else:
            tensors = {key: pad_sequence(column, batch_first=True) for key, column in columns.items()}
        return names, tensors | {f"{key}_lengths": lengths for key in tensors}


def _generator(names: list[str]) -> torch.Generator:
    """Seeded as the preprocessor's randomness is: by epoch and worker, and by what is in the batch."""
    random = np.random.default_rng([np.random.randint(2**31), crc32(" ".join(names).encode())])
    return torch.Generator().manual_seed(int(random.integers(2**63 - 1)))
