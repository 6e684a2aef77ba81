"""`ToolCodec`: a conversation with tools as one of text, and the calls in a reply as calls. Nothing here waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TypeAlias, get_args

from rigging_py.message import (
    Content,
    ContentText,
    GenerateParams,
    Message,
    ModelTurn,
    Role,
    ToolCall,
    ToolDefinition,
    inject_system_content,
)
from rigging_py.parsing import tagged
from rigging_py.parsing.extract import escape_attribute, read_attributes
from rigging_py.parsing.shape import JsonSchema
from rigging_py.tools.codecs import words
from rigging_py.tools.codecs.found import (
    UNREADABLE,
    Finder,
    FoundCall,
    arguments_in,
    as_json,
    call_in,
    value_of,
    without_tags,
)
from rigging_py.tools.codecs.objects import ObjectFinder
from rigging_py.tools.codecs.pythonic import PythonicFinder, write_pythonic
from rigging_py.tools.codecs.reader import CallReader
from rigging_py.tools.codecs.tags import TagFinder
from rigging_py.tools.codecs.xml import read_arguments, write_arguments
from rigging_py.tools.mode import TextMode, ToolMode

SystemPrompt: TypeAlias = str | Callable[[Sequence[ToolDefinition]], str]
"""What a model is told about tools, or what says it of these."""


@dataclass(frozen=True)
class ToolCodec:
    """Tools as text, by one mode. Get it from `codec_of_mode`; `dataclasses.replace` gives one with other options.

    Args:
        mode: how calls are written.
        call_tag: the tag of calls, in the modes that have one.
        response_tag: the tag of results.
        add_stop_token: in the mode `xml`, whether the model is stopped after a call.
        system_prompt: what the model is told in place of our description of the tools.
        responses_as_user_messages: whether results become text of the user; otherwise they stay tool messages.
    """

    mode: TextMode
    call_tag: str = "tool-call"
    response_tag: str = "tool-response"
    add_stop_token: bool = True
    system_prompt: SystemPrompt | None = None
    responses_as_user_messages: bool = True

    def encode(self, messages: Sequence[Message], params: GenerateParams) -> tuple[list[Message], GenerateParams]:
        """What a model without tool calling is sent: tools in the system message, earlier calls and results as text.

        The parameters ask for no tools. What is given stays as it is.
        """
        tools = params.tools or ()
        said = list(self._as_text(messages, _schemas(tools)))
        if tools and params.tool_choice != "none":
            said = inject_system_content(said, self._told(tools, params))
        updates: dict[str, object] = {"tools": None, "tool_choice": None, "parallel_tool_calls": None}
        stop = f"</{self.call_tag}>"
        if self.mode == "xml" and tools and self.add_stop_token and stop not in (params.stop or ()):
            updates["stop"] = [*(params.stop or ()), stop]
        return said, params.model_copy(update=updates)

    def decode(self, turn: ModelTurn, tools: Sequence[ToolDefinition]) -> ModelTurn:
        """A whole turn with the calls in its text as calls; a turn without any is as it was."""
        reader = self.reader(tools)
        reader.feed(turn.message.content)
        reader.ending(turn.stop_reason)
        read = reader.message()
        if not read.tool_calls:
            return turn
        message = turn.message.shell()
        message.content = read.content
        if not read.content:
            message.content_parts = [part for part in message.content_parts if not isinstance(part, ContentText)]
        message.tool_calls = [*(message.tool_calls or ()), *read.tool_calls]
        return replace(turn, message=message, stop_reason="tool_calls")

    def reader(self, tools: Sequence[ToolDefinition]) -> CallReader:
        """What reads one reply, in the pieces it comes in. The schemas of the tools say what texts in XML stand for."""
        return CallReader(self._finder(_schemas(tools)))

    def _finder(self, schemas: Mapping[str, JsonSchema]) -> Finder:
        if self.mode == "json":
            return ObjectFinder()
        if self.mode == "pythonic":
            return PythonicFinder(schemas.keys())
        if self.mode == "xml":
            return TagFinder(self.call_tag, partial(_call_in_xml, schemas), json=False)
        return TagFinder(self.call_tag, _call_in_tag, json=True)

    def _told(self, tools: Sequence[ToolDefinition], params: GenerateParams) -> str:
        if self.system_prompt is not None:
            return self.system_prompt if isinstance(self.system_prompt, str) else self.system_prompt(tools)
        lines = [self._form(), *([words.about_results(self.response_tag)] if self.responses_as_user_messages else [])]
        return words.described(tools, "\n".join([*lines, *words.about_choice(params)]), self._tags)

    def _form(self) -> str:
        forms: dict[TextMode, Callable[[], str]] = {
            "xml": partial(words.in_xml, self.call_tag),
            "json": words.in_json,
            "json-in-xml": partial(words.in_tagged_json, self.call_tag),
            "json-with-tag": partial(words.in_json_with_tag, self.call_tag),
            "pythonic": words.in_python,
        }
        return forms[self.mode]()

    @property
    def _tags(self) -> tuple[str, str]:
        return self.call_tag, self.response_tag

    def _as_text(self, messages: Sequence[Message], schemas: Mapping[str, JsonSchema]) -> Iterator[Message]:
        for role, group in groupby(messages, key=lambda message: message.role):
            if role == "tool" and self.responses_as_user_messages:
                yield from self._responses(list(group))
            else:
                for message in group:
                    yield self._called(message, schemas) if message.tool_calls else message

    def _responses(self, results: Sequence[Message]) -> list[Message]:
        """Results as text of the user: one message for all, and in the mode `xml` one for each."""
        groups = [[one] for one in results] if self.mode == "xml" else [results]
        return [_sent(group[0], "user", [part for one in group for part in self._response(one)]) for group in groups]

    def _response(self, result: Message) -> list[Content]:
        said = tagged(self.response_tag, result.content, id=result.tool_call_id or "")
        mark = next((part.cache_control for part in reversed(result.content_parts) if part.cache_control), None)
        others = [part for part in result.content_parts if not isinstance(part, ContentText)]
        return [ContentText(text=said, cache_control=None if others else mark), *others]

    def _called(self, message: Message, schemas: Mapping[str, JsonSchema]) -> Message:
        calls = self._written(message.tool_calls or (), schemas)
        return _sent(message, "assistant", [*message.content_parts, ContentText(text=calls)])

    def _written(self, calls: Sequence[ToolCall], schemas: Mapping[str, JsonSchema]) -> str:
        if self.mode == "pythonic":
            return write_pythonic(calls, self._tags)
        return "\n".join(self._one_written(call, schemas.get(call.name, {})) for call in calls)

    def _one_written(self, call: ToolCall, schema: JsonSchema) -> str:
        tag, arguments = self.call_tag, value_of(call.arguments)
        named = f'<{tag} name="{escape_attribute(call.name)}">'
        if self.mode == "xml":
            return f"{named}{write_arguments(call.arguments, schema)}</{tag}>"
        if self.mode == "json-in-xml":
            return f"{named}{without_tags(as_json(arguments), self._tags)}</{tag}>"
        written = without_tags(f'{{"name": {as_json(call.name)}, "arguments": {as_json(arguments)}}}', self._tags)
        return f"<{tag}>{written}</{tag}>" if self.mode == "json-with-tag" else written


def codec_of_mode(mode: ToolMode, *, add_stop_token: bool = True) -> ToolCodec:
    """The codec of a mode. Raises `ValueError` for `auto` and `api`, which write nothing as text, and for any other."""
    for one in get_args(TextMode):
        if one == mode:
            return ToolCodec(one, "rg-tool-call" if one == "xml" else "tool-call", add_stop_token=add_stop_token)
    known = ", ".join(map(repr, get_args(TextMode)))
    raise ValueError(f"The modes in which tools are text are {known}; not {mode!r}.")


def _call_in_tag(attributes: str, body: str) -> FoundCall:
    """A call whose tag names the tool, or has it in the object: models mix the two, and they cannot be confused."""
    name = read_attributes(attributes).get("name")
    if name:
        return FoundCall(name, arguments_in(body))
    return call_in(body) or FoundCall(UNREADABLE, body.strip())


def _call_in_xml(schemas: Mapping[str, JsonSchema], attributes: str, body: str) -> FoundCall:
    name = read_attributes(attributes)["name"]
    return FoundCall(name or UNREADABLE, read_arguments(body, schemas.get(name, {})))


def _schemas(tools: Sequence[ToolDefinition]) -> dict[str, JsonSchema]:
    return {tool.function.name: tool.function.parameters or {} for tool in tools}


def _sent(message: Message, role: Role, parts: Sequence[Content]) -> Message:
    """What a message is sent as, under its name; texts that follow each other are one."""
    sent = Message.of(role, "")
    sent.uuid = message.uuid
    for part in parts:
        last = sent.content_parts[-1] if sent.content_parts else None
        if isinstance(part, ContentText) and isinstance(last, ContentText):
            text = f"{last.text}\n{part.text}" if last.text.strip() else part.text
            mark = part.cache_control or last.cache_control
            sent.content_parts[-1] = ContentText(text=text, cache_control=mark)
        else:
            sent.content_parts.append(part)
    return sent
