"""YAML configs: floats such as 5e-4, finite numbers, unique keys, and suggestions for misspelt names."""

import inspect
import math
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from torch import Tensor


class _Loader(yaml.SafeLoader):
    """A safe loader with the floats of YAML 1.2, which need no point, without infinite numbers and repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Construct a dict; a key that occurs twice is an error, as the first value would be lost."""
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} occurs twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_finite_float(self, node: yaml.ScalarNode) -> float:
        """Construct a float; NaN and infinity are errors."""
        value = self.construct_yaml_float(node)
        if not math.isfinite(value):
            raise yaml.MarkedYAMLError(problem=f"{node.value} is not a finite number", problem_mark=node.start_mark)
        return value


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_finite_float)


def parse_yaml(text: str, source: str) -> Any:
    """Parse a YAML document.

    Args:
        text: the document.
        source: name of its file or option, for the errors.

    Raises:
        ValueError: if it is not YAML, or has a key twice or a number that is not finite; the message has the line.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark is not None and "\n" in text.strip() else ""
        raise ValueError(f"{source}{line}: {error.problem or error.context}.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{source} is not YAML: {' '.join(str(error).split())}.") from None


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read the sections of a YAML file; an empty file has none.

    Raises:
        ValueError: see `parse_yaml`; also if the file is not UTF-8 text, or holds something else than sections.
        FileNotFoundError: if there is no such file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a YAML file: it is not UTF-8 text.") from None
    config = parse_yaml(text, str(path))
    if config is None:
        return {}
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise ValueError(f"{path} must hold lines KEY: VALUE.")
    return config


def suggestion(name: str, known: Collection[str]) -> str:
    """Return a sentence with the known name that is nearest to a misspelt one, else with all known names."""
    nearest = get_close_matches(name, known, n=1)
    return f"Did you mean {nearest[0]}?" if nearest else f"There are {', '.join(sorted(known))}."


def check_keys(given: Collection[str], known: Collection[str], place: str) -> None:
    """Check that all keys are known.

    Args:
        given: the keys.
        known: the names that may occur.
        place: the section and file of the keys, for the error.

    Raises:
        ValueError: if one is unknown; the message has the nearest known name.
    """
    for key in given:
        if key not in known:
            raise ValueError(f"{place} has no option {key!r}. {suggestion(str(key), known)}")


def check_arguments(function: Callable, given: Any, place: str) -> None:
    """Check that a section has only arguments of a function or class, with values that fit their annotations.

    Raises:
        ValueError: if it is no section, as in `check_keys`, or if a value is of another type or not finite; the message
            has the section and the key.
    """
    if not isinstance(given, dict):
        raise ValueError(f"{place} must be a section with lines KEY: VALUE, not {given!r}.")
    parameters = inspect.signature(function).parameters
    if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters.values()):
        check_keys(given, [name for name in parameters if name != "self"], place)
    try:
        kinds = get_type_hints(function.__init__ if isinstance(function, type) else function)  # type: ignore[misc]
    except (NameError, TypeError):  # annotations that cannot be evaluated here
        kinds = {}
    for name, value in given.items():
        if name in kinds:
            _check_type(value, kinds[name], f"{place}.{name}")


def check_fields(options: Any) -> None:
    """Check the types of the fields of a dataclass of options, for its `__post_init__`.

    Numbers must be finite, a pair of numbers is a range with the lower one first, and names that end in `_prob` are
    probabilities.

    Raises:
        ValueError: if a value does not fit; the message names the field.
    """
    for name, kind in get_type_hints(type(options)).items():
        value = getattr(options, name)
        _check_type(value, kind, name)
        if name.endswith("_prob") and not 0 <= value <= 1:
            raise ValueError(f"{name} is a probability within 0..1, not {value:g}.")


def _check_type(value: Any, kind: Any, place: str) -> None:
    """Raise ValueError if a value does not fit an annotation; a pair of numbers has the lower one first."""
    if not _fits(value, kind) or (_is_range(kind) and value is not None and value[0] > value[1]):
        raise ValueError(f"{place} must be {_describe(kind)}, not {value!r}.")


def _is_range(kind: Any) -> bool:
    """Whether an annotation is that of a pair of plain numbers, or None."""
    if get_origin(kind) in (Union, UnionType):
        return all(part is NoneType or _is_range(part) for part in get_args(kind))
    return get_origin(kind) is tuple and get_args(kind) in ((int, int), (float, float))


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of the type of an annotation; any list stands for a tuple, and an integer for a float."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is tuple and parts and parts[-1] is not Ellipsis:
        return isinstance(value, (list, tuple)) and len(value) == len(parts) and all(map(_fits, value, parts))
    if origin in (tuple, list, Sequence, Collection, Iterable):
        return isinstance(value, (list, tuple)) and all(_fits(item, parts[0]) for item in value)
    if origin in (dict, Mapping) and parts:
        return isinstance(value, Mapping) and all(_fits(item, parts[1]) for item in value.values())
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if kind is Any or not isinstance(origin or kind, type):
        return True
    return isinstance(value, origin or kind) and (kind in (bool, object) or not isinstance(value, bool))


def _describe(kind: Any) -> str:
    """Name of a type in messages."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType, Literal):
        return " or ".join(repr(part) if origin is Literal else _describe(part) for part in parts if part is not Tensor)
    if origin is tuple and parts[-1] is not Ellipsis:
        return "a range of 2 numbers, the lower one first" if _is_range(kind) else f"a list of {len(parts)} values"
    if origin in (tuple, list, Sequence, Collection, Iterable):
        return "a list"
    if origin in (dict, Mapping) and parts and parts[1] is float:
        return "a section of finite numbers"
    names = {
        int: "an integer", float: "a finite number", str: "a word", bool: "true or false", NoneType: "null",
        dict: "a section", Mapping: "a section",
    }  # fmt: skip
    return names.get(origin or kind, getattr(kind, "__name__", str(kind)))
