"""Settings of a training on the command line."""

from collections.abc import Iterable

import yaml


def change(config: dict, settings: Iterable[str]) -> dict:
    """Put settings such as `codec_conf.schedule.anchor=250` into nested dicts, in place; values are YAML.

    Raises:
        ValueError: if one has no `=`, or leads through something that is no section.
    """
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"A setting is KEY=VALUE, not {setting!r}.")
        *sections, key = path.split(".")
        place = config
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ValueError(f"{setting!r}: {section} is no section, it is {place!r}.")
        place[key] = yaml.safe_load(value)
    return config
