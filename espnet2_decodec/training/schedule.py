"""When each part of a codec is trained, and on what."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """What happens when; counts are generator steps.

    Attributes:
        anchor: steps in which the encoder alone learns to bring stems to their anchors (backbones that have some,
            see `ParametricBackbone.target_latent`): separation is learned several times faster without decoding.
        reconstruct: steps in which every mixture is only decoded as it is, a third of the work: for backbones
            that have to learn the waveform first.
        warmup: steps without quantization; the codebooks then start by k-means of collected encoder outputs. With
            `content_only` those of the content alone.
        collect: how many frames of each stream are collected for that.
        adversarial: step from which the discriminator takes part; None for never.
        unquantized: probability that an item skips the quantizers afterwards.
        all_levels: probability that an item that does not uses all levels.
        parametric: probability that it uses the parametric levels alone (codecs that have some); else a random number of levels.
        stems: decode the stems alone as well; False is the paper's swap only.
        kept: probability that the mixed decoding keeps its own background.
        content_only: train the content encoder alone, on what the rest makes of the mixtures.
        freeze: parts of the codec that stay as they are, such as `backbone.encoder`, `subspace` or `content_encoder`; codebooks
            learn nonetheless.
        separate: with `content_only`, False is a codec without separation: it and the teacher hear mixtures as they are.
    """

    anchor: int = 0
    reconstruct: int = 0
    warmup: int = 300
    collect: int = 16384
    adversarial: int | None = None
    unquantized: float = 0.3
    all_levels: float = 0.6
    parametric: float = 0.15
    stems: bool = True
    kept: float = 0.5
    content_only: bool = False
    separate: bool = True
    freeze: tuple[str, ...] = ()
