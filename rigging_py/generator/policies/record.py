"""`record`: writes every request and what came of it into a file, from which `replay!` answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr

from rigging_py.error import AuthenticationFailedError, ProviderError
from rigging_py.generator.base import Generator
from rigging_py.generator.policies.answers import Answer, Failure, PieceForm
from rigging_py.generator.policies.base import Call, Piece, Policy, as_generator, leaves
from rigging_py.generator.policies.canonical import askees, names_of, request_of
from rigging_py.generator.policies.recording import FORMAT, KIND, Header, Recording, redacted_data, redacted_request
from rigging_py.message import GeneratedText, ModelTurn, without_secrets


@dataclass(slots=True)
class _State:
    recording: Recording
    header: Header | None = None


class Record(Policy):
    """`record(openai!gpt-4o),path=letters.jsonl`: writes each request and its answer as a line of a file.

    What is written is the request in canonical form and the turn, the text or the `ProviderError` that came of it, with
    the deltas of a stream as they came. Keys of the generators are `***` in it, and whatever looks like a key. A line
    is written when the answer has ended, or when the reader of a stream leaves; a call that is cancelled before its
    first delta leaves none, and neither does an exception that is no `ProviderError`. The lines are appended to what
    the file has. A file that is something else, or in no directory, is a `ProcessingError` before anything is asked.
    """

    path: str = Field(min_length=1)
    """The file, whose directory is there."""
    _state: _State = PrivateAttr()
    _names: list[str] = PrivateAttr()

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self._names = names_of(self.inner)
        self._state = _State(Recording(self.path))

    async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        header = await self._header()
        request = request_of(call)  # before it is sent: what is sent may change afterwards
        deltas: list[PieceForm] = []
        came: Answer | None = None
        try:
            async with aclosing(call.to(self.inner)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ModelTurn | GeneratedText):
                        came = Answer.of(piece, deltas if call.kind == "stream" else None)
                        self._write(call, request, came, header)
                    else:
                        deltas.append(PieceForm.of(piece))
                    yield piece
        except ProviderError as error:
            if came is None:
                came = Answer(deltas=deltas or None, failure=Failure.of(error))
                self._write(call, request, came, header)
            raise
        finally:
            if came is None and deltas:
                self._write(call, request, Answer(deltas=deltas), header)

    async def _header(self) -> Header:
        if self._state.header is None:
            self._state.recording.check()  # before anything is asked, and paid for
            tools, json_schema = await self.supports_function_calling(), await self.supports_json_schema()
            self._state.header = Header(format=FORMAT, kind=KIND, tools=tools, json_schema=json_schema)
        return self._state.header

    def _write(self, call: Call, request: dict[str, Any], answer: Answer, header: Header) -> None:
        asked = [
            {**one, "api_base": without_secrets(one["api_base"])} if one["api_base"] else one
            for one in askees(self.inner, call.params, self._names)
        ]
        secrets = [key for leaf, _ in leaves(self.inner) if (key := _key_of(leaf))]
        letter = {
            "request": redacted_request(request, secrets),
            "answer": redacted_data(answer.to_data(), secrets),
            "asked": [redacted_request(one, secrets) for one in asked],
        }
        self._state.recording.append(letter, header)


def record(generator: Generator | str, path: str | Path) -> Record:
    """A generator that writes every request and what came of it as a line of the file `path`; see `Record`."""
    return Record(inner=as_generator(generator), path=str(path))


def _key_of(generator: Generator) -> str | None:
    with suppress(AuthenticationFailedError):
        return generator.key()
    return None
