"""Chats for models that read and write tokens: the tokenizer's chat template on the way in, its reply on the way out.

The tokenizer is one of transformers, 5.20 or later: it knows which marks are the template's own and which came with a
text, and how a model writes its thoughts and calls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from jinja2 import TemplateError
from pydantic_core import from_json, to_json

from rigging_py.error import InvalidError
from rigging_py.message import (
    ContentReasoning,
    ContentText,
    Delta,
    FunctionCall,
    GenerateParams,
    Message,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
)
from rigging_py.parsing.untyped import as_object

TEMPLATE_OPTIONS = "chat_template_kwargs"
"""The key of `GenerateParams.extra` under which the template's own variables are, as vLLM's server has it."""

_CALL_MARK, _THOUGHT_MARK = "<tool_call>", "<think>"
_THOUGHTS = {"open": _THOUGHT_MARK, "close": "</think>"}
_CALLS = {
    "open_pattern": rf"\s*{_CALL_MARK}",
    "close": "</tool_call>",
    "content": "json",
    "repeats": True,
    "transform": {"type": "function", "function": "{content}"},
}


class ChatTemplate:
    """A tokenizer, and the form in which its model is spoken to. It may be used from any thread."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        # To encode a text without its marks, the tokenizer changes itself for a moment.
        self._lock = threading.Lock()

    @property
    def text(self) -> str:
        """The template, or nothing; of several under names the one for tools is read, where there is one."""
        given: Any = getattr(self.tokenizer, "chat_template", None) or ""
        if isinstance(given, dict):
            named = cast("dict[str, str]", given)
            return named.get("tool_use") or named.get("default", "")
        return str(given)

    @property
    def takes_tools(self) -> bool:
        """Whether it tells the model of tools, and the calls that the model writes can be read."""
        return "tools" in self.text and "tool_calls" in (self._reply_form() or {}).get("fields", ())

    @property
    def keeps_marks(self) -> bool:
        """Whether the marks of the tokenizer have to be in the text of a reply for it to be read."""
        return getattr(self.tokenizer, "response_template", None) is not None

    def encode(self, text: str) -> list[int]:
        """The tokens of a text that is to be continued."""
        with self._lock:
            return list(self.tokenizer.encode(text))

    def prompt(self, messages: Sequence[Message], params: GenerateParams) -> list[int]:
        """The tokens of a conversation, up to where the model goes on: after a last message of the assistant in it.

        Raises `InvalidError` where the template does not take it. What a text has of the template's marks is text.
        """
        if not self.text:
            problem = "The tokenizer of this model has no chat template, so it cannot be chatted with"
            raise InvalidError(f"{problem}; have it continue texts, or choose one that was tuned for chats.")
        is_begun = messages[-1].role == "assistant" and not messages[-1].tool_calls
        options: Mapping[str, Any] = params.extra.get(TEMPLATE_OPTIONS, {})
        names = {call.id: call.name for message in messages for call in message.tool_calls or ()}
        tools = [tool.model_dump(exclude_none=True) for tool in offered(params)]
        try:
            with self._lock:
                return list(
                    self.tokenizer.apply_chat_template(
                        [_spelled(message, names) for message in messages],
                        tools=tools or None,
                        add_generation_prompt=not is_begun,
                        continue_final_message=is_begun,
                        sanitize_control_tokens=True,
                        return_dict=False,
                        **options,
                    )
                )
        except TemplateError as error:
            problem = f"The chat template of this model does not take the conversation: {error}"
            raise InvalidError(problem) from error

    def reply(self, prompt: Sequence[int], params: GenerateParams) -> Reply:
        """What reads the reply to a prompt, some of which the template may have begun."""
        form = self._reply_form()
        if form is None:
            return Reply()
        tools = [tool.model_dump(exclude_none=True) for tool in offered(params)]
        begun = self.tokenizer.decode(prompt)
        return Reply(self.tokenizer.get_response_parser(form, prefix=begun, tools=tools or None))

    def _reply_form(self) -> dict[str, Any] | None:
        """How the model writes: as its tokenizer says, else with the marks that most templates have."""
        if self.keeps_marks:
            return cast("dict[str, Any]", self.tokenizer.response_template)
        fields: dict[str, Any] = {}
        if _THOUGHT_MARK in self.text:
            fields["reasoning_content"] = _THOUGHTS
        if _CALL_MARK in self.text:
            fields["tool_calls"] = _CALLS
        return {"start_anchor": "assistant\n", "fields": {**fields, "content": {}}} if fields else None


def offered(params: GenerateParams) -> list[ToolDefinition]:
    """The tools that may be called: all, the chosen one, or none."""
    if params.tool_choice == "none":
        return []
    choice = params.tool_choice
    chosen = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    return [tool for tool in params.tools or () if chosen is None or tool.function.name == chosen]


def _spelled(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    """The message as templates read it: its content is text, and the arguments of its calls are objects."""
    if odd := next(
        (part for part in message.content_parts if not isinstance(part, ContentText | ContentReasoning)), None
    ):
        raise InvalidError(f"This model reads text alone; a message has a part of the type {odd.type!r}.")
    said: dict[str, Any] = {
        "role": "system" if message.role == "developer" else message.role,
        "content": message.content,
    }
    if message.tool_calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _value(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        said |= {"tool_call_id": message.tool_call_id, "name": names.get(message.tool_call_id, "")}
    return said


def _value(arguments: str) -> Any:
    try:
        return from_json(arguments or "{}")
    except ValueError:
        return arguments  # as another model wrote them


class Reply:
    """Reads a reply in the pieces it comes in, by a parser of transformers where it has a form.

    What turns out to have another form goes on as it is written, so that nothing is lost.
    """

    def __init__(self, parser: Any = None) -> None:
        self._parser = parser
        self._raw: list[str] = []
        self._said: list[str] = []
        self._thought: list[str] = []
        self._calls: list[ToolCall] = []

    def feed(self, text: str) -> list[Delta]:
        """What this piece adds."""
        if self._parser is None:
            return self._say(text)
        self._raw.append(text)
        return self._read(lambda parser: parser.feed(text))

    def ending(self) -> list[Delta]:
        """What the end adds."""
        return self._read(lambda parser: parser.finalize()[1]) if self._parser is not None else []

    @property
    def message(self) -> Message:
        """What the deltas given so far say and call."""
        return Message.of("assistant", "".join(self._said), self._calls or None)

    @property
    def extra(self) -> dict[str, Any]:
        """What was thought, under the name that every provider's has."""
        return {"reasoning_content": "".join(self._thought)} if self._thought else {}

    def _read(self, step: Callable[[Any], Iterable[Mapping[str, Any]]]) -> list[Delta]:
        deltas: list[Delta] = []
        try:
            for event in step(self._parser):
                deltas += self._told(event)
        except (ValueError, KeyError, TypeError):  # a model may write anything between its marks
            self._parser = None
            deltas += self._say("".join(self._raw).removeprefix("".join(self._said)))
        return deltas

    def _told(self, event: Mapping[str, Any]) -> list[Delta]:
        match event["type"], event["field"]:
            case "region_chunk", "content":
                # Between its thoughts and what it says a model leaves lines free.
                follows_thought = self._thought and not self._said
                return self._say(event["text"].lstrip() if follows_thought else event["text"])
            case "region_chunk", "reasoning_content":
                self._thought.append(event["text"])
                return [ReasoningDelta(event["text"])]
            case "region_close", "tool_calls":
                called = event["value"]
                calls = cast("list[Mapping[str, Any]]", called if isinstance(called, list) else [called])
                return [delta for one in calls for delta in self._call(one)]
            case _:
                return []

    def _say(self, text: str) -> list[Delta]:
        if not text:
            return []
        self._said.append(text)
        return [TextDelta(text)]

    def _call(self, called: Mapping[str, Any]) -> list[Delta]:
        function = as_object(called["function"])
        if function is None or not isinstance(function["name"], str):
            raise ValueError("it names no function")
        given: object = function.get("arguments") or {}
        arguments = given if isinstance(given, str) else to_json(given).decode()
        index = len(self._calls)
        call = ToolCall(function=FunctionCall(name=function["name"], arguments=arguments))
        self._calls.append(call)
        return [ToolCallDelta(index, call.id, call.name), ToolCallDelta(index, arguments=arguments)]
