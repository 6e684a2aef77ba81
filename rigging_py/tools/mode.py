"""`ToolMode`: the ways in which a model is told of tools, and calls them."""

from typing import Literal, TypeAlias

TextMode: TypeAlias = Literal["xml", "json", "json-in-xml", "json-with-tag", "pythonic"]
"""How calls are written as text."""

ToolMode: TypeAlias = Literal["auto", "api", "xml", "json", "json-in-xml", "json-with-tag", "pythonic"]
"""How a model calls tools: by its API, as text, or by the API where it has one and as `json-in-xml` elsewhere."""
