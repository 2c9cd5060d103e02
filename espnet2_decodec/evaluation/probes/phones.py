"""Phones from single frames of tokens: of a Festival voice, which brings recordings with their phone alignments."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixtures import CLEAN, mix_at_snr
from espnet2_decodec.data.segments import Segment
from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.probes.linear import LinearProbe
from espnet2_decodec.evaluation.probes.tables import Line
from espnet2_decodec.evaluation.probes.tokens import SUM, views
from espnet2_decodec.io.audio import read

SENTENCES = 90
"""How many are used, evenly over the voice; a third of them is held out."""
LEVEL = -26.0
"""dBFS of the active speech."""


@dataclass(frozen=True)
class Alignment:
    """Ends of the phones in seconds, and their names."""

    ends: Sequence[float]
    phones: Sequence[str]

    def at(self, frames: int, seconds: float) -> list[str]:
        """The phone at the centre of each of `frames` frames of so many seconds; the last one goes on to the end."""
        places = np.searchsorted(self.ends, (np.arange(frames) + 0.5) * seconds, side="right")
        return [self.phones[min(place, len(self.phones) - 1)] for place in places]


def read_labels(path: str | Path) -> Alignment:
    """A label file of Festival (xwaves): a header that ends with #, then lines of end in seconds, color and phone.

    Raises:
        ValueError: if it is none, or its times go back.
    """
    _, mark, body = Path(path).read_text(encoding="utf-8").partition("#")
    rows = [line.split() for line in body.splitlines() if line.strip()]
    try:
        ends = [float(row[0]) for row in rows]
        phones = [row[2] for row in rows]
    except (ValueError, IndexError):
        ends, phones = [], []
    if not mark or not ends or ends != sorted(ends):
        raise ValueError(f"{path} is no label file of Festival, with lines of end, color and phone after a #.")
    return Alignment(ends, phones)


def sentences(voice: str | Path, count: int = SENTENCES) -> list[tuple[Path, Alignment]]:
    """Recordings of VOICE/wav that have labels in VOICE/lab, evenly chosen.

    Raises:
        ValueError: if there are fewer than three.
    """
    voice = Path(voice)
    labels = {path.stem: path for path in (voice / "lab").glob("*.lab")}
    found = sorted(path for path in (voice / "wav").glob("*.wav") if path.stem in labels)
    if len(found) < 3:
        raise ValueError(f"{voice} must have three or more recordings wav/NAME.wav with labels lab/NAME.lab.")
    places = np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int))
    return [(found[i], read_labels(labels[found[i].stem])) for i in places]


def phone_lines(
    codec: DeCodec, voice: str | Path, backgrounds: Sequence[Tensor], snrs: Sequence[str], count: int = SENTENCES
) -> list[Line]:
    """Accuracy in percent of frames by stream, levels up to each, and SNR; each condition has probes of its own.

    Args:
        codec: whose tokens are read.
        voice: folder of a Festival voice.
        backgrounds: [L] each at the codec's rate, taken in turn, looped; may be empty if all of `snrs` are clean.
        snrs: conditions as in `mixtures.parse_snr`.
        count: of sentences.

    Raises:
        ValueError: if the voice cannot be used.
    """
    spoken = sentences(voice, count)
    rate = codec.sample_rate
    lines = []
    for snr in snrs:
        groups: dict[tuple[str, str], list[Tensor]] = {}
        truth: list[list[str]] = []
        for number, (path, alignment) in enumerate(spoken):
            wav = read(path, rate)
            if snr != CLEAN:
                wav = _noisy(wav, backgrounds[number % len(backgrounds)], snr)
            found = [view for view in views(codec, wav) if view.condition == SUM]
            truth.append(alignment.at(len(found[0].frames), codec.hop / rate))
            for view in found:
                groups.setdefault((view.system, view.what), []).append(view.frames)
        lines += [
            Line("phones", system, what, snr, *_accuracy(frames, truth)) for (system, what), frames in groups.items()
        ]
    return lines


def _noisy(speech: Tensor, background: Tensor, snr: str) -> Tensor:
    """[L], [L'] -> mixture [L]."""
    noise = np.resize(background.double().numpy(), len(speech))
    mixture, _, _ = mix_at_snr(Segment(speech.double().numpy(), ()), Segment(noise, ()), snr, LEVEL)
    return torch.from_numpy(mixture).float() / 32768


def _accuracy(frames: Sequence[Tensor], truth: Sequence[Sequence[str]]):
    """Interval over held-out sentences, every third one, and the accuracy of always naming the most frequent phone."""
    names = sorted({phone for phones in truth for phone in phones})
    y = [torch.tensor([names.index(phone) for phone in phones]) for phones in truth]
    train = [i for i in range(len(y)) if i % 3 != 2]
    test = [i for i in range(len(y)) if i % 3 == 2]
    learned = torch.cat([y[i] for i in train])
    probe = LinearProbe(torch.cat([frames[i] for i in train]), learned, len(names))
    right = [100 * float((probe(frames[i]).argmax(1) == y[i]).float().mean()) for i in test]
    chance = [100 * float((y[i] == learned.mode().values).float().mean()) for i in test]
    return bootstrap_interval(right), bootstrap_interval(chance).mean
