"""A request as data that is equal for equal requests: without uuids, times, marks and names that mean nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from rigging_py.error import InvalidGeneratorError
from rigging_py.generator.base import Generator
from rigging_py.generator.policies.base import Call, leaves
from rigging_py.message import GenerateParams, Message

_NOT_ASKED = {"api_base", "timeout", "output", "extra"}
"""What of the parameters says where and how long, and what is put in by itself."""


def request_of(call: Call) -> dict[str, Any]:
    """The request as JSON-safe data: what is said, and what was asked for. A stream and a whole turn ask the same.

    Calls of tools are named by their order, since some names are made up anew each time.
    """
    said = call.said if isinstance(call.said, str) else _messages(call.said)
    return {"said": said, "params": _params(call.params)}


def names_of(generator: Generator) -> list[str]:
    """The connection strings of those that may be asked in the end, without keys and parameters; they do not change."""
    return [_name(leaf) for leaf, _ in leaves(generator)]


def askees(generator: Generator, params: GenerateParams, names: Sequence[str]) -> list[dict[str, Any]]:
    """Who may be asked in the end, under the `names_of` them: the address and the parameters of each."""
    return [
        {"generator": name, "api_base": merged.api_base, "params": _params(merged)}
        for name, (_, merged) in zip(names, leaves(generator, params), strict=True)
    ]


def digest(value: object) -> str:
    """The SHA-256 of JSON-safe data, as hexadecimal digits; the order of names in a mapping means nothing."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _name(generator: Generator) -> str:
    plain = generator.model_copy(update={"params": GenerateParams()})
    try:
        return plain.to_identifier()
    except InvalidGeneratorError:  # a class of the program's that has no name among the providers
        name = f"{type(generator).__module__}.{type(generator).__qualname__}!{generator.model}"
        settings = plain.model_dump(
            mode="json", exclude={"model"}, exclude_defaults=True, fallback=repr, serialize_as_any=True
        )
        return f"{name},settings={digest(settings)}" if settings else name


def _params(params: GenerateParams) -> dict[str, Any]:
    given = params.model_dump(mode="json", exclude=_NOT_ASKED, exclude_none=True)
    if params.extra:
        given["extra"] = to_jsonable_python(params.extra, fallback=repr)
    if params.output is not None:
        given["output"] = to_jsonable_python(params.output, fallback=repr)
    return given


def _messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    return [_message(message, names) for message in messages]


def _message(message: Message, names: dict[str, str]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "role": message.role,
        "content": [
            part.model_dump(mode="json", exclude={"cache_control"}, exclude_none=True) for part in message.content_parts
        ],
    }
    if message.tool_calls:
        spec["tool_calls"] = [
            {"id": _named(names, call.id), "name": call.name, "arguments": call.arguments}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        spec["tool_call_id"] = _named(names, message.tool_call_id)
    if message.metadata.get("error"):
        spec["is_error"] = True  # some APIs say so of a tool's result
    return spec


def _named(names: dict[str, str], name: str) -> str:
    return names.setdefault(name, f"call_{len(names) + 1}")
