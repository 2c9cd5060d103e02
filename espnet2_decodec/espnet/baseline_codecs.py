"""ESPnet's own codecs as baselines, with configs that are a difference from their defaults."""

import inspect
import math

from espnet2.tasks.gan_codec import codec_choices

from espnet2_decodec.codec.config import merge_config
from espnet2_decodec.espnet.compat import BROKEN_DEFAULTS


def baseline_options(name: str, conf: dict) -> dict:
    """All options of one of ESPnet's codecs.

    ESPnet replaces nested dicts of options as a whole, and modifies both the dicts that it is given and its own
    defaults. Pass it a copy of the result.

    Args:
        name: soundstream, encodec, dac or funcodec.
        conf: options, a difference from the defaults at every depth.

    Raises:
        ValueError: if the class has no such option, or a default of it does not work.
    """
    cls = codec_choices.get_class(name)
    defaults = {
        key: option.default
        for key, option in inspect.signature(cls).parameters.items()
        if option.default is not inspect.Parameter.empty
    }
    unknown = sorted(conf.keys() - defaults.keys())
    if unknown:
        raise ValueError(f"The codec {name} has no option {', '.join(unknown)}; it has {', '.join(defaults)}.")
    for key in (key for codec, key in BROKEN_DEFAULTS if codec == name):
        if key not in conf:
            raise ValueError(f"The default {key} of ESPnet's {name} does not work; give it as in conf/codec.")
        defaults[key] = {}
    return merge_config(defaults, conf)


def check_lengths(conf: dict, *lengths: int | None) -> None:
    """Refuse lengths that ESPnet's codecs do not preserve.

    Args:
        conf: all options of a codec.
        lengths: samples of the training segments; None for whole recordings.

    Raises:
        ValueError: if one is not a multiple of the frame shift.
    """
    shift = math.prod(conf["generator_params"]["encdec_ratios"])
    for length in lengths:
        if length is None or length % shift:
            raise ValueError(
                f"ESPnet's codecs train on multiples of {shift} samples only, not {length or 'any length'}."
            )
