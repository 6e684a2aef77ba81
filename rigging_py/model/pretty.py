"""Writes an XML tree the way prompts show it: two spaces a level, every text and attribute escaped."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element as Node
from xml.etree.ElementTree import tostring

from rigging_py.parsing.extract import NAME, escape, escape_attribute

# As reading does, this knows no line end but \n; textwrap.indent would indent after form feeds too.
_LINE = re.compile(r"^(?=.)", re.MULTILINE)


def pretty(node: Node) -> str:
    """The element as text. Text of several lines stands on lines of its own, and so does every child."""
    check_names(node)
    attributes = "".join(f' {local(name)}="{escape_attribute(value)}"' for name, value in node.attrib.items())
    tag = local(node.tag)
    inside = _lines(node)
    if not inside:
        return f"<{tag}{attributes} />"
    if len(node) or "\n" in inside:
        inside = f"\n{_LINE.sub('  ', inside) if len(node) else inside}\n"
    return f"<{tag}{attributes}>{inside}</{tag}>"


def on_one_line(node: Node) -> str:
    """The element as plain XML, with its namespaces. Only texts of several lines have line ends."""
    for one in node.iter():
        check_names(one)
    return tostring(node, encoding="unicode")


def check_names(node: Node) -> None:
    """Raises `ValueError` for a key of a mapping that cannot be the name of an attribute."""
    for name in node.attrib:
        if not NAME.fullmatch(local(name)):
            raise ValueError(
                f"The key {name!r} is to be the name of an attribute of <{local(node.tag)}>, and it cannot be one: "
                "such a name begins with a letter or '_' and goes on with letters, digits, '_', '-', '.' and ':'. "
                "Rename the key, or hold the keys and values in a list of models."
            )


def local(name: str) -> str:
    """A name without its namespace, which says nothing to a model."""
    return name.rpartition("}")[2]


def _lines(node: Node) -> str:
    own = [escape(node.text)] if node.text and node.text.strip() else []
    return "\n".join([*own, *map(pretty, node)])
