"""Every wire by what its server says when all is well, and what becomes of a call when it is not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

import pytest

import rigging_py as rg
from rigging_py.error import ProviderError
from rigging_py.generator import get_generator
from rigging_py.message import Delta, ModelTurn
from tests.generator.fault_server import FaultServer
from tests.generator.stub import completion
from tests.wire import anthropic_letters, gemini_letters, letters, ollama_letters, responses_letters

KEY = "hush-hush/9+x="
HELLO = [rg.Message("user", "Hi")]
_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n)", re.DOTALL)
_LINE = re.compile(rb".*?\n", re.DOTALL)


@dataclass(frozen=True)
class Spoken:
    """A wire and a letter of it, streamed and whole."""

    name: str
    stream: bytes
    final: int
    """Bytes of the stream with which the answer is whole."""
    whole: dict[str, Any]
    text: str
    calls: int = 0
    kind: str = "text/event-stream"

    @property
    def events(self) -> list[bytes]:
        return (_LINE if self.kind != "text/event-stream" else _EVENT).findall(self.stream)


def _openai(name: str, provider: str = "openai") -> Spoken:
    letter = letters.LETTERS[name]
    calls = [{"id": one, "function": {"name": called, "arguments": given}} for one, called, given in letter.calls]
    whole = completion(letter.text, **({"tool_calls": calls} if calls else {}))
    return Spoken(provider, letter.body, len(letter.until_final), whole, letter.text, len(calls))


def _anthropic(name: str) -> Spoken:
    letter = anthropic_letters.LETTERS[name]
    final = len(anthropic_letters.sse(*letter.until_final))
    return Spoken("anthropic", letter.body, final, letter.whole, letter.text, len(letter.calls))


def _gemini(name: str) -> Spoken:
    letter = gemini_letters.LETTERS[name]
    return Spoken("gemini", letter.body, len(letter.until_final), letter.whole, letter.text, len(letter.calls))


def _ollama(name: str) -> Spoken:
    letter = ollama_letters.LETTERS[name]
    kind = "application/x-ndjson"
    return Spoken("ollama", letter.body, len(letter.body), letter.whole, letter.text, len(letter.calls), kind)


def _responses(name: str) -> Spoken:
    letter = responses_letters.LETTERS[name]
    body = responses_letters.sse(*letter.streamed)
    return Spoken("openai-responses", body, len(body), letter.whole, letter.text, len(letter.calls))


WIRES = {
    "openai": _openai("openai"),
    "openai-responses": _responses("text"),
    "anthropic": _anthropic("text"),
    "gemini": _gemini("text"),
    "ollama": _ollama("text"),
}
CALLING = {
    "azure, calls": _openai("openai, tools", "azure"),
    "openai, calls": _openai("openai, tools"),
    "openai-responses, calls": _responses("reasoning and calls by turns"),
    "anthropic, calls": _anthropic("tools"),
    "gemini, calls": _gemini("calls, the first of them signed"),
    "ollama, calls": _ollama("calls"),
}
LETTERS = {**WIRES, **CALLING}
wires = pytest.mark.parametrize("wire", list(WIRES.values()), ids=list(WIRES))
spoken = pytest.mark.parametrize("wire", list(LETTERS.values()), ids=list(LETTERS))


def asking(wire: Spoken, server: FaultServer, **params: Any) -> rg.Generator:
    """A generator that asks the server in the words of the wire."""
    model = get_generator(f"{wire.name}!m,api_base={server.url},api_key={quote(KEY, safe='')}")
    return model.with_params(rg.GenerateParams(timeout=10.0), **params)


@dataclass
class Outcome:
    """What became of a call."""

    turn: ModelTurn | None = None
    error: BaseException | None = None
    deltas: list[Delta] = field(default_factory=list[Delta])

    @property
    def failure(self) -> ProviderError:
        assert isinstance(self.error, ProviderError), (self.turn, self.error)
        return self.error

    @property
    def kind(self) -> str:
        """The kind of failure, or "answer"."""
        return "answer" if self.error is None else self.failure.kind


async def outcome(model: rg.Generator, *, stream: bool) -> Outcome:
    """What becomes of a call, in which nothing hangs and after which no task is left."""
    before, result = asyncio.all_tasks(), Outcome()
    try:
        async with asyncio.timeout(60):
            if stream:
                await _read(model, result)
            else:
                [result.turn] = cast("Sequence[Any]", await model.generate_messages([HELLO], [rg.GenerateParams()]))
    except Exception as error:  # noqa: BLE001 — what it is, is what is asked
        result.error = error
    if isinstance(result.turn, BaseException):
        result.turn, result.error = None, result.turn
    assert asyncio.all_tasks() == before
    return result


async def _read(model: rg.Generator, result: Outcome) -> None:
    stream = cast("AsyncGenerator[Delta, None]", model.stream_message(HELLO, rg.GenerateParams()))
    async with aclosing(stream) as deltas:
        async for delta in deltas:
            if isinstance(delta, ModelTurn):
                result.turn = delta
            else:
                result.deltas.append(delta)


def facts(failure: ProviderError) -> Mapping[str, Any]:
    """Everything that an error shows."""
    return {"said": str(failure), "repr": repr(failure), **vars(failure)}
