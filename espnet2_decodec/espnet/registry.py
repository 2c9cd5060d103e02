"""Registers codec and frontend with ESPnet on import, so that ESPnet's own programs can build and load them."""

from espnet2.tasks.asr import frontend_choices
from espnet2.tasks.gan_codec import codec_choices
from espnet2.train.class_choices import ClassChoices

from espnet2_decodec.espnet.compat import fix_chunk_iterator
from espnet2_decodec.espnet.frontend import DeCodecFrontend
from espnet2_decodec.espnet.gan_codec import GANDeCodec


def register(choices: ClassChoices, name: str, cls: type) -> None:
    """Add a class to one of ESPnet's choices; registering it again changes nothing.

    Raises:
        ValueError: if the name is not in lower case, which ESPnet requires, or is taken.
    """
    if name != name.lower():
        raise ValueError(f"ESPnet finds lower-case names only, not {name!r}.")
    if choices.classes.setdefault(name, cls) is not cls:
        raise ValueError(f"--{choices.name} {name} is {choices.classes[name].__name__} already.")


register(codec_choices, "decodec", GANDeCodec)
register(frontend_choices, "decodec", DeCodecFrontend)
fix_chunk_iterator()
