"""Streamed replies of Anthropic's messages API: events in, deltas out, the whole turn last. Sans-IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from rigging_py.message import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from rigging_py.parsing.untyped import as_list, as_mapping, as_object
from rigging_py.wire.anthropic.blocks import THINKING, Block
from rigging_py.wire.anthropic.reply import read_block, read_call, read_turn
from rigging_py.wire.failures import stream_failure
from rigging_py.wire.unread import cut_off, unreadable

_PIECES = {
    "text_delta": ("text", "text"),
    "thinking_delta": (THINKING, THINKING),
    "signature_delta": (THINKING, "signature"),
    "input_json_delta": ("", "partial_json"),
}
"""What kind of block a piece begins where nothing else did, and what it is called."""


@dataclass(slots=True)
class _Growing:
    """A block as far as it has come: its beginning, and the pieces of its texts by their names."""

    block: Block
    call: int | None = None
    """Which call it is, as in the deltas."""
    pieces: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @property
    def kind(self) -> object:
        """What it is a block of."""
        return self.block.get("type")

    @property
    def whole(self) -> Block:
        """The block with its pieces."""
        texts = {name: "".join(pieces) for name, pieces in self.pieces.items()}
        given = texts.pop("partial_json", "")
        block = {**self.block, **{name: f"{self.block.get(name) or ''}{text}" for name, text in texts.items()}}
        return {**block, "input": given if self.call is not None else _parsed(given)} if given else block


@dataclass
class MessagesStream:
    """Puts the events of a streamed reply together: feed them in order, then ask for the ending.

    The answer is whole with its stop reason; `message_stop` after it adds nothing and may be missing.
    """

    provider: str = ""
    secret: str | None = field(default=None, repr=False)
    """What must not be shown of an event that cannot be read."""
    origin: str = ""
    """The name under which the reasoning is kept."""
    is_done: bool = False
    """Whether the server said that nothing more comes."""
    _facts: dict[str, Any] = field(default_factory=dict[str, Any])
    """What is said of the message besides its content."""
    _usage: dict[str, Any] = field(default_factory=dict[str, Any])
    _blocks: list[_Growing] = field(default_factory=list[_Growing])
    _places: dict[int, _Growing] = field(default_factory=dict[int, _Growing])
    """The blocks by the server's index, where it gives one."""

    @property
    def is_complete(self) -> bool:
        """Whether the stop reason has come."""
        return bool(self._facts.get("stop_reason"))

    def feed(self, chunk: object) -> list[Delta]:
        """What an event adds; one of a kind that is not known adds nothing.

        Raises `InvalidError` for what is no event, and the `ProviderError` that an error stands for.
        """
        event = as_object(chunk)
        if event is not None and (event.get("error") or event.get("type") == "error"):
            raise stream_failure(self.provider, chunk, secret=self.secret)
        try:
            return self._fed(event)
        except ValueError as error:
            problem = f"is no event of Anthropic's messages API: {error}"
            raise unreadable(self.provider, self.secret, problem, chunk) from None

    def ending(self) -> list[Delta]:
        """What the end adds, the whole turn last. Raises `StreamInterruptedError` where the stop reason is missing."""
        if not self.is_complete:
            raise cut_off(self.provider, "stop reason")
        body = {**self._facts, "content": [one.whole for one in self._blocks], "usage": self._usage or None}
        try:
            return [*self._bare(), read_turn(body, self.origin)]
        except ValueError as error:
            problem = f"was the last of no message of Anthropic's API: {error}"
            raise unreadable(self.provider, self.secret, problem, "") from None

    def _bare(self) -> list[Delta]:
        """The arguments of calls that came without any piece of them."""
        bare = [one for one in self._blocks if one.call is not None and "partial_json" not in one.pieces]
        return [ToolCallDelta(one.call or 0, arguments=read_call(one.block).arguments) for one in bare]

    def _fed(self, event: dict[str, Any] | None) -> list[Delta]:
        if event is None:
            raise ValueError("it is not a JSON object")
        match event.get("type"):
            case "message_start":
                message = _object(event, "message")
                self._learn(message, message.get("usage"))
                return [delta for block in as_list(self._facts.pop("content", None)) for delta in self._begun(block)]
            case "content_block_start":
                return self._begun(event.get("content_block"), event.get("index"))
            case "content_block_delta":
                return self._grown(_object(event, "delta"), event.get("index"))
            case "message_delta":
                self._learn(_object(event, "delta"), event.get("usage"))
            case "message_stop":
                self.is_done = True
            case _:
                """A ping, the end of a block, or something new."""
        return []

    def _learn(self, facts: Mapping[str, Any], usage: object) -> None:
        self._facts.update({name: value for name, value in facts.items() if value is not None})
        # Counts only grow, and some servers tell one of them at the beginning or at the end alone.
        told = as_mapping(usage).items()
        self._usage.update({name: count for name, count in told if count or name not in self._usage})

    def _begun(self, raw: object, index: object = None) -> list[Delta]:
        """A new block, which some servers begin with the whole of it."""
        block = read_block(raw)
        kind = block["type"]
        first = block[kind] if kind in ("text", THINKING) else ""
        growing = _Growing({**block, kind: ""} if first else block)
        if kind == "tool_use":
            growing.call = sum(one.call is not None for one in self._blocks)
        self._blocks.append(growing)
        if isinstance(index, int):
            self._places[index] = growing
        if growing.call is None:
            return self._added(growing, kind, first)
        call = read_call(block)
        return [ToolCallDelta(growing.call, call.id, call.name)]

    def _grown(self, delta: Mapping[str, Any], index: object) -> list[Delta]:
        kind = delta.get("type")
        if kind == "citations_delta":
            growing = self._block(index, "text")
            growing.block["citations"] = [*as_list(growing.block.get("citations")), delta.get("citation")]
        if not isinstance(kind, str) or kind not in _PIECES:
            return []
        begins, name = _PIECES[kind]
        piece = delta.get(name)
        if not isinstance(piece, str):
            raise ValueError(f"its {name} is no text")
        growing = self._block(index, begins)
        if name == begins != growing.kind:
            raise ValueError(f"its {name} is for a block of another kind")
        return self._added(growing, name, piece)

    def _block(self, index: object, begins: str) -> _Growing:
        """The block that a piece belongs to: the last one where it does not say."""
        growing = self._places.get(index) if isinstance(index, int) else next(reversed(self._blocks), None)
        if growing is not None:
            return growing
        if not begins:
            raise ValueError("it is a piece of no block")
        self._begun({"type": begins, begins: ""}, index)
        return self._blocks[-1]

    def _added(self, growing: _Growing, name: str, piece: str) -> list[Delta]:
        """What a piece adds to a block."""
        if not piece:
            return []
        gap = self._gap(growing) if name == "text" else ""
        growing.pieces.setdefault(name, []).append(piece)
        if name == "text":
            return [TextDelta(gap + piece)]
        if name == THINKING:
            return [ReasoningDelta(piece)]
        is_argument = name == "partial_json" and growing.call is not None
        return [ToolCallDelta(growing.call or 0, arguments=piece)] if is_argument else []

    def _gap(self, growing: _Growing) -> str:
        """The line end that stands between two texts with something else between them."""
        if growing.pieces:
            return ""
        before = [one for one in self._blocks if one is not growing and one.call is None]
        while before and before[-1].kind == "text":
            if before.pop().pieces:
                return ""
        texts = [str(one.whole["text"]) for one in before if one.kind == "text"]
        return "\n" if "".join(texts).strip() else ""


def _object(event: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = as_object(event.get(name))
    if value is None:
        raise ValueError(f"its {name} is no object")
    return value


def _parsed(text: str) -> object:
    """What the provider's own tool was given."""
    try:
        return from_json(text)
    except ValueError:
        return text
