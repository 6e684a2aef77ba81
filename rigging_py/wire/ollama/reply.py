"""What Ollama answers, whole or line by line, which are replies of the same form: to deltas and a turn. No I/O.

The final record of an answer is the one that is `done`, and nothing comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from rigging_py.error import ProviderError
from rigging_py.message import (
    ContentReasoning,
    Delta,
    FunctionCall,
    Message,
    ModelTurn,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    to_stop_reason,
)
from rigging_py.parsing.untyped import as_count, as_list, as_object
from rigging_py.wire.failures import stream_failure
from rigging_py.wire.unread import cut_off, unread_reply, unreadable

THINKING = "thinking"
"""The field of a message that reasoning comes in, and goes back in."""
_FACTS = ("model", "created_at", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""What is kept of a record; the durations are nanoseconds."""
_COUNTS = ("prompt_eval_count", "eval_count")


def ollama_turn(reply: object, *, provider: str = "", secret: str | None = None, origin: str = "") -> ModelTurn:
    """The turn in a reply, whose reasoning is kept under the name `origin`.

    Raises `InvalidError` for a reply that holds none, without `secret` in it.
    """
    stream = OllamaStream(provider, secret, origin)
    try:
        stream.read(reply, is_whole=True)
    except ProviderError:
        raise
    except ValueError as error:
        raise unread_reply(provider, secret, f"is not one of /api/chat: {error}", reply) from None
    return stream.turn()


@dataclass
class OllamaStream:
    """Puts the records of a reply together: feed them in order, then ask for the ending."""

    provider: str = ""
    secret: str | None = field(default=None, repr=False)
    origin: str = ""
    texts: list[str] = field(default_factory=list[str])
    thoughts: list[str] = field(default_factory=list[str])
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    reason: object = None
    """Why it ended, in Ollama's word."""
    usage: Usage | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    is_done: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether the final record has come."""
        return self.is_done

    def feed(self, chunk: object) -> list[Delta]:
        """What a record adds.

        Raises `InvalidError` for what is no record, and the `ProviderError` that an error in its place stands for.
        """
        try:
            return self.read(chunk)
        except ProviderError:
            raise
        except ValueError as error:
            problem = f"is not one of /api/chat: {error}"
            raise unreadable(self.provider, self.secret, problem, chunk) from None

    def ending(self) -> list[Delta]:
        """The whole turn. Raises `StreamInterruptedError` where the final record is missing."""
        if not self.is_done:
            raise cut_off(self.provider, "final record")
        return [self.turn()]

    def turn(self) -> ModelTurn:
        """What has come, as a turn."""
        text, thought = "".join(self.texts), "".join(self.thoughts)
        # Nobody takes a message of reasoning alone.
        is_kept = thought and (text or self.calls)
        reasoning = [ContentReasoning(text=thought, origin=self.origin, form=THINKING)] if is_kept else []
        reason = to_stop_reason(self.reason, has_calls=bool(self.calls))
        extra = {**self.extra, "reasoning_content": thought} if thought else dict(self.extra)
        return ModelTurn(Message.of("assistant", text, self.calls or None, reasoning), reason, self.usage, extra)

    def read(self, record: object, *, is_whole: bool = False) -> list[Delta]:
        """As `feed`, with a `ValueError` that says what is wrong with what cannot be read."""
        body = as_object(record)
        if body is None:
            raise ValueError("it is not a JSON object")
        if body.get("error"):
            raise stream_failure(self.provider, record, secret=self.secret)
        spoken = as_object(body.get("message"))
        if spoken is None and (is_whole or body.get("message") is not None):
            raise ValueError("it has no message")
        deltas = self._spoken(spoken) if spoken is not None else []
        self._note(body)
        return deltas

    def _spoken(self, spoken: Mapping[str, Any]) -> list[Delta]:
        said, thought, calls = (spoken.get(name) or "" for name in ("content", THINKING, "tool_calls"))
        if not (isinstance(said, str) and isinstance(thought, str) and isinstance(calls or [], list)):
            raise ValueError("its content, its thinking or its tool calls are of another kind")
        deltas: list[Delta] = []
        if thought:
            self.thoughts.append(thought)
            deltas.append(ReasoningDelta(thought))
        if said:
            self.texts.append(said)
            deltas.append(TextDelta(said))
        return [*deltas, *(self._called(raw) for raw in as_list(calls))]

    def _called(self, raw: object) -> ToolCallDelta:
        call = as_object(raw) or {}
        function = as_object(call.get("function")) or {}
        name, id_, given = function.get("name"), call.get("id"), function.get("arguments")
        if not name or not isinstance(name, str):
            raise ValueError("a tool call in it names no function")
        arguments = given if isinstance(given, str) else to_json({} if given is None else given).decode()
        known = FunctionCall(name=name, arguments=arguments or "{}")
        self.calls.append(ToolCall(id=id_ if isinstance(id_, str) else "", function=known))
        return ToolCallDelta(len(self.calls) - 1, self.calls[-1].id, name, known.arguments)

    def _note(self, body: Mapping[str, Any]) -> None:
        """The facts of a record, of which the last has the most."""
        self.extra |= {name: body[name] for name in _FACTS if body.get(name)}
        if logprobs := as_list(body.get("logprobs")):
            # In the form that the chat API has for them.
            self.extra.setdefault("logprobs", {"content": []})["content"].extend(logprobs)
        if any(name in body for name in _COUNTS):
            read, written = (as_count(body.get(name)) for name in _COUNTS)
            self.usage = Usage(input_tokens=read, output_tokens=written, total_tokens=read + written)
        if body.get("done") is True:
            self.is_done, self.reason = True, body.get("done_reason")
