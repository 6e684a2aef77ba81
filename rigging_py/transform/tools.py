"""Transforms that put tools into text and read the calls out of it, each of them one of the codecs of tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from rigging_py.message import GenerateParams, Message, ModelTurn, StopReason, ToolDefinition
from rigging_py.tools import Tool
from rigging_py.tools.codecs import ToolCodec, codec_of_mode
from rigging_py.tools.codecs.codec import SystemPrompt
from rigging_py.transform.transform import PostTransform, Transform

if TYPE_CHECKING:
    from rigging_py.chat import Chat


def make_tools_to_json_transform(
    mode: Literal["json", "json-in-xml", "json-with-tag"] = "json-with-tag",
    *,
    system_tool_prompt: SystemPrompt | None = None,
    tool_responses_as_user_messages: bool = True,
    tool_call_tag: str | None = None,
    tool_response_tag: str | None = None,
) -> Transform:
    """A transform that writes calls in JSON.

    Args:
        mode: a bare object (`json`), one in a tag (`json-with-tag`), or its arguments in a tag that names the tool
            (`json-in-xml`).
        system_tool_prompt: what the model is told of the tools, or what says it of their definitions, in place of ours.
        tool_responses_as_user_messages: whether results become text of the user; otherwise they stay tool messages.
        tool_call_tag: the tag of calls, by default `tool-call`.
        tool_response_tag: the tag of results, by default `tool-response`.

    Raises `ValueError` for another mode.
    """
    if mode not in ("json", "json-in-xml", "json-with-tag"):
        raise ValueError(f"The modes in JSON are 'json', 'json-in-xml' and 'json-with-tag'; not {mode!r}.")
    codec = codec_of_mode(mode)
    return _transform(
        replace(
            codec,
            system_prompt=system_tool_prompt,
            responses_as_user_messages=tool_responses_as_user_messages,
            call_tag=tool_call_tag or codec.call_tag,
            response_tag=tool_response_tag or codec.response_tag,
        )
    )


def make_tools_to_pythonic_transform(
    *,
    system_tool_prompt: SystemPrompt | None = None,
    tool_responses_as_user_messages: bool = True,
    tool_response_tag: str = "tool-response",
) -> Transform:
    """A transform that writes calls as Python, `[f(a=1), g(b="x")]`; the options are those of the transform to JSON."""
    codec = replace(
        codec_of_mode("pythonic"),
        system_prompt=system_tool_prompt,
        responses_as_user_messages=tool_responses_as_user_messages,
        response_tag=tool_response_tag,
    )
    return _transform(codec)


def make_tools_to_xml_transform(
    tools: Sequence[Tool[..., Any] | ToolDefinition], *, add_tool_stop_token: bool = True
) -> Transform:
    """A transform that writes calls of these tools as elements; `add_tool_stop_token` stops the model after a call.

    Parameters that have tools of their own keep to these.
    """
    codec = codec_of_mode("xml", add_stop_token=add_tool_stop_token)
    return _transform(codec, [tool.definition if isinstance(tool, Tool) else tool for tool in tools])


def _transform(codec: ToolCodec, tools: Sequence[ToolDefinition] = ()) -> Transform:
    async def transform(
        messages: list[Message], params: GenerateParams, /
    ) -> tuple[list[Message], GenerateParams, PostTransform | None]:
        """Puts tools, calls and results into text, and gives what reads the calls of a chat out of it."""
        asked = params if params.tools or not tools else params.model_copy(update={"tools": list(tools)})
        given = [message.shell() for message in messages]
        sent, plain = codec.encode(given, asked)
        sent = [message.shell() for message in sent]

        async def restore(chat: Chat, /) -> Chat:
            return _restored(chat, codec, asked.tools or (), sent=sent, given=given, params=params)

        return sent, plain, restore

    return transform


def _restored(
    chat: Chat,
    codec: ToolCodec,
    tools: Sequence[ToolDefinition],
    *,
    sent: Sequence[Message],
    given: Sequence[Message],
    params: GenerateParams,
) -> Chat:
    """A copy of the chat as if the model knew tool calling: what was sent is what was given, and calls are calls."""
    before = chat.messages
    if [one.uuid for one in before[: len(sent)]] == [one.uuid for one in sent]:
        before = [*given, *before[len(sent) :]]
    generated = [_decoded(one, codec, tools, chat.stop_reason) for one in chat.generated]
    updates: dict[str, Any] = {
        "messages": [_decoded(one, codec, tools, "stop") for one in before],
        "generated": generated,
        "params": params,
    }
    if generated and generated[-1].tool_calls:
        updates["stop_reason"] = "tool_calls"
    return chat.model_copy(update=updates)


def _decoded(message: Message, codec: ToolCodec, tools: Sequence[ToolDefinition], stop_reason: StopReason) -> Message:
    if message.role != "assistant":
        return message.shell()
    return codec.decode(ModelTurn(message, stop_reason), tools).message.shell()


tools_to_json_transform = make_tools_to_json_transform("json")
"""Calls as bare JSON objects."""
tools_to_json_in_xml_transform = make_tools_to_json_transform("json-in-xml")
"""Calls as JSON in a tag that names the tool."""
tools_to_json_with_tag_transform = make_tools_to_json_transform("json-with-tag")
"""Calls as JSON objects in a tag."""
tools_to_pythonic_transform = make_tools_to_pythonic_transform()
"""Calls as Python writes them."""

_NAMED: dict[str, Transform] = {
    "json": tools_to_json_transform,
    "json-in-xml": tools_to_json_in_xml_transform,
    "json-with-tag": tools_to_json_with_tag_transform,
    "pythonic": tools_to_pythonic_transform,
}


def get_transform(identifier: str) -> Transform:
    """The transform of a mode: `json`, `json-in-xml`, `json-with-tag` or `pythonic`. Raises `ValueError` for another.

    `xml` reads values by the schemas of the tools; `make_tools_to_xml_transform` takes these.
    """
    if identifier not in _NAMED:
        raise ValueError(
            f"The transforms are {', '.join(map(repr, _NAMED))}; not {identifier!r}. "
            "For xml, give the tools to make_tools_to_xml_transform."
        )
    return _NAMED[identifier]
