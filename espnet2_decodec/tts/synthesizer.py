"""The whole model: characters, coordinates of a codec, and what is between them."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.text import CharacterTokenizer
from espnet2_decodec.tts.coordinates import Coordinates
from espnet2_decodec.tts.layers import within
from espnet2_decodec.tts.model import TextToCoordinates, whole_durations


class Synthesizer(nn.Module):
    """Text and the tokens of a prompt to speech tokens. Its weights hold those of its codec.

    Args:
        tokens: of `CharacterTokenizer`.
        codec: the codec, or its config.
        options: of `TextToCoordinates`.
    """

    def __init__(self, tokens: list[str], codec: DeCodec | dict, options: dict | None = None):
        super().__init__()
        self.characters = CharacterTokenizer(tokens)
        self.coordinates = Coordinates(DeCodec.from_config(codec) if isinstance(codec, dict) else codec)
        self.model = TextToCoordinates(len(self.characters), self.coordinates.dim, self.coordinates.first, options)

    @property
    def codec(self) -> DeCodec:
        """The codec whose tokens these are."""
        return self.coordinates.codec

    def config(self) -> dict:
        """Arguments that build the same model."""
        return {
            "tokens": list(self.characters.tokens),
            "codec": self.codec.resolved_config(),
            "options": dict(self.model.options),
        }

    def voice(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """Speech tokens of prompts [B, T, K], lengths [B] in frames -> voices [B, V]."""
        prompt = self.coordinates.normalized(self.coordinates.look_up(codes))
        return self.model.voice(prompt, within(lengths, prompt.shape[1]))

    @torch.no_grad()
    def forward(self, text: str, prompt: Tensor, speed: float = 1.0, liveliness: float = 1.0) -> Tensor:
        """Speech tokens that say `text` in the voice of a prompt.

        Args:
            text: what to say.
            prompt: [T, K] speech tokens.
            speed: 2 speaks twice as fast.
            liveliness: how far coordinates are spread to vary as much as those of real speech: 0 leaves them as they are
                predicted, which is too even; 1 gives them the spread of real speech.

        Returns:
            [P, T].

        Raises:
            ValueError: if the text or the speed cannot be used.
        """
        if not 0.2 <= speed <= 5:
            raise ValueError(f"speed must be within 0.2..5, not {speed:g}.")
        device = self.coordinates.mean.device
        numbers = torch.tensor([self.characters.encode(text)], device=device)
        length = torch.tensor([numbers.shape[1]], device=device)
        voice = self.voice(prompt[None].to(device), torch.tensor([len(prompt)], device=device))
        states = self.model.states(numbers, length, voice)
        durations = whole_durations(self.model.log_durations(states, length, voice)[0], speed)[None]
        frames = self.model.frames(states, durations, torch.arange(int(durations.sum()), device=device)[None])

        def semantic(first: Tensor) -> Tensor:
            return self.coordinates.semantic(spread(first, self.model.semantic_spread, liveliness))

        acoustic = self.model(frames, torch.ones_like(frames[..., :1]), voice, semantic).acoustic
        values = self.coordinates.restored(spread(acoustic, self.model.acoustic_spread, liveliness))
        return self.coordinates.tokens(self.coordinates.unvoiced(values))[0].T


def spread(x: Tensor, factors: Tensor, share: float) -> Tensor:
    """X [B, T, C] with the deviation of each coordinate from its mean over time multiplied by factors [C] ** share."""
    mean = x.mean(1, keepdim=True)
    return mean + (x - mean) * factors**share
