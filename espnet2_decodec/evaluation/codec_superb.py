"""The codec behind the interface of Codec-SUPERB (Wu et al., 2024, arXiv 2402.13071), whose programs then score it.

Codec-SUPERB finds a codec by a module of its own folder `SoundCodec/codec` with a class `Codec`, which it calls without
arguments. Such a module for this package is one line:

    from espnet2_decodec.evaluation.codec_superb import Codec

A recording is a dict as data sets give it: {"id": ..., "audio": {"array": [L], "sampling_rate": Hz}}. Nothing of
Codec-SUPERB is imported.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.systems.base import fit_length, resample
from espnet2_decodec.io.audio import write
from espnet2_decodec.types import Codes


@dataclass
class ExtractedUnit:
    """Tokens of one recording.

    Attributes:
        unit: [K, T] int64, the speech levels, then the background levels.
        stuff_for_synth: argument of `Codec.decode_unit`.
    """

    unit: Tensor
    stuff_for_synth: Codes

    def to_dict(self) -> dict[str, Any]:
        """Both attributes by name."""
        return {"unit": self.unit, "stuff_for_synth": self.stuff_for_synth}


@dataclass
class BatchExtractedUnit:
    """Tokens of several recordings, as lists; see `ExtractedUnit`."""

    units: list[Tensor]
    stuff_for_synth: list[Codes]
    batch_size: int

    def to_dict(self) -> dict[str, Any]:
        """All attributes by name."""
        return {"units": self.units, "stuff_for_synth": self.stuff_for_synth, "batch_size": self.batch_size}


class Codec:
    """A codec as Codec-SUPERB calls it. For other settings derive a class and override `config`.

    Attributes:
        setting: name in file names and tables.
        model: folder or name of a model; None for the default one in the package.
        speech_levels: levels of the speech; None for all.
        background_levels: the same for the background.
        sampling_rate: Hz, of the codec.
        device: cuda if available, else cpu.
        supports_decode: always true.
    """

    setting: str | None = None
    model: str | None = None
    speech_levels: int | None = None
    background_levels: int | None = None
    supports_decode = True

    def __init__(self):
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.config()
        self.codec = DeCodec.from_pretrained(self.model).to(self.device)
        self.codec.check_levels(self.speech_levels, self.background_levels)
        self.sampling_rate = self.codec.sample_rate

    def config(self) -> None:
        """Set `setting`, `model` and the levels; called before the model is loaded."""

    def is_1d(self) -> bool:
        """Whether a recording has one token a frame."""
        levels = self.codec.check_levels(self.speech_levels, self.background_levels)
        counts = (levels[0], self.codec.speech_levels), (levels[1], self.codec.background_levels)
        return sum(most if chosen is None else chosen for chosen, most in counts) == 1

    def extract_unit(self, data: dict[str, Any]) -> ExtractedUnit:
        """Tokens of a recording; another sample rate is converted.

        Raises:
            ValueError: if it is not one channel of finite samples.
        """
        wav = self._samples(data)
        codes = self.codec.encode(
            wav[None].to(self.device),
            speech_levels=self.speech_levels,
            background_levels=self.background_levels,
        )
        return ExtractedUnit(torch.cat([codes.speech, codes.background], dim=1)[0].cpu(), codes)

    def decode_unit(self, stuff_for_synth: Codes) -> np.ndarray:
        """Samples [L] at `sampling_rate` of the tokens of a recording."""
        return self.codec.decode(stuff_for_synth)[0].cpu().numpy()

    def synth(self, data: dict[str, Any], local_save: bool = True) -> dict[str, Any]:
        """Code and decode a recording; the dict is changed and returned.

        Args:
            data: the recording.
            local_save: whether the decoded samples are written to dummy_SETTING/ID.wav, whose path replaces `audio`;
                otherwise they replace it, at its own sample rate.
        """
        return self.batch_synth([data], local_save)[0]

    def batch_extract_unit(self, data_list: Sequence[dict[str, Any]]) -> BatchExtractedUnit:
        """Tokens of several recordings."""
        found = [self.extract_unit(data) for data in data_list]
        return BatchExtractedUnit([one.unit for one in found], [one.stuff_for_synth for one in found], len(found))

    def batch_decode_unit(self, batch_extracted_unit: BatchExtractedUnit) -> list[np.ndarray]:
        """Samples of several recordings."""
        return [self.decode_unit(codes) for codes in batch_extracted_unit.stuff_for_synth]

    def batch_synth(self, data_list: Sequence[dict[str, Any]], local_save: bool = True) -> list[dict[str, Any]]:
        """`synth` of several recordings."""
        extracted = self.batch_extract_unit(data_list)
        for data, unit, wav in zip(data_list, extracted.units, self.batch_decode_unit(extracted)):
            rate = data["audio"].get("sampling_rate") or self.sampling_rate
            length = len(data["audio"]["array"])
            decoded = fit_length(resample(torch.from_numpy(wav), self.sampling_rate, rate), length)
            data["unit"] = unit
            if local_save:
                path = Path(f"dummy_{self.setting or 'decodec'}") / f"{data.get('id', uuid.uuid4())}.wav"
                write(path, [decoded], rate)
                data["audio"] = str(path)
            else:
                data["audio"] = {"array": decoded.numpy(), "sampling_rate": rate}
        return list(data_list)

    def _samples(self, data: dict[str, Any]) -> Tensor:
        """Samples [L] of a recording at the rate of the codec."""
        wav = torch.as_tensor(np.asarray(data["audio"]["array"], dtype=np.float32))
        if wav.ndim != 1:
            raise ValueError(f"A recording has one channel, [L], not the shape {tuple(wav.shape)}.")
        return resample(wav, data["audio"].get("sampling_rate") or self.sampling_rate, self.sampling_rate)
