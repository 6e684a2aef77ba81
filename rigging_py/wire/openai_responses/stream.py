"""The OpenAI responses wire as a stream: events to deltas and a turn. No I/O.

The final record of an answer is `response.completed` or `response.incomplete`, which holds the whole response again.
Servers that leave its output out have said it in events before, so then it is put together from those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rigging_py.error import ProviderError
from rigging_py.message import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from rigging_py.parsing.untyped import as_object
from rigging_py.wire.failures import stream_failure
from rigging_py.wire.openai_responses.reply import (
    BETWEEN_THOUGHTS,
    arguments_of,
    id_of,
    response_failure,
    responses_turn,
    text_of,
    thought_of,
)
from rigging_py.wire.unread import cut_off, unreadable

_FINAL = ("response.completed", "response.incomplete")
_BROKEN_OFF = ("response.failed", "response.cancelled")
_BEGUN = ("response.created", "response.queued", "response.in_progress")
_ADDED, _DONE = "response.output_item.added", "response.output_item.done"
_KINDS = {
    "response.output_text.delta": "message",
    "response.refusal.delta": "message",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
    "response.function_call_arguments.delta": "function_call",
}
"""Of what kind of item each delta is."""


@dataclass(eq=False, slots=True)
class _Item:
    """An item of the output as far as it has come."""

    given: dict[str, Any]
    """As the server last gave it."""
    pieces: list[str] = field(default_factory=list[str])
    """What came of its text, its thought or its arguments: of the one that an item of its kind has."""
    part: object = None
    """Which part of its thought the last piece was of."""
    call: int | None = None
    """Which of the calls it is, once its name was told."""
    is_done: bool = False

    @property
    def kind(self) -> object:
        return self.given.get("type")

    @property
    def whole(self) -> dict[str, Any]:
        """The item, put together from its pieces where its end did not come."""
        said = "".join(self.pieces)
        if self.is_done or not said:
            return self.given
        put_together: dict[object, dict[str, Any]] = {
            "message": {"content": said},
            "reasoning": {"summary": [{"type": "summary_text", "text": said}]},
            "function_call": {"arguments": said},
        }
        return {**self.given, **put_together[self.kind]}

    def rest(self) -> str:
        """What the item as it was given says after the pieces; nothing where it does not begin with them."""
        whole, said = _said(self.given), "".join(self.pieces)
        return whole[len(said) :] if whole.startswith(said) else ""


@dataclass
class ResponsesStream:
    """Puts the events of a streamed response together: feed them in order, then ask for the ending."""

    provider: str = ""
    secret: str | None = field(default=None, repr=False)
    """What must not be shown of an event that cannot be read."""
    origin: str = ""
    """The name under which the model's own items are kept."""
    is_done: bool = False
    """Whether nothing more comes."""
    is_complete: bool = False
    """Whether the final record has come."""
    _response: dict[str, Any] = field(default_factory=dict[str, Any])
    """The response without its output, which the final record may hold or not."""
    _items: list[_Item] = field(default_factory=list[_Item])
    _known: dict[object, _Item] = field(default_factory=dict[object, _Item])
    """By id and by place, whichever the server tells."""
    _calls: int = 0
    _speaking: _Item | None = None
    """The message that the last text was of."""
    _thinking: _Item | None = None
    """The item that the last thought was of."""

    def feed(self, chunk: object) -> list[Delta]:
        """What an event adds.

        Raises `InvalidError` for what is no event, and the `ProviderError` that an error in its place stands for.
        """
        try:
            return self._read(as_object(chunk))
        except ProviderError:
            raise
        except ValueError as error:
            raise unreadable(self.provider, self.secret, f"is no event of a response: {error}", chunk) from None

    def ending(self) -> list[Delta]:
        """The whole turn. Raises `StreamInterruptedError` where the final record is missing."""
        if not self.is_complete:
            raise cut_off(self.provider, "final record")
        output = self._response.get("output") or [item.whole for item in self._items]
        response = {**self._response, "output": output}
        return [responses_turn(response, provider=self.provider, secret=self.secret, origin=self.origin)]

    def _read(self, event: Mapping[str, Any] | None) -> list[Delta]:
        if event is None:
            raise ValueError("it is not a JSON object")
        kind = event.get("type")
        if kind == "error" or event.get("error"):
            raise stream_failure(self.provider, event, secret=self.secret)
        if not isinstance(kind, str):
            raise ValueError("it has no type")
        if kind in _KINDS:
            return self._add(event, kind)
        if kind in (_ADDED, _DONE):
            return self._take(event, is_done=kind == _DONE)
        if kind in (*_BEGUN, *_FINAL, *_BROKEN_OFF):
            self._hear_of(event.get("response") or {}, kind)
        return []

    def _hear_of(self, given: object, kind: str) -> None:
        """What is said of the response as a whole."""
        response = as_object(given)
        if response is None:
            raise ValueError("its response is no object")
        if kind in _BROKEN_OFF:
            raise response_failure(response, self.provider, self.secret)
        if kind in _FINAL:
            self.is_complete = self.is_done = True
            response = {**response, "status": response.get("status") or kind.removeprefix("response.")}
        self._response.update(response)

    def _take(self, event: Mapping[str, Any], *, is_done: bool) -> list[Delta]:
        """An item as it begins or, whole, as it ends."""
        given = as_object(event.get("item"))
        if given is None:
            raise ValueError("it holds no item")
        names = [*_names(event), *_names(given)]
        item = self._find(names, given.get("type")) if is_done else None
        if item is None:
            item = self._begin(given, names)
        item.given, item.is_done = given, is_done
        match item.kind:
            case "message":
                return self._say(item, item.rest())
            case "reasoning":
                return self._think(item, item.rest(), item.part)
            case "function_call":
                # Without arguments the turn has those of nothing; while it begins it is not known whether any come.
                return self._call(item, item.rest() or ("{}" if is_done and not any(item.pieces) else ""))
            case _:
                return []

    def _add(self, event: Mapping[str, Any], name: str) -> list[Delta]:
        """A piece of an item."""
        kind, piece = _KINDS[name], event.get("delta") or ""
        if not isinstance(piece, str):
            raise ValueError("its delta is no text")
        names = _names(event)
        last = self._items[-1] if self._items and self._items[-1].kind == kind else None
        item = self._find(names, kind) or last or self._begin({"type": kind}, names)
        match kind:
            case "message":
                return self._say(item, piece)
            case "reasoning":
                return self._think(item, piece, (name, event.get("summary_index"), event.get("content_index")))
            case _:
                return self._call(item, piece)

    def _find(self, names: Iterable[object], kind: object) -> _Item | None:
        known = (self._known.get(name) for name in names)
        return next((item for item in known if item is not None and item.kind == kind), None)

    def _begin(self, given: dict[str, Any], names: Iterable[object]) -> _Item:
        item = _Item(given)
        self._items.append(item)
        self._known.update(dict.fromkeys(names, item))
        return item

    def _say(self, item: _Item, piece: str) -> list[Delta]:
        if not piece:
            return []
        # As the parts of a message are joined in its content.
        gap = "\n" if self._speaking not in (None, item) else ""
        self._speaking = item
        item.pieces.append(piece)
        return [TextDelta(gap + piece)]

    def _think(self, item: _Item, piece: str, part: object) -> list[Delta]:
        if not piece:
            return []
        gap = BETWEEN_THOUGHTS if item.pieces and part != item.part else ""
        before = BETWEEN_THOUGHTS if self._thinking not in (None, item) else ""
        self._thinking, item.part = item, part
        item.pieces.append(gap + piece)
        return [ReasoningDelta(before + gap + piece)]

    def _call(self, item: _Item, piece: str) -> list[Delta]:
        item.pieces.append(piece)
        if item.call is not None:
            return [ToolCallDelta(item.call, arguments=piece)] if piece else []
        item.call, self._calls = self._calls, self._calls + 1
        return [ToolCallDelta(item.call, id_of(item.given), str(item.given.get("name") or ""), piece)]


def _said(item: Mapping[str, Any]) -> str:
    match item.get("type"):
        case "message":
            return text_of(item)
        case "reasoning":
            return thought_of(item)
        case _:
            return arguments_of(item) if item.get("arguments") else ""


def _names(given: Mapping[str, Any]) -> list[object]:
    """What an item is known by, the surest first: servers without places have ids, and some change these."""
    ids = [name for key in ("item_id", "id", "call_id") if isinstance(name := given.get(key), str) and name]
    place = given.get("output_index")
    return [*ids, place] if isinstance(place, int) else [*ids]
