"""Text-to-speech with text model, voice model and codec, by default those of the package."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import model_folder, model_kind, packaged_model
from espnet2_decodec.tts.character_text import CharacterText
from espnet2_decodec.tts.synthesizer import KIND as RECIPE_KIND
from espnet2_decodec.tts.text_to_speech import TTSOutput
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.backgrounds import Background, RecordedBackground, excerpt_offset
from espnet2_decodec.voice.default_voice import DEFAULT_VOICE
from espnet2_decodec.voice.mixing import MixedBackground, mix_blocks
from espnet2_decodec.voice.prompt import analyze_prompt, open_recording, prompt_from_codes
from espnet2_decodec.voice.speaking import Sentence, speak_sentences, split_text
from espnet2_decodec.voice.speech import Speech, semantic_parts, synthesize
from espnet2_decodec.voice.text_to_semantic import KIND as TEXT_KIND
from espnet2_decodec.voice.text_to_semantic import TextToSemantic
from espnet2_decodec.voice.voice_model import DEFAULT_VOICE_MODEL, VoiceModel

DEFAULT_TEXT_MODEL = "text-en-16k"
"""Name of the text model in the package."""


class VoiceTTS:
    """`VoiceTTS.from_pretrained()(text)`: any English text in the voice of a recording.

    Args:
        text_model: semantic features of a text; a `CharacterText` for the languages of a model of the recipe.
        voice_model: speech of semantic features, in the voice of a prompt.
        codec: with a semantic level; the device of the computation is that of its weights.

    Raises:
        ValueError: if the three do not fit together.
    """

    def __init__(self, text_model: TextToSemantic | CharacterText, voice_model: VoiceModel, codec: DeCodec):
        voice_model.check_codec(codec)
        if isinstance(text_model, CharacterText):
            text_model.check_codec(codec)
        if text_model.codebook.shape[1] != voice_model.options["content_dim"]:
            raise ValueError("The text model and the voice model have semantic features of different sizes.")
        device = next(codec.parameters()).device
        self.text_model, self.codec = text_model, codec.eval()
        self.voice_model = voice_model.to(device).eval()

    @classmethod
    def from_pretrained(
        cls,
        text_model: str | Path = DEFAULT_TEXT_MODEL,
        voice_model: str | Path = DEFAULT_VOICE_MODEL,
        codec: str | Path | None = None,
        device: str = "cpu",
    ) -> "VoiceTTS":
        """The models in these folders, or those with these names in the package.

        Args:
            text_model: folder or name; also the folder of a model that the recipe exported.
            voice_model: folder or name.
            codec: folder or name; None for the one that the voice model was trained with.
            device: of the computation.

        Raises:
            FileNotFoundError: if one of them is missing.
            ValueError: if one is damaged or of another kind, or they do not fit together.
        """
        is_of_recipe = model_kind(model_folder(text_model, kinds=(TEXT_KIND, RECIPE_KIND))) == RECIPE_KIND
        text = (CharacterText if is_of_recipe else TextToSemantic).from_pretrained(text_model)
        voice = VoiceModel.from_pretrained(voice_model)
        return cls(text, voice, DeCodec.from_pretrained(codec or voice.options["codec"]).to(device))

    @classmethod
    def packaged(cls, device: str = "cpu") -> "VoiceTTS | None":
        """The models of the package, None if it has not all of them."""
        if None in (packaged_model(DEFAULT_TEXT_MODEL), packaged_model(DEFAULT_VOICE_MODEL)):
            return None
        return cls.from_pretrained(device=device)

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.codec.sample_rate

    def __call__(
        self,
        text: str,
        prompt: str | Path | Tensor | Codes | None = None,
        background: str | Path | Tensor = "none",
        background_gain: float | None = None,
        background_snr: float | None = None,
        speed: float = 1.0,
        pitch_range: float = 1.0,
        style: str | None = None,
        seed: int = 0,
    ) -> TTSOutput:
        """Synthesize a text.

        Args:
            text: English, or the language of a model of the recipe, of any length.
            prompt: recording of the voice, a file or samples [L] at `sample_rate`, whose background is removed; or the
                codes of one recording; None for the voice of the package.
            background: "none", "prompt" (that of the prompt), or a recording of one, a file or samples [L], repeated or
                cut to the length of the speech.
            background_gain: dB by which the background is amplified.
            background_snr: speech-to-background ratio in dB, in place of the gain.
            speed: speaking rate; 2 is twice as fast.
            pitch_range: factor of the intonation, within 0..3.
            style: of the text model; None for the first one.
            seed: of the noise of the flow, and of the excerpt of a long background.

        Returns:
            Its `tokens` are the semantic ones, [1, T].

        Raises:
            ValueError: if the text has no word or unknown letters, the prompt has no speech, an option is out of range,
                or the level of the background cannot be reached.
        """
        prompt = DEFAULT_VOICE if prompt is None else prompt
        mixed = MixedBackground(None, background_gain, background_snr, seed)
        if not (isinstance(background, str) and background == "none"):
            source = prompt if isinstance(background, str) and background == "prompt" else background
            mixed = MixedBackground(self.background(source), background_gain, background_snr, seed)
        mixed.check()
        parts: list[Speech] = []

        def collected() -> Iterator[Speech]:
            for part in self.speak(self.split(text), self.read_prompt(prompt), speed, pitch_range, style, seed):
                parts.append(part)
                yield part

        pairs = list(mix_blocks(self.synthesize(collected()), mixed, self.sample_rate))
        speech, background_wav = (torch.cat(blocks) for blocks in zip(*pairs))
        quantizer = semantic_parts(self.codec)[1].semantic
        tokens = torch.cat([quantizer.encode(part.content.T[None])[0] for part in parts], dim=1).cpu()
        offset = 0
        if mixed.background is not None:
            offset = excerpt_offset(mixed.background.first_samples(), len(speech), seed)
        return TTSOutput(speech, background_wav, speech + background_wav, self.sample_rate, tokens, offset)

    def split(self, text: str) -> list[Sentence]:
        """Sentences of a text; errors as in `split_text`."""
        return split_text(text, self.text_model.utterances)

    def speak(
        self,
        sentences: Iterable[Sentence],
        prompt: Speech,
        speed: float = 1.0,
        pitch_range: float = 1.0,
        style: str | None = None,
        seed: int = 0,
    ) -> Iterator[Speech]:
        """Speech of each sentence; see `speak_sentences`."""
        return speak_sentences(
            self.text_model, self.voice_model, self.codec, sentences, prompt, speed, pitch_range, style, seed=seed
        )

    def synthesize(self, parts: Iterable[Speech]) -> Iterator[Tensor]:
        """Blocks of samples [l] of the parts of `speak`; memory does not grow with the duration."""
        return synthesize(self.codec, parts)

    def read_prompt(self, prompt: str | Path | Tensor | Codes) -> Speech:
        """The speech of a prompt; see `__call__`."""
        if isinstance(prompt, Codes):
            return prompt_from_codes(self.codec, prompt)
        return analyze_prompt(self.codec, open_recording(self.codec, prompt, "prompt"))

    def background(self, recording: str | Path | Tensor | Codes) -> Background:
        """The background of a recording.

        Raises:
            ValueError: if it is given as codes.
        """
        if isinstance(recording, Codes):
            raise ValueError("The background of the prompt needs the prompt as a recording, not as codes.")
        return RecordedBackground(self.codec, open_recording(self.codec, recording, "background"))
