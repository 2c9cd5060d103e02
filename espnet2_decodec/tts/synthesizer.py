"""Text and the tokens of a prompt to speech tokens: acoustic model, characters and codec."""

from pathlib import Path

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import load_model, read_config, save_model
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.tts.model import AcousticModel, round_durations, scale_global_variance
from espnet2_decodec.tts.parametric import ParametricFeatures
from espnet2_decodec.voice.layers import sequence_mask
from espnet2_decodec.voice.text_to_semantic import check_speed

KIND = "espnet2_decodec.tts"
"""Kind of the model in its config.json."""

SPEEDS = (0.2, 5.0)
"""Range of the speaking rate."""


def read_tokenizer(folder: Path) -> CharacterTokenizer:
    """The characters of the model in a folder, without its weights.

    Raises:
        FileNotFoundError: if the config is missing.
        ValueError: if it is not that of such a model.
    """
    return CharacterTokenizer(read_config(folder, KIND).get("tokens", ()))


def is_semantic_only(folder: Path) -> bool:
    """Whether the model in a folder predicts the first level alone; errors as in `read_tokenizer`."""
    return bool(read_config(folder, KIND).get("options", {}).get("semantic_only"))


class Synthesizer(nn.Module):
    """Predicts speech tokens. The codec is among its weights.

    Args:
        tokens: of `CharacterTokenizer`.
        codec: the codec, or its config.
        options: of `AcousticModel`.
    """

    def __init__(self, tokens: list[str], codec: DeCodec | dict, options: dict | None = None):
        super().__init__()
        self.tokenizer = CharacterTokenizer(tokens)
        self.features = ParametricFeatures(DeCodec.from_config(codec) if isinstance(codec, dict) else codec)
        self.model = AcousticModel(len(self.tokenizer), self.features.dim, self.features.semantic_dim, options)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "Synthesizer":
        """The model saved in `folder`, on the CPU, in eval mode.

        Raises:
            FileNotFoundError: if the folder or one of its files is missing.
            ValueError: if a file is damaged, or is not that of a text-to-speech model of this package.
        """
        return load_model(Path(folder), KIND, lambda config: cls(**config))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json and model.safetensors, replacing existing files; errors as for `save_model`."""
        save_model(folder, self.config(), self.state_dict(), kind=KIND)

    @property
    def codec(self) -> DeCodec:
        """The codec that the tokens are of."""
        return self.features.codec

    def config(self) -> dict:
        """Arguments that build the same model."""
        return {
            "tokens": list(self.tokenizer.tokens),
            "codec": self.codec.resolved_config(),
            "options": dict(self.model.options),
        }

    def encode_speaker(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """Speech tokens of prompts [B, T, K], lengths [B] in frames -> speaker embeddings [B, V]."""
        prompt = self.features.normalize(self.features.decode(codes))
        return self.model.speaker_encoder(prompt, sequence_mask(lengths, prompt.shape[1]))

    @torch.no_grad()
    def forward(self, text: str, prompt: Tensor, speed: float = 1.0, gv_weight: float = 1.0) -> Tensor:
        """Speech tokens of `text` in the voice of a prompt.

        Args:
            text: to be synthesized.
            prompt: [T, K] speech tokens.
            speed: speaking rate; 2 is twice as fast.
            gv_weight: weight of global-variance scaling, see `scale_global_variance`.

        Returns:
            [P, T].

        Raises:
            ValueError: if the text or the speed cannot be used, or the model predicts the semantic level alone.
        """
        if self.model.options["semantic_only"]:
            raise ValueError("This model predicts the first level alone: the other ones need a voice model.")
        device = self.features.mean.device
        speaker = self.encode_speaker(prompt[None].to(device), torch.tensor([len(prompt)], device=device))
        frames = self._frames(text, speaker, speed)

        def quantize(semantic: Tensor) -> Tensor:
            return self.features.quantize_semantic(scale_global_variance(semantic, self.model.semantic_gv, gv_weight))

        acoustic = self.model(frames, torch.ones_like(frames[..., :1]), speaker, quantize).acoustic
        values = self.features.denormalize(scale_global_variance(acoustic, self.model.acoustic_gv, gv_weight))
        return self.features.encode(self.features.zero_unvoiced(values))[0].T

    @torch.no_grad()
    def semantic_features(self, text: str, prompt: Tensor, speed: float = 1.0, gv_weight: float = 1.0) -> Tensor:
        """Features of the first level of `text`, before quantization.

        Args:
            text: to be synthesized.
            prompt: [T, C] features of the prompt, as `ParametricFeatures.decode` gives them.
            speed: as in `forward`.
            gv_weight: as in `forward`.

        Returns:
            [T', E].

        Raises:
            ValueError: if the text or the speed cannot be used.
        """
        features = self.features
        speaker = self.model.speaker_encoder(features.normalize(prompt[None]), torch.ones_like(prompt[None, :, :1]))
        frames = self._frames(text, speaker, speed)
        semantic = self.model.semantic_decoder(frames, torch.ones_like(frames[..., :1]), speaker)
        scaled, size = scale_global_variance(semantic, self.model.semantic_gv, gv_weight)[0], features.semantic_dim
        return scaled * features.std[:size] + features.mean[:size]

    def _frames(self, text: str, speaker: Tensor, speed: float) -> Tensor:
        """Hidden states of characters, expanded to frames: text, speaker [1, V] -> [1, T, channels + 3].

        Raises:
            ValueError: if the text or the speed cannot be used.
        """
        check_speed(speed, SPEEDS)
        device = speaker.device
        characters = torch.tensor([self.tokenizer.encode(text)], device=device)
        length = torch.tensor([characters.shape[1]], device=device)
        hidden = self.model.encode_text(characters, length, speaker)
        durations = round_durations(self.model.predict_log_durations(hidden, length, speaker)[0], speed)[None]
        time = torch.arange(int(durations.sum()), device=device)[None]
        return self.model.regulate_length(hidden, durations, time)
