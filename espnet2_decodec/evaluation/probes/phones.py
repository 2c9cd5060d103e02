"""Linear probes of the phones in single frames of tokens, on a Festival voice with phone alignments."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixtures import CLEAN, mix_at_snr
from espnet2_decodec.data.segments import Segment
from espnet2_decodec.evaluation.metrics.bootstrap import Interval, bootstrap_interval
from espnet2_decodec.evaluation.probes.linear import LinearProbe
from espnet2_decodec.evaluation.probes.results import ProbeResult
from espnet2_decodec.evaluation.probes.tokens import CUMULATIVE, represent
from espnet2_decodec.io.audio import read

MAX_SENTENCES = 90
"""Recordings that are used, evenly spaced; a third of them is held out."""
SPEECH_LEVEL = -26.0
"""dBFS of the active speech."""


@dataclass(frozen=True)
class Alignment:
    """Ends of the phones in seconds, and their names."""

    ends: Sequence[float]
    phones: Sequence[str]

    def phones_of_frames(self, frames: int, seconds: float) -> list[str]:
        """The phone at the center of each of `frames` frames of `seconds` each; the last phone lasts to the end."""
        places = np.searchsorted(self.ends, (np.arange(frames) + 0.5) * seconds, side="right")
        return [self.phones[min(place, len(self.phones) - 1)] for place in places]


def read_labels(path: str | Path) -> Alignment:
    """A label file of Festival (xwaves): a header that ends with #, then lines of end in seconds, color and phone.

    Raises:
        ValueError: if the format is another one, or its times decrease.
    """
    _, mark, body = Path(path).read_text(encoding="utf-8").partition("#")
    rows = [line.split() for line in body.splitlines() if line.strip()]
    try:
        ends = [float(row[0]) for row in rows]
        phones = [row[2] for row in rows]
    except (ValueError, IndexError):
        ends, phones = [], []
    if not mark or not ends or ends != sorted(ends):
        raise ValueError(f"{path} is no label file of Festival, which has lines of end, color and phone after a #.")
    return Alignment(ends, phones)


def labeled_recordings(voice: str | Path, count: int = MAX_SENTENCES) -> list[tuple[Path, Alignment]]:
    """Recordings of VOICE/wav that have labels in VOICE/lab, evenly spaced if there are more than `count`.

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


def phone_results(
    codec: DeCodec, voice: str | Path, backgrounds: Sequence[Tensor], snrs: Sequence[str], count: int = MAX_SENTENCES
) -> list[ProbeResult]:
    """Accuracy in percent of frames by stream, levels up to each, and SNR; each condition has probes of its own.

    Args:
        codec: whose tokens are probed.
        voice: folder of a Festival voice.
        backgrounds: [L] each at the codec's rate, used in turn, looped; may be empty if all of `snrs` are clean.
        snrs: conditions as in `mixtures.parse_snr`.
        count: recordings at most.

    Raises:
        ValueError: if the voice cannot be used.
    """
    recordings = labeled_recordings(voice, count)
    rate = codec.sample_rate
    results = []
    for snr in snrs:
        groups: dict[tuple[str, str], list[Tensor]] = {}
        truth: list[list[str]] = []
        for number, (path, alignment) in enumerate(recordings):
            wav = read(path, rate)
            if snr != CLEAN:
                wav = _noisy(wav, backgrounds[number % len(backgrounds)], snr)
            found = [one for one in represent(codec, wav) if one.levels == CUMULATIVE]
            truth.append(alignment.phones_of_frames(len(found[0].frames), codec.hop / rate))
            for one in found:
                groups.setdefault((one.source, one.part), []).append(one.frames)
        results += [
            ProbeResult("phones", source, part, snr, *_accuracy(frames, truth))
            for (source, part), frames in groups.items()
        ]
    return results


def _noisy(speech: Tensor, background: Tensor, snr: str) -> Tensor:
    """[L], [L'] -> mixture [L]."""
    noise = np.resize(background.double().numpy(), len(speech))
    mixture, _, _ = mix_at_snr(Segment(speech.double().numpy(), ()), Segment(noise, ()), snr, SPEECH_LEVEL)
    return torch.from_numpy(mixture).float() / 32768


def _accuracy(frames: Sequence[Tensor], truth: Sequence[Sequence[str]]) -> tuple[Interval, float]:
    """Accuracy over held-out recordings, every third one, and that of the most frequent phone."""
    names = sorted({phone for phones in truth for phone in phones})
    y = [torch.tensor([names.index(phone) for phone in phones]) for phones in truth]
    train = [i for i in range(len(y)) if i % 3 != 2]
    test = [i for i in range(len(y)) if i % 3 == 2]
    learned = torch.cat([y[i] for i in train])
    probe = LinearProbe(torch.cat([frames[i] for i in train]), learned, len(names))
    right = [100 * float((probe(frames[i]).argmax(1) == y[i]).float().mean()) for i in test]
    chance = [100 * float((y[i] == learned.mode().values).float().mean()) for i in test]
    return bootstrap_interval(right), bootstrap_interval(chance).mean
