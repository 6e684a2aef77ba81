"""The request of Anthropic's messages API: conversations and parameters to dicts. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from rigging_py.message import GenerateParams, Message, ToolDefinition
from rigging_py.parsing import JsonShape
from rigging_py.parsing.untyped import as_list
from rigging_py.wire.anthropic.blocks import Block, apart, blocks_of, shortened
from rigging_py.wire.tool_use import chosen
from rigging_py.wire.unsupported import warn_unsupported

MOST_TOKENS: tuple[tuple[str, int], ...] = (
    ("claude-3-7", 64_000),
    ("claude-3-5", 8_192),
    ("claude-3", 4_096),
    ("claude-opus-4-0", 32_000),
    ("claude-opus-4-1", 32_000),
    ("claude-opus-4-2", 32_000),
    ("claude", 64_000),
)
"""How many tokens an answer may have where nobody says, by the first of these that the model's name holds."""
_MOST_OF_OTHERS = 4_096

_API = "Anthropic's messages API"
_SENT_AS_THEY_ARE = ("temperature", "top_k", "top_p")
_NOT_TAKEN = ("seed", "presence_penalty", "frequency_penalty", "modalities", "audio")
_CHOICES = {"auto": "auto", "required": "any", "any": "any", "none": "none"}
_OPENING = "(begin)"
"""What the user says where nobody of ours speaks first, which the API does not take."""


def messages_request(
    model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False, origin: str = ""
) -> dict[str, Any]:
    """The body of a request. `origin` is who is asked, to whom goes back what reasoning came under this name.

    What the API does not take is left out with a `GeneratorWarning`; see `blocks_of` for what cannot be.
    """
    system, turns = _conversation(messages, origin)
    request: dict[str, Any] = {"model": model, "max_tokens": _most_tokens(model, params), "messages": turns}
    if system:
        request["system"] = shortened(system)
    given = params.given()
    request.update({name: given[name] for name in _SENT_AS_THEY_ARE if name in given})
    if stops := [stop for stop in params.stop or () if stop.strip()]:
        request["stop_sequences"] = stops
    left_out = [name for name in _NOT_TAKEN if name in given]
    warn_unsupported(_API, [*left_out, *(["stop of white space alone"] if stops != (params.stop or []) else [])])
    extra = dict(params.extra)
    request.update(_tools(params, extra.pop("tools", ()), turns))
    if isinstance(params.output, JsonShape):
        asked = {"type": "json_schema", "schema": params.output.schema}
        request["output_config"] = {"format": asked, **extra.pop("output_config", {})}
    if stream:
        request["stream"] = True
    return {**request, **extra}


def _most_tokens(model: str, params: GenerateParams) -> int:
    if params.max_tokens is not None:
        return params.max_tokens
    return next((most for name, most in MOST_TOKENS if name in model), _MOST_OF_OTHERS)


# The conversation.


def _conversation(messages: Sequence[Message], origin: str) -> tuple[list[Block], list[Block]]:
    """What the system and the developer say, wherever they do, and the turns of the user and of the assistant."""
    placed = [(_speaker(message), block) for message in messages for block in blocks_of(message, origin)]
    system = [block for speaker, block in placed if speaker == "system"]
    said = [(speaker, block) for speaker, block in placed if speaker != "system"]
    if not said or said[0][0] == "assistant":
        said.insert(0, ("user", {"type": "text", "text": _OPENING}))
    turns = [(speaker, [block for _, block in group]) for speaker, group in groupby(said, itemgetter(0))]
    last, blocks = turns[-1]
    if last == "assistant" and blocks[-1]["type"] == "text":
        # What the model is to go on with is refused with white space at its end.
        blocks[-1] = {**blocks[-1], "text": blocks[-1]["text"].rstrip()}
    return apart(system), [{"role": speaker, "content": shortened(_ordered(blocks))} for speaker, blocks in turns]


def _speaker(message: Message) -> str:
    if message.role in ("system", "developer"):
        return "system"
    return "assistant" if message.role == "assistant" else "user"


def _ordered(blocks: list[Block]) -> list[Block]:
    """The blocks of a turn, results first, as the API wants them."""
    return apart(sorted(blocks, key=lambda block: block["type"] != "tool_result"))


# Tools.


def _tools(params: GenerateParams, others: Sequence[Any], turns: Sequence[Block]) -> dict[str, Any]:
    """The tools, the provider's own from `extra` too, and which are to be called."""
    tools = [*map(_tool, params.tools or ()), *others]
    if tools:
        choice = _choice(params)
        return {"tools": tools, "tool_choice": choice} if choice else {"tools": tools}
    # Calls and results are refused where no tools are, even when none is to be called again.
    blocks = [block for turn in turns for block in as_list(turn["content"])]
    called = dict.fromkeys(block["name"] for block in blocks if block["type"] == "tool_use")
    past = [{"name": name, "input_schema": {"type": "object"}} for name in called]
    return {"tools": past, "tool_choice": {"type": "none"}} if past else {}


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function = tool.function
    about = {"description": function.description} if function.description else {}
    schema = function.parameters or {"type": "object", "properties": {}}
    return {"name": function.name, **about, "input_schema": schema}


def _choice(params: GenerateParams) -> dict[str, Any] | None:
    choice = None if params.tool_choice is None else _as_choice(chosen(params.tool_choice))
    if params.parallel_tool_calls is None or (choice and choice.get("type") == "none"):
        return choice
    return {"type": "auto", **(choice or {}), "disable_parallel_tool_use": not params.parallel_tool_calls}


def _as_choice(choice: str | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(choice, str):
        return dict(choice)
    return {"type": _CHOICES[choice]} if choice in _CHOICES else {"type": "tool", "name": choice}
