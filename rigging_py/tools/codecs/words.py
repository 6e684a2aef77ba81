"""How tools are described to a model that has to write its calls as text."""

from __future__ import annotations

from collections.abc import Sequence

from rigging_py.message import GenerateParams, ToolDefinition
from rigging_py.tools.codecs.found import as_json, without_tags


def described(tools: Sequence[ToolDefinition], form: str, tags: Sequence[str]) -> str:
    """The tools as JSON, one on a line, and how they are called. Nothing that a tool says of itself is a tag."""
    lines = [without_tags(as_json(tool.function.model_dump(exclude_none=True)), tags) for tool in tools]
    return "\n".join(["# Tools", "", "You can call these tools:", *lines, "", form])


def in_xml(tag: str) -> str:
    """The form of a call in elements."""
    return (
        "To call a tool, end your reply with:\n"
        f'<{tag} name="name-of-the-tool"><argument>value</argument></{tag}>\n'
        "Each argument is an element with its name. A list has its items in <item> elements, an object has its fields "
        "in elements of their names; an object without known fields is written in JSON. "
        "Write &lt; and &amp; for < and & in text. Make one call at a time."
    )


def in_json() -> str:
    """The form of a call that is a bare object."""
    return (
        "To call a tool, write a JSON object with its name and its arguments:\n"
        '{"name": "name-of-the-tool", "arguments": {"argument": "value"}}'
    )


def in_tagged_json(tag: str) -> str:
    """The form of a call whose tag names the tool."""
    return (
        "To call a tool, write its arguments as a JSON object in a tag that names it:\n"
        f'<{tag} name="name-of-the-tool">{{"argument": "value"}}</{tag}>'
    )


def in_json_with_tag(tag: str) -> str:
    """The form of a call that is an object in a tag."""
    return (
        "To call a tool, write a JSON object with its name and its arguments in a tag:\n"
        f'<{tag}>{{"name": "name-of-the-tool", "arguments": {{"argument": "value"}}}}</{tag}>'
    )


def in_python() -> str:
    """The form of calls in Python."""
    return (
        "To call tools, end your reply with a Python list of calls, with keyword arguments that are plain values:\n"
        '[name_of_the_tool(argument="value"), name_of_another(count=2)]'
    )


def about_results(tag: str) -> str:
    """How results come."""
    return (
        f'The results come in the next message, each as <{tag} id="…">…</{tag}>, with <, > and & as entities. '
        "Never write one yourself. When you need no tool, reply without a call."
    )


def about_choice(params: GenerateParams) -> list[str]:
    """What a provider would be told with `tool_choice` and `parallel_tool_calls`."""
    said: list[str] = []
    choice = params.tool_choice
    if isinstance(choice, dict) and (name := choice.get("function", {}).get("name")):
        said.append(f"Call the tool {as_json(name)} in this reply.")
    elif choice == "required":
        said.append("Call a tool in this reply.")
    if params.parallel_tool_calls is False:
        said.append("Make one call at a time.")
    return said
