"""DeCodec: a codec with one token stream for speech and one for background.

After "DeCodec: Rethinking Audio Codecs as Universal Disentangled Representation Learners" (Luo et al., 2025,
arXiv 2509.09201), with an exact orthogonal split instead of the paper's penalty.
"""

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.card import Card, write_card
from espnet2_decodec.codec.config import build_parts, complete, resolved_config
from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.codec.latents import Latents
from espnet2_decodec.codec.padding import frame_mask, length_mask, pad_to_frames
from espnet2_decodec.codec.properties import CodecProperties
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.serialization import KIND, load_model, model_folder, save_model
from espnet2_decodec.codec.stream_latents import advance_phase, decode_latent, stream_latents
from espnet2_decodec.codec.validation import as_wav, check_codes, check_tokens, check_unquantized, check_wav
from espnet2_decodec.hub import upload
from espnet2_decodec.types import Codes, Stems


class DeCodec(CodecProperties):
    """Backbone encoder, split into two subspaces, two quantizers; merging of the subspaces, backbone decoder.

    Args:
        config: a difference from `config.DEFAULTS`.

    Raises:
        ValueError: if the config has an unknown key, name or option, or an option is out of range.
    """

    def __init__(self, config: dict | None = None):
        super().__init__()
        self.config = complete(config or {})
        self.sample_rate: int = self.config["sample_rate"]
        parts = build_parts(self.config)
        self.backbone, self.subspace, self.speech_quantizer, self.background_quantizer, self.content_encoder = parts

    @classmethod
    def from_config(cls, config: dict) -> "DeCodec":
        """A codec with random weights; `config` is a difference from the defaults."""
        return cls(config)

    @classmethod
    def from_pretrained(cls, path: str | Path | None = None, revision: str | None = None) -> "DeCodec":
        """The codec in a folder written by `save_pretrained`, in float32, on the CPU, in eval mode.

        Args:
            path: the folder; or name of a model in the package, None for the default; or owner/name on the Hugging
                Face Hub, which is downloaded once (extra `hub`).
            revision: branch, tag or commit of a model on the Hub.

        Raises:
            FileNotFoundError: if the folder, its config.json or its weights are missing.
            ValueError: if a file is damaged, the config is not one of this package, or the weights do not match it.
            ImportError, OSError: if a model of the Hub cannot be downloaded, see `hub.download`.
        """
        return load_model(model_folder(path, revision), KIND, cls)

    def save_pretrained(
        self,
        folder: str | Path,
        half: bool = False,
        shard_megabytes: float | None = None,
        int8: Collection[str] = (),
    ) -> None:
        """Write config.json and the weights to `folder`; arguments and errors as for `serialization.save_model`."""
        save_model(folder, self.resolved_config(), self.state_dict(), half, shard_megabytes, int8=int8)

    def push_to_hub(
        self,
        name: str,
        card: Card | None = None,
        revision: str | None = None,
        private: bool = False,
        token: str | None = None,
    ) -> str:
        """Upload config.json, the weights and a model card to the Hugging Face Hub, and return the commit's address.

        Args:
            name: owner/name; created if there is no such repository.
            card: license, training data, limits and metrics for the model card.
            revision: branch; None for the main one.
            private: whether a new repository can be seen by its owner only.
            token: of the account; None for the one that is logged in.

        Raises:
            ImportError, OSError, ValueError: if it cannot be uploaded, see `hub.upload`.
        """
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            write_card(folder, name, self, card or Card())
            return upload(Path(folder), name, f"Upload {name.rpartition('/')[2]}", revision, private, token)

    def resolved_config(self) -> dict:
        """The config with all defaults written out; it builds the same codec."""
        return resolved_config(self.config)

    @torch.no_grad()
    def encode(
        self,
        wav: Tensor,
        lengths: Tensor | None = None,
        speech_levels: int | None = None,
        background_levels: int | None = None,
    ) -> Codes:
        """Waveforms to tokens.

        Args:
            wav: [B, L] in -1..1 at `sample_rate`, a tensor or NumPy array of any type of floats.
            lengths: [B] in samples; None when all are L.
            speech_levels: number of leading levels, of `kbps(1)` each; None for all. A quantizer with beam search finds
                them together, so that some tokens differ from those of the same levels among more.
            background_levels: the same for the background.

        Raises:
            ValueError: if the shape, the lengths or the numbers of levels are invalid, a sample is not finite or far
                beyond full scale, or the codec is not in float32.
            TypeError: if the waveforms are not floats, or the lengths not integers.
        """
        wav = self.as_input(wav)
        lengths = check_wav(wav, lengths)
        self.check_levels(speech_levels, background_levels)
        return self.quantize(self.latent(wav, lengths), lengths, speech_levels, background_levels)

    @torch.no_grad()
    def decode(self, codes: Codes, speech: bool = True, background: bool = True) -> Tensor:
        """Tokens to waveforms [B, max length] of the lengths that were encoded.

        Args:
            codes: from `encode`, or combined from several.
            speech: whether to decode the speech.
            background: whether to decode the background.

        Raises:
            ValueError: if the codes have another sample rate, are out of range, or are too few for their lengths, or
                the codec is not in float32.
        """
        check_codes(codes, self.sample_rate, self.hop)
        return self.synthesize(self.dequantize(codes, speech, background), codes.lengths)

    @torch.no_grad()
    def separate(
        self,
        wav: Tensor,
        lengths: Tensor | None = None,
        quantize: bool = True,
        speech_levels: int | None = None,
        background_levels: int | None = None,
    ) -> Stems:
        """Waveforms [B, L] to their speech and background, [B, L] each.

        Args:
            wav: as in `encode`.
            lengths: as in `encode`.
            quantize: False skips the quantizers, and also the decoder where the backbone has stems before it.
            speech_levels: as in `encode`.
            background_levels: as in `encode`.

        Raises:
            ValueError: as in `encode`, or if there are levels without quantizers.
            TypeError: as in `encode`.
        """
        if quantize:
            codes = self.encode(wav, lengths, speech_levels, background_levels)
            return Stems(self.decode(codes, background=False), self.decode(codes, speech=False))
        check_unquantized(speech_levels, background_levels)
        wav = self.as_input(wav)
        lengths = check_wav(wav, lengths)
        if isinstance(self.backbone, ParametricBackbone):
            longest = int(lengths.max())
            stems = self.backbone.stems(*pad_to_frames(wav, lengths, self.hop))[:, :, :longest]
            return Stems(*(stems * length_mask(lengths, longest)[:, None]).unbind(1))
        return Stems(
            *(self.synthesize(stream, lengths) for stream in stream_latents(self.subspace, self.latent(wav, lengths)))
        )

    @torch.no_grad()
    def remix(self, speech: Codes, background: Codes) -> Tensor:
        """The speech of one recording with the background of another: [B, length of the speech].

        A shorter background is repeated, a longer one cut.

        Raises:
            ValueError: if the batch sizes differ, or the codes have another sample rate.
        """
        check_codes(speech, self.sample_rate, self.hop)
        check_codes(background, self.sample_rate, self.hop)
        if len(speech.lengths) != len(background.lengths):
            raise ValueError(
                f"{len(speech.lengths)} speech codes cannot be remixed with {len(background.lengths)} backgrounds."
            )
        valid = self.num_frames(background.lengths)
        looped = loop_to_length(background.background, speech.speech.shape[2], valid)
        return self.decode(Codes(speech.speech, looped, speech.lengths, speech.sample_rate))

    def content(self, wav: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Content features: wav [B, L], lengths [B] in samples -> [B, S, T].

        They are those that the first level of the speech codes, or those of a `ContentEncoder` beside the streams.

        Raises:
            ValueError: if the codec has neither.
        """
        wav = self.as_input(wav)
        checked = check_wav(wav, lengths)
        lengths = None if lengths is None else checked
        return self.content_of_latent(self.latent(wav, lengths), lengths)

    @torch.no_grad()
    def content_tokens(self, wav: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Tokens of the content: wav [B, L], lengths [B] in samples -> [B, K, T] int64, zeros beyond each length.

        They are `Codes.semantic`, or those of a `ContentEncoder` beside the streams.

        Raises:
            ValueError: if the codec has neither, the encoder has no codebooks, or as in `encode`.
        """
        wav = self.as_input(wav)
        lengths = check_wav(wav, lengths)
        content = self.content(wav, lengths)
        if self.content_quantizer is None:
            raise ValueError("The content of this codec has no codebooks (`content.levels` of its config is 0).")
        mask = frame_mask(lengths, self.hop, content.shape[2])
        codes = self.content_quantizer.encode(content)
        return codes if mask is None else codes * mask[:, None]

    def latent(self, wav: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Wav [B, L], lengths [B] in samples -> latent Y [B, D, T]."""
        return self.backbone.encode(*pad_to_frames(wav, lengths, self.hop))

    def content_of_latent(self, latent: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Y [B, D, T], lengths [B] in samples -> content features [B, S, T].

        Raises:
            ValueError: if the codec has no content encoder.
        """
        speech, background = self.subspace.split(latent)
        if isinstance(self.speech_quantizer, SemanticRVQ):
            return speech[:, : self.speech_quantizer.semantic_dim]
        if self.content_encoder is None:
            raise ValueError("This codec has no content encoder (`content.dim` of its config is 0).")
        return self.content_encoder(speech, background, frame_mask(lengths, self.hop, speech.shape[2]))

    @torch.no_grad()
    def quantize(
        self,
        latent: Tensor,
        lengths: Tensor,
        speech_levels: int | None = None,
        background_levels: int | None = None,
    ) -> Codes:
        """Y [B, D, T], lengths [B] in samples -> tokens of the leading levels, zeros beyond each length.

        Raises:
            ValueError: if the codec does not have that many levels.
        """
        levels = self.check_levels(speech_levels, background_levels)
        speech, background = self.subspace.split(latent)
        mask = frame_mask(lengths, self.hop, latent.shape[2])
        speech_codes = self.speech_quantizer.encode(speech, levels[0], mask)
        background_codes = self.background_quantizer.encode(background, levels[1], mask)
        if mask is not None:
            speech_codes, background_codes = speech_codes * mask[:, None], background_codes * mask[:, None]
        return Codes(speech_codes, background_codes, lengths, self.sample_rate)

    @torch.no_grad()
    def dequantize(self, codes: Codes, speech: bool = True, background: bool = True) -> Tensor:
        """Tokens -> Y [B, D, T]; a stream that is not wanted is zero.

        Raises:
            ValueError: if the codes have too many levels or are out of range, or the codec is not in float32.
        """
        self.check_float32()
        streams = (
            (codes.speech, self.speech_quantizer, "speech", speech),
            (codes.background, self.background_quantizer, "background", background),
        )
        latents = []
        mask = frame_mask(codes.lengths, self.hop, codes.speech.shape[2])
        for tokens, quantizer, name, wanted in streams:
            check_tokens(tokens, quantizer.levels, quantizer.codebook_size, name)
            latents.append(quantizer.decode(tokens if wanted else tokens[:, :0], mask))
        return self.subspace.merge(*latents)

    def synthesize(self, latent: Tensor, lengths: Tensor | None = None, phase: Tensor | None = None) -> Tensor:
        """Y [B, D, T], lengths [B] in samples -> wav [B, max length], zero beyond each length.

        `phase` is needed for frames that do not start a recording, see `Backbone.advance_phase`.
        """
        mask = None if lengths is None else frame_mask(lengths, self.hop, latent.shape[2])
        wav = decode_latent(self.backbone, self.subspace, latent, mask, phase)
        if lengths is None:
            return wav
        longest = int(lengths.max())
        return wav[:, :longest] if mask is None else wav[:, :longest] * length_mask(lengths, longest)

    def advance_phase(self, latent: Tensor, state: Any = None) -> tuple[Tensor | None, Any]:
        """Y [B, D, T] -> phase for `synthesize`, and the state after these frames; see `Backbone.advance_phase`."""
        return advance_phase(self.backbone, self.subspace, latent, state)

    def forward(
        self, wav: Tensor, speech_levels: Tensor, background_levels: Tensor, lengths: Tensor | None = None
    ) -> Latents:
        """Latents of a training batch before and after the quantizers, with gradients.

        Args:
            wav: [B, L].
            speech_levels: [B] levels of each item; an item with more than K stays unquantized.
            background_levels: the same for the background.
            lengths: [B] in samples.
        """
        latent = self.latent(wav, lengths)
        mask = frame_mask(lengths, self.hop, latent.shape[2])
        speech, background = self.subspace.split(latent)
        return Latents(
            speech,
            background,
            self.speech_quantizer(speech, speech_levels, mask),
            self.background_quantizer(background, background_levels, mask),
        )

    def as_input(self, wav: Any, name: str = "wav") -> Tensor:
        """Waveforms of any floating-point type as a float32 tensor; errors as in `encode`."""
        self.check_float32()
        return as_wav(wav, name, next(self.parameters()))
