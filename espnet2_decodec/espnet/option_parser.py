"""Parser of the options of ESPnet tasks, whose YAML is read and checked as in the rest of the package."""

import argparse
import ast
import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import int_or_none, str2bool

from espnet2_decodec.data.config import check_keys, load_yaml, parse_yaml
from espnet2_decodec.program import ProgramParser, one_line
from espnet2_decodec.training.config import set_options

FORMS = {int: "an integer", float: "a number", int_or_none: "an integer or null", str2bool: "true or false"}
"""Names of types in messages."""


class SectionAction(NestedDictAction):
    """`--optim_conf lr=5e-4` or `--optim_conf '{lr: 5e-4}'`: changes of a section."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Change the section, without changing the dict that is the default.

        Raises:
            ArgumentError: if it is not `KEY=VALUE` or a dict.
        """
        section = deepcopy(getattr(namespace, self.dest) or {})
        try:
            if "=" in values and not values.lstrip().startswith("{"):
                set_options(section, [values])
            else:
                section.update(_parse_dict(values))
        except ValueError as error:
            raise argparse.ArgumentError(self, str(error)) from None
        setattr(namespace, self.dest, section)


class OptionParser(ProgramParser):
    """ESPnet's options and those of a task.

    In contrast to ESPnet's parser, the values in a config file are checked in the same way as those of the command
    line, numbers such as 5e-4 are read as numbers, unknown names are refused with the nearest known one, and an error
    is one line.

    Args:
        espnet: ESPnet's parser, which must not be used afterwards.
    """

    def __init__(self, espnet: argparse.ArgumentParser):
        super().__init__(
            description=espnet.description, formatter_class=espnet.formatter_class, parents=[espnet], add_help=False
        )
        for action in self._actions:
            if isinstance(action, NestedDictAction):
                action.__class__ = SectionAction

    def parse_args(self, args=None, namespace=None):
        """As argparse's, but numbers must be finite, and an error names the nearest option."""
        options, unknown = self.parse_known_args(args, namespace)
        self.refuse(unknown)
        for name, value in vars(options).items():
            if isinstance(value, float) and not math.isfinite(value):
                self.error(f"argument --{name}: must be a finite number, not {value}")
        return options

    def parse_known_args(self, args=None, namespace=None):
        """As argparse's; the options in the file that `--config` names are the defaults.

        Unknown arguments are returned: `get_default_config` of ESPnet's tasks passes over those of another program.
        """
        parse = super(ProgramParser, self).parse_known_args
        options, unknown = parse(args, namespace)
        if options.config is None:
            return options, unknown
        try:
            self.set_defaults(**self._read(options.config))
        except (ValueError, OSError) as error:
            self.error(one_line(error))
        return parse(args, namespace)

    def _read(self, path: str) -> dict[str, Any]:
        """The options in a YAML file."""
        config, actions = load_yaml(path), {action.dest: action for action in self._actions}
        check_keys(config, actions, path)
        return {key: _convert(actions[key], value, f"{path}: {key}") for key, value in config.items()}


def _convert(action: argparse.Action, value: Any, place: str) -> Any:
    """The value of an option in a config file, converted as a word of the command line would be."""
    if isinstance(action, NestedDictAction):
        if not isinstance(value, (dict, type(None))):
            raise ValueError(f"{place} must be a section with lines KEY: VALUE, not {value!r}.")
        return value or {}
    if action.nargs is None and not isinstance(action, argparse._AppendAction):
        return _convert_one(action, value, place)
    items: Sequence = [] if value is None else value if isinstance(value, (list, tuple)) else [value]
    if isinstance(action.nargs, int) and action.nargs and len(items) != action.nargs:
        raise ValueError(f"{place} must be a list of {action.nargs}, not {value!r}.")
    return [_convert_one(action, item, place) for item in items] if action.nargs != 0 else value


def _convert_one(action: argparse.Action, value: Any, place: str) -> Any:
    if value is None and (action.default is None or action.type in (None, str)):
        return None
    function = action.type if callable(action.type) else str
    text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    try:
        converted = function(text)
    except (ValueError, TypeError, AttributeError):
        form = FORMS.get(function, f"as in --help of --{action.dest}")
        raise ValueError(f"{place} must be {form}, not {value!r}.") from None
    if action.choices is not None and converted not in action.choices:
        names = ", ".join(str(name) for name in action.choices)
        raise ValueError(f"{place} must be one of {names}, not {value!r}.")
    return converted


def _parse_dict(text: str) -> dict[str, Any]:
    """A dict in the notation of Python or YAML."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = parse_yaml(text, text)
    if not isinstance(value, dict):
        raise ValueError(f"a change is KEY=VALUE, not {text!r}")
    return value
