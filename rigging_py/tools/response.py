"""`ToolResponse`: the result of a tool as it stands in text, where a model is told of results in tags."""

from rigging_py.model import Model, attr


class ToolResponse(Model):
    """A result between tags, `<tool-response id="…">…</tool-response>`."""

    id: str = attr(default="")
    result: str
