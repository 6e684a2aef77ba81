"""`robopages`: the functions of a Robopages server as tools."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from rigging_py.error import ToolFailedError, ToolServerError
from rigging_py.generator.ending import let_threads_finish
from rigging_py.generator.network import is_loopback_only, refuse_outside, shown_address
from rigging_py.message import ToolDefinition
from rigging_py.tools.json_schema import schema_arguments
from rigging_py.tools.tool import Tool
from rigging_py.util.waiting import heeding

if TYPE_CHECKING:
    from pyreqwest.client import BaseClientBuilder
    from typing_extensions import Buffer

B = TypeVar("B", bound="BaseClientBuilder")
_ASKED = timedelta(seconds=30)
_CALLED = timedelta(minutes=30)
"""Functions scan networks and build containers; a tool's `timeout` cuts them sooner."""
_BODY_MAX = 64 * 1024 * 1024
"""Bytes of an answer."""

_DEFINITIONS = TypeAdapter(list[ToolDefinition])


class _Answer(BaseModel):
    content: str


_ANSWERS = TypeAdapter(list[_Answer])


def robopages(url: str, *, name_filter: str | None = None) -> list[Tool[..., Any]]:
    """The tools of the server at `url`, or those of them whose name has a match of the regular expression.

    Asks the server at once and waits for it, 30 s at most, so call it before an event loop runs or in a thread of its
    own. Raises `ToolServerError` for a server that cannot be reached, or that lists no functions.
    """
    wanted = re.compile(name_filter or "")
    found = [one.function for one in _listed(url) if wanted.search(one.function.name)]
    return [_tool(url, one.name, one.description or "", one.parameters or _NOTHING) for one in found]


_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


def _listed(url: str) -> list[ToolDefinition]:
    from pyreqwest.client import SyncClientBuilder
    from pyreqwest.exceptions import PyreqwestError

    refuse_outside(url)
    try:
        with (
            _plain(SyncClientBuilder()).timeout(_ASKED).build() as client,
            client.get(url).streamed_read_buffer_limit(0).build_streamed() as response,
        ):
            status, body = response.status, _bounded(url, response.body_reader.read(_BODY_MAX + 1))
    except (PyreqwestError, ValueError) as error:
        raise _lost(url, error) from None
    if status != 200:
        raise ToolServerError(shown_address(url), f"answered with the status {status}. Check the address.")
    try:
        return _DEFINITIONS.validate_json(body)
    except ValidationError:
        raise ToolServerError(shown_address(url), "lists no functions. Check that it is a Robopages server.") from None


def _tool(url: str, name: str, description: str, schema: dict[str, Any]) -> Tool[..., Any]:
    async def call(**arguments: Any) -> str:
        return await _processed(url, name, arguments)

    return Tool(name, description, call, schema_arguments(name, schema))


async def _processed(url: str, name: str, arguments: dict[str, Any]) -> str:
    from pyreqwest.client import ClientBuilder
    from pyreqwest.exceptions import PyreqwestError

    refuse_outside(url)
    # The server takes nothing but text.
    texts = {key: value if isinstance(value, str) else to_json(value).decode() for key, value in arguments.items()}
    call = {"type": "function", "function": {"name": name, "arguments": texts}}
    try:
        async with _plain(ClientBuilder()).timeout(_CALLED).build() as client:
            asked = client.post(f"{url.rstrip('/')}/process").body_json([call]).streamed_read_buffer_limit(0)
            opened = asked.build_streamed()
            response = await heeding(opened.__aenter__())
            try:
                body = await heeding(response.body_reader.read(_BODY_MAX + 1))
            finally:
                await opened.__aexit__(None, None, None)
            status, text = response.status, _bounded(url, body).decode(errors="replace")
    except (PyreqwestError, ValueError) as error:
        raise _lost(url, error) from None
    if status == 400:  # how the server says that a call failed
        raise ToolFailedError(text)
    try:
        [answer] = _ANSWERS.validate_json(text)
    except ValueError:
        problem = f"gave no result of {name!r}, but the status {status}. Check its log."
        raise ToolServerError(shown_address(url), problem) from None
    return answer.content


def _bounded(url: str, body: Buffer | None) -> bytes:
    read = bytes(body or b"")
    if len(read) > _BODY_MAX:
        raise ToolServerError(shown_address(url), f"answered with more than {_BODY_MAX:,} bytes.")
    return read


def _plain(builder: B) -> B:
    let_threads_finish()
    builder = builder.follow_redirects(False)
    return builder.no_proxy() if is_loopback_only() else builder


def _lost(url: str, error: Exception) -> ToolServerError:
    # What the client says may hold the whole address.
    problem = f"could not be reached ({type(error).__name__}). Check the address, and that a server listens there."
    return ToolServerError(shown_address(url), problem)
