"""`replay!`: answers from a recording, the same requests in the same way, and nothing else. No network, ever."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Self

from pydantic import PrivateAttr

from rigging_py.error import ProcessingError, ReplayDivergence, StreamInterruptedError
from rigging_py.generator.base import Generator, each
from rigging_py.generator.policies.answers import Answer
from rigging_py.generator.policies.base import Call
from rigging_py.generator.policies.canonical import digest, request_of
from rigging_py.generator.policies.recording import Header, Letter, read_recording, redacted_request
from rigging_py.message import Delta, GeneratedText, GenerateParams, Message, ModelTurn
from rigging_py.run.play import differences
from rigging_py.wire import deltas_of

_SHOWN = 80
"""Characters of what was said, in an error."""


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    request: dict[str, Any]
    answer: Answer


class _Letters:
    """The letters of a file, each given once: of equal requests the answers come in the order of the file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.header, letters = read_recording(path)
        self._lock = Lock()
        self._by_request: dict[str, deque[_Entry]] = {}
        self._left: dict[int, _Entry] = {}
        for line, letter in letters:
            entry = _Entry(line, _compared(letter), letter.answer)
            self._left[line] = entry
            self._by_request.setdefault(digest(entry.request), deque()).append(entry)

    @property
    def remaining(self) -> int:
        return len(self._left)

    def take(self, request: dict[str, Any]) -> _Entry:
        """The next answer to a request. Raises `ReplayDivergence`."""
        with self._lock:
            same = self._by_request.get(digest(request))
            if not same:
                raise self._divergence(request, is_known=same is not None)
            entry = same.popleft()
            del self._left[entry.line]
            return entry

    def _divergence(self, request: dict[str, Any], *, is_known: bool) -> ReplayDivergence:
        expected = next(iter(self._left.values()), None)
        if expected is None or is_known:
            problem = "was asked more often than it was recorded" if is_known else "came after all that was recorded"
            at = expected.line if expected is not None else 0
            return ReplayDivergence(at, None, request, [f"{_words_of(request)} {problem}"], place=self.path)
        diff = list(differences(expected.request, request))
        place = f"{self.path}, line {expected.line}, the first that was not asked for"
        return ReplayDivergence(expected.line, expected.request, request, diff, place=place)


class Replay(Generator):
    """`replay!letters.jsonl`: answers from the file that `record` wrote, as the generator there did.

    A request has the recorded answer where its messages, parameters, tools and form of the answer are the recorded
    ones; of equal requests the answers come in the order of the file, each once. Any other is a `ReplayDivergence`,
    whose `diff` is against the first request of the file that was not asked for. Streams come in the recorded pieces,
    and failures fail again. The file is read on first use; its mistakes are a `ProcessingError` with the line.
    """

    _opened: list[_Letters] = PrivateAttr(default_factory=list[_Letters])
    _lock: Any = PrivateAttr(default_factory=Lock)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy that goes on in the same file, as every refinement does."""
        return self.__copy__()

    @property
    def remaining(self) -> int:
        """Recorded answers that were not given yet."""
        return self._letters().remaining

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._turn, messages, params)

    async def generate_texts(
        self, texts: Sequence[str], params: Sequence[GenerateParams]
    ) -> Sequence[GeneratedText | BaseException]:
        return await each(self._text, texts, params)

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        """The recorded pieces, the whole turn last."""
        answer = self._answer(Call("stream", messages, self.params.merge_with(params)))
        turn = None if answer.turn is None else _fresh(answer.turn)
        if answer.deltas is not None:
            for delta in answer.pieces():
                yield delta
        elif turn is not None:
            for delta in deltas_of(turn):
                yield delta
        yield self._ended(answer, turn)

    async def supports_function_calling(self) -> bool | None:
        """What the recorded generator said."""
        return self._header.tools

    async def supports_json_schema(self) -> bool | None:
        """What the recorded generator said."""
        return self._header.json_schema

    def load(self) -> Self:
        """Reads the file. Raises `ProcessingError` for what is wrong in it."""
        self._letters()
        return self

    async def _turn(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        answer = self._answer(Call("message", messages, self.params.merge_with(params)))
        return self._ended(answer, None if answer.turn is None else _fresh(answer.turn))

    async def _text(self, text: str, params: GenerateParams) -> GeneratedText:
        answer = self._answer(Call("text", text, self.params.merge_with(params)))
        if answer.failure is not None:
            raise answer.failure.error()
        if answer.text is None:
            raise ProcessingError(f"A text was asked for, and its answer in {self.model} is none.")
        return answer.text

    def _answer(self, call: Call) -> Answer:
        return self._letters().take(redacted_request(request_of(call))).answer

    def _ended(self, answer: Answer, turn: ModelTurn | None) -> ModelTurn:
        if answer.failure is not None:
            raise answer.failure.error()
        if turn is None:
            problem = f"The reader of this stream left it here when {self.model} was recorded, so its end is not there."
            raise StreamInterruptedError(problem, provider="replay")
        return turn

    @property
    def _header(self) -> Header:
        return self._letters().header

    def _letters(self) -> _Letters:
        # Copies share the list, so that all of them go on in one file.
        with self._lock:
            if not self._opened:
                self._opened.append(_Letters(self.model))
            return self._opened[0]


def replay(path: str | Path) -> Replay:
    """A generator that answers from a file which `record` wrote; see `Replay`."""
    return Replay(model=str(path))


def _compared(letter: Letter) -> dict[str, Any]:
    # What a hand has changed is spelled as a request is.
    return redacted_request(letter.request.model_dump())


def _words_of(request: Mapping[str, Any]) -> str:
    """A part of what was said last."""
    said = request["said"]
    text = said if isinstance(said, str) else Message.model_validate(said[-1]).content if said else ""
    return repr(f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text)


def _fresh(turn: ModelTurn) -> ModelTurn:
    """The turn with a message of its own, since what is read from a file twice would have one uuid."""
    return replace(turn, message=turn.message.clone())
