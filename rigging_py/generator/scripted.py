"""`ScriptedGenerator`: a model that says what its script says, and remembers what it heard."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from threading import Lock
from typing import Any, ClassVar, Self, TypeAlias
from weakref import WeakValueDictionary

from pydantic import PrivateAttr

from rigging_py.error import InvalidGeneratorError, ScriptExhaustedError, StreamInterruptedError
from rigging_py.generator.base import Generator
from rigging_py.message import Delta, GeneratedText, GenerateParams, Message, ModelTurn, ToolCall
from rigging_py.wire import deltas_of

_numbers = count(1)
_WORDS = re.compile(r"\s*\S+|\s+")
_SOME = re.compile(r".{1,8}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cut:
    """A reply that breaks off: streamed, its first `after` pieces come and then a `StreamInterruptedError`.

    Asked for whole, it is that error alone. A piece is a word of thought or of text, the name of a call, or a part of
    its arguments.
    """

    reply: str | Message | ModelTurn | ToolCall | Sequence[ToolCall]
    after: int = 0


Reply: TypeAlias = str | Message | ModelTurn | ToolCall | Sequence[ToolCall] | Cut | BaseException
"""One line of a script: a text, a message, a whole turn, tool calls, one that is cut, or an exception to fail with."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A conversation as a generator received it."""

    messages: tuple[Message, ...]
    params: GenerateParams

    @property
    def text(self) -> str:
        """Everything in it, one message after the other."""
        return "\n\n".join(map(str, self.messages))


class Named(Generator):
    """A generator that lives in this process only; its identifier names the object."""

    _living: ClassVar[WeakValueDictionary[tuple[str, str], Named]] = WeakValueDictionary()
    _lock: ClassVar[Lock] = Lock()
    _original: Named | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        with self._lock:
            self._living[type(self).__name__, self.model] = self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As for any model. A copy keeps the original alive, which its identifier names."""
        other = super().model_copy(update=update, deep=deep)
        other._original = self
        return other

    @classmethod
    def free_name(cls, name: str) -> str:
        """`name`, or with a number behind it when an object of that name lives."""
        return name if (cls.__name__, name) not in cls._living else f"{name}-{next(_numbers)}"

    @classmethod
    def find(cls, name: str) -> Self:
        """The living object of this name. Raises `InvalidGeneratorError` when there is none."""
        found = cls._living.get((cls.__name__, name))
        if not isinstance(found, cls):
            with cls._lock:
                living = [ref() for ref in cls._living.valuerefs()]
            known = [one.model for one in living if isinstance(one, cls)]
            raise InvalidGeneratorError(name, name, f"no {cls.__name__} of this name lives in this process", known)
        return found


class ScriptedGenerator(Named):
    """A model that gives `replies` in order, one a call, and keeps what it `heard`.

    Running out of script is a `ScriptExhaustedError`.
    """

    supports_tools: bool | None = True
    """What it says of tools: False or None makes pipelines describe them in words."""
    _script: list[Reply] = PrivateAttr(default_factory=list[Reply])
    _heard: list[Heard] = PrivateAttr(default_factory=list[Heard])

    def __init__(self, *replies: Reply, model: str | None = None, **fields: Any) -> None:
        super().__init__(model=model or f"script-{next(_numbers)}", **fields)
        self._script.extend(replies)

    @property
    def heard(self) -> list[Heard]:
        """The conversations received so far, oldest first."""
        return self._heard

    @property
    def remaining(self) -> int:
        """Replies not given yet."""
        return len(self._script)

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return [self._answer(tuple(said), asked) for said, asked in zip(messages, params, strict=True)]

    async def generate_texts(
        self, texts: Sequence[str], params: Sequence[GenerateParams]
    ) -> Sequence[GeneratedText | BaseException]:
        turns = [self._answer((Message("user", text),), asked) for text, asked in zip(texts, params, strict=True)]
        return [
            turn
            if isinstance(turn, BaseException)
            else GeneratedText(turn.message.content, turn.stop_reason, turn.usage)
            for turn in turns
        ]

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        reply = self._next(tuple(messages), params)
        turn = to_turn(reply.reply if isinstance(reply, Cut) else reply)
        if isinstance(turn, BaseException):
            raise turn
        pieces = deltas_of(turn, words=_WORDS.findall, arguments=_SOME.findall)
        for delta in islice(pieces, reply.after if isinstance(reply, Cut) else None):
            yield delta
        if isinstance(reply, Cut):
            raise _broken()
        yield turn

    async def supports_function_calling(self) -> bool | None:
        return self.supports_tools

    def _answer(self, messages: tuple[Message, ...], params: GenerateParams) -> ModelTurn | BaseException:
        return to_turn(self._next(messages, params))

    def _next(self, messages: tuple[Message, ...], params: GenerateParams) -> Reply:
        self._heard.append(Heard(tuple(message.shell() for message in messages), self.params.merge_with(params)))
        if not self._script:
            raise ScriptExhaustedError(
                f"{self.model!r} was asked {len(self._heard)} times and has no reply left; "
                f"the last thing it heard:\n{self._heard[-1].text}"
            )
        return self._script.pop(0)


def to_turn(reply: Reply) -> ModelTurn | BaseException:
    """The turn that a line of a script stands for."""
    if isinstance(reply, ModelTurn | BaseException):
        return reply
    if isinstance(reply, Cut):
        return _broken()
    if isinstance(reply, Message):
        return ModelTurn(reply, "tool_calls" if reply.tool_calls else "stop")
    if isinstance(reply, str):
        return ModelTurn.from_text(reply)
    return ModelTurn.of(tool_calls=[reply] if isinstance(reply, ToolCall) else list(reply))


def _broken() -> StreamInterruptedError:
    return StreamInterruptedError(
        "The script cuts this answer off, so what came is not the whole of it.", provider="scripted"
    )


def scripted(*replies: Reply, supports_tools: bool | None = True) -> ScriptedGenerator:
    """A model that gives these replies, one a call; without `supports_tools` its tools are described in words."""
    return ScriptedGenerator(*replies, supports_tools=supports_tools)
