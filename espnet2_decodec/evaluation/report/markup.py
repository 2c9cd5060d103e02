"""HTML and SVG from Python, in which every text that was not made here is escaped."""

from html import escape


class Markup(str):
    """HTML as it stands; any other string is text."""


def element(name: str, /, *children: "str | None", **attributes: "str | float | bool | None") -> Markup:
    """`<name attributes>children</name>`.

    Args:
        name: of the element; img and input get no end tag.
        children: `Markup` is taken as it is, other strings are escaped, None is left out.
        attributes: `class_` is class and `data_value` is data-value; True is a bare attribute, None and False leave it out.
    """
    written = "".join(map(_attribute, attributes, attributes.values()))
    if name in ("img", "input"):
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(children, between: str = "") -> Markup:
    """Several pieces as one, see `element`."""
    pieces = [child if isinstance(child, Markup) else escape(child) for child in children if child is not None]
    return Markup(between.join(pieces))


def _attribute(name: str, value: "str | float | bool | None") -> str:
    """One attribute with a blank before it."""
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
