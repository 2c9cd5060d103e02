"""Model cards: the README.md of a model folder, with the metadata that the Hugging Face Hub reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.codec.properties import CodecProperties

TAGS = ("audio", "speech", "neural-audio-codec", "speech-separation", "speech-enhancement", "decodec")
PAPER = "2509.09201"
"""arXiv number of the paper on the method."""

NOT_STATED = "Not stated by the author of this model."


@dataclass(frozen=True)
class CardMetric:
    """The mean of one metric over the recordings of one condition.

    Attributes:
        name: of the metric, with its unit.
        system: the codec with its settings, or a baseline.
        target: what was estimated: speech, background, mixture or remix.
        condition: of the recordings, such as an SNR.
        kbps: kbit/s, None where nothing is coded.
        value: the mean.
        digits: decimals of the mean.
        count: number of recordings.
    """

    name: str
    system: str
    target: str
    condition: str
    kbps: float | None
    value: float
    digits: int
    count: int


@dataclass(frozen=True)
class Card:
    """Statements of a model card that cannot be derived from the model.

    Attributes:
        license: identifier of the Hub, such as `apache-2.0` or `cc-by-4.0`; empty if unknown.
        data: what the model was trained on, with licenses.
        limits: known limits, a sentence each.
        metrics: scores.
        measured: how they were measured: `command`, `data`, `date` and the like.
        samples: paths of audio files in the model folder.
        languages: codes of the languages of the training data.
    """

    license: str = ""
    data: str = ""
    limits: Sequence[str] = ()
    metrics: Sequence[CardMetric] = ()
    measured: dict[str, str] = field(default_factory=dict)
    samples: Sequence[str] = ()
    languages: Sequence[str] = ()


def write_card(folder: str | Path, name: str, codec: CodecProperties, card: Card) -> None:
    """Write the card to README.md of a model folder.

    Args:
        folder: of the model.
        name: owner/name on the Hub.
        codec: the model.
        card: what else to state.
    """
    with atomic_write(Path(folder) / "README.md") as path:
        path.write_text(render(name, codec, card), encoding="utf-8")


def render(name: str, codec: CodecProperties, card: Card) -> str:
    """Return the card as Markdown with a YAML head; arguments as in `write_card`."""
    head = yaml.safe_dump(_metadata(name, card), sort_keys=False, allow_unicode=True)
    limits = [*card.limits, *_limits(codec)]
    sections = [
        f"---\n{head}---",
        f"# {name.rpartition('/')[2]}",
        "A neural audio codec of [espnet2_decodec](https://arxiv.org/abs/2509.09201), with one stream of tokens for "
        "speech and one for the background.",
        "\n".join(_properties(codec, card)),
        _usage(name),
        f"## Training data\n\n{card.data or NOT_STATED}",
        f"## Metrics\n\n{_metrics(card)}",
        *([f"## Audio samples\n\n{_samples(card.samples)}"] if card.samples else []),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits),
    ]
    return "\n\n".join(sections) + "\n"


def _metadata(name: str, card: Card) -> dict[str, Any]:
    """Return the metadata of the head."""
    found: dict[str, Any] = {"license": card.license} if card.license else {}
    if card.languages:
        found["language"] = list(card.languages)
    found |= {"library_name": "espnet2_decodec", "pipeline_tag": "audio-to-audio", "tags": [*TAGS, f"arxiv:{PAPER}"]}
    if card.metrics:
        results = [
            {
                "task": {"type": "audio-to-audio"},
                "dataset": {"type": "custom", "name": f"{metric.condition}, {metric.count} recordings"},
                "metrics": [
                    {
                        "type": metric.name,
                        "name": f"{metric.name} of the {metric.target}, {metric.system}",
                        "value": round(metric.value, metric.digits),
                    }
                ],
            }
            for metric in card.metrics
        ]
        found["model-index"] = [{"name": name.rpartition("/")[2], "results": results}]
    return found


def _properties(codec: CodecProperties, card: Card) -> list[str]:
    """Return the lines of the table of properties."""
    parameters = sum(p.numel() for p in codec.parameters())
    rows = {
        "audio": f"{codec.sample_rate} Hz mono, {codec.frame_rate:g} frames a second",
        "speech": f"{codec.speech_levels} levels, {codec.kbps(1):g} to {codec.kbps(codec.speech_levels):g} kbit/s",
        "background": (
            f"{codec.background_levels} levels, {codec.kbps(1):g} to {codec.kbps(codec.background_levels):g} kbit/s"
        ),
        "content": f"{codec.content_dim} features a frame" if codec.content_dim else "none",
        "causal": "no" if codec.latency is None else f"yes, {1000 * codec.latency / codec.sample_rate:g} ms",
        "parameters": f"{parameters / 1e6:.2f} million",
        "license": card.license or NOT_STATED,
    }
    return ["| | |", "| :-- | :-- |", *(f"| {key} | {value} |" for key, value in rows.items())]


def _usage(name: str) -> str:
    """Return the section on use."""
    return f"""\
## Use

```bash
pip install 'espnet2_decodec[hub]'
decodec separate noisy.wav -o stems --model {name}
```

```python
from espnet2_decodec import DeCodec

codec = DeCodec.from_pretrained("{name}")
```"""


def _metrics(card: Card) -> str:
    """Return the table of metrics, and how they were measured."""
    if not card.metrics:
        return NOT_STATED
    lines = ["| metric | system | target | recordings | kbit/s | mean | number |", "| :-- " * 4 + "| --: " * 3 + "|"]
    for m in card.metrics:
        rate = "" if m.kbps is None else f"{m.kbps:g}"
        lines.append(
            f"| {m.name} | {m.system} | {m.target} | {m.condition} | {rate} | {m.value:.{m.digits}f} | {m.count} |"
        )
    measured = [f"- {key}: " + (f"`{text}`" if key == "command" else text) for key, text in card.measured.items()]
    return "\n".join([*measured, *([""] if measured else []), *lines])


def _samples(samples: Sequence[str]) -> str:
    """Return the list of audio samples."""
    return "\n".join(f"- [{Path(path).name}]({path})" for path in samples)


def _limits(codec: CodecProperties) -> list[str]:
    """Return the limits that follow from the model."""
    limits = [
        f"{codec.sample_rate} Hz mono: other formats are converted, and frequencies above "
        f"{codec.sample_rate / 2000:g} kHz are lost.",
        "All voices are one speech stream; a voice in the background counts as speech.",
        "Tokens of two models are not compatible.",
    ]
    return limits if codec.latency is not None else [*limits, "The model is not causal."]
