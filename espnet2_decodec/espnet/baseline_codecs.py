"""ESPnet's own codecs from a config that is a difference from their defaults, as everywhere in this package."""

import inspect
import math
from copy import deepcopy

from espnet2.tasks.gan_codec import codec_choices

from espnet2_decodec.espnet.compat import BROKEN_DEFAULTS


def stock_options(name: str, conf: dict) -> dict:
    """All options of one of ESPnet's codecs.

    ESPnet takes a dict of options as a whole, reads keys that were left out of it, and writes into the dicts it
    is given and into its own defaults. So it is to get a copy of what this gives.

    Args:
        name: soundstream, encodec, dac or funcodec.
        conf: options, a difference from the defaults at every depth.

    Raises:
        ValueError: if the class has no such option, or a default of it cannot be used as it is.
    """
    kind = codec_choices.get_class(name)
    defaults = {
        key: option.default
        for key, option in inspect.signature(kind).parameters.items()
        if option.default is not inspect.Parameter.empty
    }
    unknown = sorted(conf.keys() - defaults.keys())
    if unknown:
        raise ValueError(f"The codec {name} has no option {', '.join(unknown)}; it has {', '.join(defaults)}.")
    for key in (key for broken, key in BROKEN_DEFAULTS if broken == name):
        if key not in conf:
            raise ValueError(f"The default {key} of ESPnet's {name} does not work: give it, as conf/codec does.")
        defaults[key] = {}
    return complete(defaults, conf)


def check_lengths(conf: dict, *lengths: int | None) -> None:
    """Refuse lengths in samples that ESPnet's codecs would answer with another length.

    Args:
        conf: all options of a codec.
        lengths: of the recordings that it is to be trained on; None for whole recordings.

    Raises:
        ValueError: if one is no multiple of the frame shift.
    """
    shift = math.prod(conf["generator_params"]["encdec_ratios"])
    for length in lengths:
        if length is None or length % shift:
            raise ValueError(
                f"ESPnet's codecs train on multiples of {shift} samples only, not {length or 'any length'}."
            )


def complete(defaults: dict, conf: dict) -> dict:
    """`defaults` with `conf` laid over them at every depth; neither is changed."""
    full = deepcopy(defaults)
    for key, value in conf.items():
        if isinstance(value, dict) and isinstance(full.get(key), dict):
            full[key] = complete(full[key], value)
        else:
            full[key] = deepcopy(value)
    return full
