"""About how many tokens a call takes, guessed before it is made: there is no tokenizer for most models."""

from __future__ import annotations

from pydantic_core import to_json

from rigging_py.generator.base import Generator
from rigging_py.generator.policies.base import Call, leaves

_BYTES_A_TOKEN = 4
"""Of English prose; in other scripts characters have more bytes, and take more tokens too."""


def size_of(text: str) -> int:
    """The bytes of a text, also of one with half a character in it."""
    return len(text.encode(errors="replace"))


def tokens_in(size: int) -> int:
    """The tokens of a text of so many bytes."""
    return -(-size // _BYTES_A_TOKEN)


def read_by(call: Call) -> int:
    """Tokens that a call likely reads: of its text, of its calls and of its tools."""
    if isinstance(call.said, str):
        return tokens_in(size_of(call.said))
    said = sum(size_of(message.content) for message in call.said)
    calls = sum(size_of(one.arguments) for message in call.said for one in message.tool_calls or ())
    tools = len(to_json(call.params.tools)) if call.params.tools else 0
    return tokens_in(said + calls + tools)


def written_by(call: Call, generator: Generator) -> int:
    """The most tokens that any of those inside may write; 0 where nothing limits them."""
    return max((params.max_tokens or 0 for _, params in leaves(generator, call.params)), default=0)
