"""Systems from specs, as they are written on the command line."""

import re
from collections.abc import Callable, Sequence

from espnet2_decodec.codec.serialization import PRETRAINED
from espnet2_decodec.evaluation.systems.base import System
from espnet2_decodec.evaluation.systems.baselines import NoisyInput, Silence
from espnet2_decodec.evaluation.systems.cascade import Cascade
from espnet2_decodec.evaluation.systems.decodec import DeCodecSystem
from espnet2_decodec.evaluation.systems.espnet_codec import ESPnetCodec
from espnet2_decodec.evaluation.systems.mimi import Mimi
from espnet2_decodec.evaluation.systems.native_denoisers import DeepFilterNet, RNNoise
from espnet2_decodec.evaluation.systems.onnx_denoisers import DTLN, GTCRN
from espnet2_decodec.evaluation.systems.opus import Opus
from espnet2_decodec.evaluation.systems.packaged_codecs import DAC, EnCodec
from espnet2_decodec.evaluation.systems.spectral_gate import NoiseReduce


def _without_settings(kind: Callable[[], System]) -> Callable[[list[str]], System]:
    """The builder of a system without settings."""

    def build_plain(arguments: list[str]) -> System:
        if arguments:
            raise ValueError(f"It takes no settings, not {':'.join(arguments)}.")
        return kind()

    return build_plain


KINDS: dict[str, Callable[[list[str]], System]] = {
    "mixture": _without_settings(NoisyInput),
    "silence": _without_settings(Silence),
    "decodec": DeCodecSystem.from_arguments,
    "opus": Opus.from_arguments,
    "encodec": EnCodec.from_arguments,
    "dac": DAC.from_arguments,
    "mimi": Mimi.from_arguments,
    "espnet": ESPnetCodec.from_arguments,
    "gtcrn": _without_settings(GTCRN),
    "dtln": _without_settings(DTLN),
    "deepfilternet": _without_settings(DeepFilterNet),
    "rnnoise": _without_settings(RNNoise),
    "noisereduce": _without_settings(NoiseReduce),
}
"""First part of a spec -> function from the other parts, which colons separate, to the system."""

SEPARATION = "separation"
"""A spec that stands for the noisy input, all codecs in the package without quantizers, and denoisers."""

_NAMED = re.compile(r"([A-Za-z0-9][\w.+-]*)=(.+)")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_CASCADE = re.compile(rf"\+(?=(?:{'|'.join(KINDS)})(?::|\+|$))")


def expand(specs: Sequence[str]) -> dict[str, str]:
    """Name -> spec of each system, with ranges such as speech=1..8 expanded; several ranges in one advance together.

    The name is what precedes an equals sign in front of a spec, and is otherwise made from the spec. It can be the
    name of a folder.

    Raises:
        ValueError: if two systems would have one name, or the ranges of a spec are of different sizes.
    """
    named: dict[str, str] = {}
    for text in [one for spec in specs for one in (_separation_specs() if spec == SEPARATION else (spec,))]:
        match = _NAMED.fullmatch(text)
        label, spec = match.groups() if match else (None, text)
        for one, values in _expand_ranges(spec):
            name = "-".join([label, *values]) if label else name_of(one)
            if named.setdefault(name, one) != one:
                raise ValueError(f"{named[name]} and {one} would both be called {name}: give names, as in NAME={one}.")
    return named


def _separation_specs() -> list[str]:
    """The specs that `SEPARATION` stands for; codecs have the names of their folders."""
    codecs = sorted(folder.name for folder in PRETRAINED.glob("decodec-*") if (folder / "config.json").is_file())
    ours = [f"{name}=decodec:{PRETRAINED / name}:unquantized" for name in codecs]
    return ["mixture", *ours, "gtcrn", "deepfilternet", "dtln", "rnnoise"]


def name_of(spec: str) -> str:
    """A name for a spec: folders without their parents, and only characters that are safe in a file name."""
    parts = []
    for single in _CASCADE.split(spec):
        words = [word.rstrip("/").rsplit("/", 1)[-1] for word in single.split(":")]
        parts.append("-".join(re.sub(r"[^\w.-]+", "-", word.replace("=", "")) for word in words if word))
    return "+".join(parts)


def build(spec: str) -> System:
    """The system of a spec without ranges; two with a + between them are a cascade.

    Raises:
        ValueError, FileNotFoundError: if the spec is malformed, or something it names cannot be used.
        Unavailable: if a package, a program or weights are missing here.
    """
    first, *others = _CASCADE.split(spec)
    system = _build_single(first)
    for other in others:
        system = Cascade(system, _build_single(other))
    return system


def _build_single(spec: str) -> System:
    """One system that is no cascade."""
    kind, *arguments = spec.split(":")
    if kind not in KINDS:
        raise ValueError(f"There is no system {kind!r}; there are {', '.join(KINDS)}.")
    try:
        return KINDS[kind](arguments)
    except ValueError as problem:
        raise ValueError(f"{spec}: {problem}") from None


def _expand_ranges(spec: str) -> list[tuple[str, list[str]]]:
    """The specs that a spec with ranges stands for, each with the values that replace the ranges."""
    ranges = [range(int(low), int(high) + 1) for low, high in _RANGE.findall(spec)]
    if any(len(values) != len(ranges[0]) or not values for values in ranges):
        raise ValueError(f"{spec}: the ranges of one spec must increase, and have one size.")
    expanded = []
    for values in zip(*ranges) if ranges else [()]:
        texts = list(map(str, values))
        parts = _RANGE.split(spec)[::3]  # the text around the ranges, each of which has two groups
        expanded.append(("".join(map("".join, zip(parts, [*texts, ""]))), texts))
    return expanded
