"""Writes an XML tree the way prompts show it: two spaces a level, every text and attribute escaped."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element as Node

from rigging_py.parsing.extract import escape, escape_attribute

# As reading does, this knows no line end but \n; textwrap.indent would indent after form feeds too.
_LINE = re.compile(r"^(?=.)", re.MULTILINE)


def pretty(node: Node) -> str:
    """The element as text. Text of several lines stands on lines of its own, and so does every child."""
    attributes = "".join(f' {name}="{escape_attribute(value)}"' for name, value in node.attrib.items())
    tag = node.tag.rpartition("}")[2]  # namespaces say nothing to a model
    inside = _lines(node)
    if not inside:
        return f"<{tag}{attributes} />"
    if len(node) or "\n" in inside:
        inside = f"\n{_LINE.sub('  ', inside) if len(node) else inside}\n"
    return f"<{tag}{attributes}>{inside}</{tag}>"


def _lines(node: Node) -> str:
    own = [escape(node.text)] if node.text and node.text.strip() else []
    return "\n".join([*own, *map(pretty, node)])
