"""What the models in the package take for speech: `python -m research.separation.voices [--model MODEL ...]`.

Prints a Markdown table of measurements without quantization, of the recordings in tests/recordings: one voice and more,
babble, children, whispers made of spoken sentences, singing, laughter, coughs and a crowd.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import PRETRAINED
from espnet2_decodec.evaluation.tables import markdown_table
from espnet2_decodec.io.audio import read
from espnet2_decodec.training.energy_ratios import si_sdr
from research.separation.mixtures import unit_rms

RECORDINGS = Path(__file__).parents[2] / "tests" / "recordings"
SAMPLE_RATE = 16000
PEAK = 0.3
"""Of every recording that is separated."""
MARGIN = 8000
"""Samples of silence on both sides of it."""
BABBLE_SNR = 5.0
"""In dB, of a voice over the babble behind it."""
LIFTER = 25
"""Cepstral coefficients of a spectral envelope, so few that harmonics of voices are not in it."""


def load(kind: str, folder: Path = RECORDINGS) -> list[Tensor]:
    """The recordings [L] of a kind: adult, child, singing, laugh, cough, crowd."""
    found = [read(path, SAMPLE_RATE) for path in sorted(folder.glob(f"{kind}_*.ogg"))]
    if not found:
        raise ValueError(f"{folder} has no recording {kind}_*.ogg.")
    return found


def leveled(wav: Tensor) -> Tensor:
    """[L] of unit RMS over its active samples."""
    return torch.from_numpy(unit_rms(wav.numpy()))


def voices_at_once(count: int, first: int = 0) -> list[Tensor]:
    """Equally loud adults [L] each, of the length of the shortest; number `first` of the recordings is the first."""
    found = load("adult")
    chosen = [leveled(found[(first + i) % len(found)]) for i in range(count)]
    length = min(map(len, chosen))
    return [wav[:length] for wav in chosen]


def whispered(wav: Tensor, tilt: float = 0.7) -> Tensor:
    """A spoken sentence [L] as a whisper [L]: its spectral envelope with noise in place of the voice.

    Args:
        wav: [L].
        tilt: of a filter 1 - tilt z^-1, since the spectrum of a whisper falls less than that of a voice.
    """
    window, generator = torch.hann_window(400), torch.Generator().manual_seed(0)
    spectrum = torch.stft(wav, 512, 128, 400, window, return_complex=True)
    cepstrum = torch.fft.irfft((spectrum.abs() + 1e-5).log(), dim=0)
    cepstrum[LIFTER : 1 - LIFTER] = 0
    envelope = torch.fft.rfft(cepstrum, dim=0).real.exp()
    noise = torch.view_as_complex(torch.randn(*spectrum.shape, 2, generator=generator))
    breath = torch.istft(envelope * noise, 512, 128, 400, window, length=len(wav))
    return breath - tilt * torch.nn.functional.pad(breath, (1, -1))


@torch.no_grad()
def separate(codec: DeCodec, parts: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Separate the sum of parts [L] without quantization: speech [L], background [L], the parts in the same scale."""
    scale = PEAK / sum(parts, torch.zeros(len(parts[0]))).abs().max()
    scaled = [scale * part for part in parts]
    padded = torch.nn.functional.pad(sum(scaled, torch.zeros(len(parts[0])))[None], (MARGIN, MARGIN))
    stems = codec.separate(padded, quantize=False)
    return stems.speech[0, MARGIN:-MARGIN], stems.background[0, MARGIN:-MARGIN], scaled


def decibels(part: Tensor, whole: Tensor) -> float:
    """Energy of one signal relative to another one."""
    return float(10 * torch.log10(part.square().sum() / whole.square().sum()))


def kept(codec: DeCodec, parts: Sequence[Tensor]) -> float:
    """Energy of the speech stem in dB relative to that of the sum of the parts, [L] each."""
    speech, _, scaled = separate(codec, parts)
    return decibels(speech, sum(scaled, torch.zeros(len(speech))))


def weakest_gain(codec: DeCodec, parts: Sequence[Tensor]) -> float:
    """Smallest of the gains in dB that the parts [L] have in the speech stem, by least squares."""
    speech, _, scaled = separate(codec, parts)
    gains = torch.linalg.lstsq(torch.stack(scaled, 1).double(), speech.double()[:, None]).solution
    return float(20 * torch.log10(gains.abs().min()))


def behind_a_voice(codec: DeCodec, count: int, first: int = 0) -> tuple[float, float]:
    """Babble of `count` voices with another voice in its middle third.

    Returns:
        Level in dB of the speech stem, relative to the babble, where the voice pauses; improvement of its SI-SDR.
    """
    voice, *others = voices_at_once(count + 1, first)
    babble = leveled(sum(torch.cat([wav, wav.roll(len(wav) // 2), wav.roll(len(wav) // 3)]) for wav in others))
    babble = babble * 10 ** (-BABBLE_SNR / 20)
    length = len(voice)
    voice = torch.nn.functional.pad(voice, (length, length))
    speech, _, (voice, babble) = separate(codec, [voice, babble])
    pause = torch.ones(len(speech), dtype=torch.bool)
    pause[length - MARGIN // 4 : 2 * length + MARGIN // 4] = False
    gain = si_sdr(voice, speech) - si_sdr(voice, voice + babble)
    return decibels(speech[pause], babble[pause]), float(gain)


def measure(codec: DeCodec) -> dict[str, list[float]]:
    """What is measured -> dB of each recording or mixture."""
    starts = range(0, 8, 2)
    pairs = [voices_at_once(2, first) for first in starts]
    found = {"one adult": [kept(codec, [wav]) for wav in load("adult")]}
    found["two adults at once"] = [kept(codec, pair) for pair in pairs]
    found["two adults at once, gain of the weaker one"] = [weakest_gain(codec, pair) for pair in pairs]
    uneven = [(one, 0.1 * other) for one, other in pairs]
    found["a second adult 20 dB softer, gain of the weaker one"] = [weakest_gain(codec, pair) for pair in uneven]
    for count in (3, 4, 6):
        found[f"{count} adults at once"] = [kept(codec, voices_at_once(count, first)) for first in starts]
    behind = [behind_a_voice(codec, 6, first) for first in starts]
    found["babble of 6 behind a voice, in the pauses of the voice"] = [level for level, _ in behind]
    found["the same, improvement of SI-SDR of the voice"] = [gain for _, gain in behind]
    for kind, words in (("child", "children of 6 to 9"), ("singing", "singing"), ("laugh", "laughter")):
        found[words] = [kept(codec, [wav]) for wav in load(kind)]
    found["whispers (made)"] = [kept(codec, [whispered(wav)]) for wav in load("adult")]
    found["coughs"] = [kept(codec, [wav]) for wav in load("cough")]
    found["crowd at a party"] = [kept(codec, [wav]) for wav in load("crowd")]
    return found


def main() -> None:
    """Print the table: mean, and lowest of several recordings in brackets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", nargs="+", default=sorted(folder.name for folder in PRETRAINED.glob("decodec-*")))
    args = parser.parse_args()
    torch.set_num_threads(1)
    columns = [measure(DeCodec.from_pretrained(name)) for name in args.model]
    rows = [
        [
            name,
            str(len(columns[0][name])),
            *(f"{np.mean(found[name]):.1f} ({min(found[name]):.1f})" for found in columns),
        ]
        for name in columns[0]
    ]
    print("\n".join(markdown_table(["speech stem relative to the input, dB", "recordings", *args.model], rows)))


if __name__ == "__main__":
    main()
