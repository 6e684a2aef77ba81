"""Our tools as a server, heard by the client of the official SDK: the schemas, results and errors are ours."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
import uvicorn
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp_types import AudioContent, ImageContent, ResourceLink, TextContent
from pydantic import Field

import rigging_py as rg
from rigging_py.error import ToolDefinitionError
from rigging_py.message import Audio
from tests.tools.mcp_servers import PIXEL, in_memory, official

ROOT = Path(__file__).parents[2]


@rg.tool(truncate=20)
def repeat(text: Annotated[str, "what to say"], times: Annotated[int, Field(ge=1)] = 2) -> str:
    """Says something
    several times."""
    return text * times


def halve(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is <odd>")
    return number // 2


@contextmanager
def serving(app: Any) -> Generator[int]:
    """A server over HTTP in a thread; gives its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)


async def text_of(client: Client, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
    result = await client.call_tool(name, arguments)
    return "".join(one.text for one in result.content if isinstance(one, TextContent)), result.is_error


async def assert_serves(client: Client) -> None:
    listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert listed["repeat"].input_schema == repeat.parameters_schema
    assert listed["repeat"].description == "Says something several times."
    assert await text_of(client, "repeat", {"text": "ab"}) == ("abab", False)
    said, _ = await text_of(client, "repeat", {"text": "ab", "times": 100})
    assert len(said) == 20


async def test_the_client_of_the_sdk_uses_our_tools_over_standard_input_and_output() -> None:
    code = "import rigging_py as rg; from tests.tools.test_mcp_server import repeat; rg.as_mcp(repeat).run()"
    async with Client(StdioServerParameters(command=sys.executable, args=["-c", code], cwd=ROOT)) as client:
        await assert_serves(client)


@pytest.mark.parametrize("kind", ["sse", "streamable-http"])
async def test_the_client_of_the_sdk_uses_our_tools_over_http(kind: str) -> None:
    server = rg.as_mcp(repeat)
    with serving(server.sse_app() if kind == "sse" else server.streamable_http_app()) as port:
        address = f"http://127.0.0.1:{port}"
        async with Client(sse_client(f"{address}/sse") if kind == "sse" else f"{address}/mcp") as client:
            await assert_serves(client)


async def test_what_a_tool_catches_is_told_and_what_it_does_not_is_kept() -> None:
    tools = [rg.tool(halve), rg.tool(halve).with_(name="strict", catch=False)]
    async with Client(rg.as_mcp(tools)) as client:
        assert await text_of(client, "halve", {"number": 4}) == ("2", False)
        assert await text_of(client, "halve", {"number": 3}) == (
            '<error type="ValueError">3 is &lt;odd&gt;</error>',
            True,
        )
        assert await text_of(client, "strict", {"number": 3}) == ("The tool 'strict' could not be executed.", True)
        said, is_error = await text_of(client, "halve", {"number": "many"})
        assert said.startswith("The arguments of 'halve' are not valid: number: Input should be a valid integer")
        assert is_error


async def test_images_and_sound_are_sent_as_what_they_are() -> None:
    def look() -> list[Any]:
        return [
            rg.ContentText(text="look"),
            rg.ContentImageUrl.from_url(f"data:image/png;name=dot;base64,{PIXEL}"),
            rg.ContentImageUrl.from_url("https://example.com/a.png"),
            rg.ContentAudioInput(input_audio=Audio(data="AAAA", format="mp3")),
            rg.ContentAudioInput(input_audio=Audio(data="AAAA", format="m4a")),
        ]

    async with Client(rg.as_mcp(look)) as client:
        text, image, link, *sounds = (await client.call_tool("look", {})).content
    assert isinstance(text, TextContent)
    assert isinstance(image, ImageContent)
    assert (image.data, image.mime_type) == (PIXEL, "image/png")
    assert isinstance(link, ResourceLink)
    assert [one.mime_type for one in sounds if isinstance(one, AudioContent)] == ["audio/mpeg", "audio/mp4"]


async def test_tools_of_another_server_are_offered_again() -> None:
    async with in_memory(official()) as other, Client(rg.as_mcp(other.tools, name="again")) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert listed["add"].input_schema == {tool.name: tool for tool in other.tools}["add"].parameters_schema
        assert await text_of(client, "add", {"x": 2}) == ("3", False)


async def test_prompts_are_tools_of_a_server_too() -> None:
    @rg.prompt(generator=rg.scripted("<str>Hello Ada</str>"))
    async def greet(name: str) -> str:
        """Greet somebody."""

    async with Client(rg.as_mcp(greet)) as client:
        assert await text_of(client, "greet", {"name": "Ada"}) == ("Hello Ada", False)


async def test_the_context_is_given_by_the_program() -> None:
    def whose(context: rg.ToolContext[str]) -> str:
        return context.value

    async with Client(rg.as_mcp(whose, context="ours")) as client:
        assert await text_of(client, "whose", {}) == ("ours", False)
    with pytest.raises(TypeError, match="takes a ToolContext"):
        rg.as_mcp(whose)


def test_a_tool_that_needs_an_approval_is_not_offered() -> None:
    with pytest.raises(ToolDefinitionError, match="needs an approval"):
        rg.as_mcp(rg.tool(needs_approval=True)(halve))


async def test_tools_can_be_added_as_to_any_server() -> None:
    server = rg.as_mcp(repeat)

    @server.tool()
    def other() -> str:
        return "other"

    async with Client(server) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["repeat", "other"]
        assert await text_of(client, "other", {}) == ("other", False)


def test_without_the_extra_its_name_is_told() -> None:
    code = (
        "import sys; sys.modules['mcp'] = None\n"
        "import rigging_py as rg\n"
        "for make in (lambda: rg.mcp('stdio', command='x'), rg.as_mcp):\n"
        "    try: make()\n"
        "    except rg.error.MissingExtraError as error: print(error.extra)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["mcp", "mcp"]


def test_importing_the_tools_imports_neither_mcp_nor_jsonschema() -> None:
    code = "import sys, rigging_py as rg; rg.mcp, rg.robopages; print({'mcp', 'jsonschema', 'httpx2'} & {*sys.modules})"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
