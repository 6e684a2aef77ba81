"""The client against servers of the official SDK: over every transport, page by page, and until nothing is left."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import mcp_types
import pytest
from mcp.server import MCPServer, Server, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp_types import AudioContent, BlobResourceContents, EmbeddedResource, ImageContent, TextContent

import rigging_py as rg
from rigging_py.error import NetworkRefusedError, ToolFailedError, ToolServerError, ToolWarning
from tests.tools.calls import call, executed
from tests.tools.mcp_servers import PIXEL, giving, in_memory, official, served

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sse() -> Generator[int]:
    with served("sse") as port:
        yield port


@pytest.fixture(scope="module")
def http() -> Generator[int]:
    with served("http") as port:
        yield port


def process(**options: Any) -> rg.MCPClient:
    return rg.mcp("stdio", command=sys.executable, args=["-m", "tests.tools.mcp_servers", "stdio"], cwd=ROOT, **options)


@pytest.fixture(params=["stdio", "sse", "streamable-http"])
def client(request: pytest.FixtureRequest) -> rg.MCPClient:
    match request.param:
        case "sse":
            port = request.getfixturevalue("sse")
            return rg.mcp("sse", url=f"http://127.0.0.1:{port}/sse", headers={"x-demo": "hi"})
        case "streamable-http":
            port = request.getfixturevalue("http")
            return rg.mcp("streamable-http", url=f"http://127.0.0.1:{port}/mcp", headers={"x-demo": "hi"})
        case _:
            return process()


def named(client: rg.MCPClient, name: str) -> rg.Tool[..., Any]:
    return next(tool for tool in client.tools if tool.name == name)


def established_to(port: int) -> int:
    """How many connections to a port of this machine are open."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_model_uses_the_tools_of_a_server_over_every_transport(client: rg.MCPClient) -> None:
    before = asyncio.all_tasks()
    async with client:
        assert client.name == "demo"
        model = rg.scripted([call("add", {"x": 2, "y": 3}), call("fail", {"why": "no & no"}, "c2")], "done")
        chat = await model.chat("hi").using(*client.tools).run()
        assert [one.content for one in chat.all if one.role == "tool"] == [
            "5",
            '<error type="ToolFailedError">Error executing tool fail: no &amp; no</error>',
        ]
        [definition] = [one for one in model.heard[0].params.tools or () if one.function.name == "add"]
        assert definition.function.description == "Adds two numbers."
        assert definition.function.parameters == named(client, "add").parameters_schema
        assert [str(one.uri) for one in await client.resources()] == ["demo://greeting"]
        assert [str(one) for one in await client.read_resource("demo://greeting")] == ["hello"]
        assert [one.name for one in await client.prompts()] == ["review"]
        [asked] = await client.get_prompt("review", {"code": "x = 1"})
        assert (asked.role, asked.content) == ("user", "Review x = 1.")
    assert asyncio.all_tasks() == before


async def test_headers_are_sent_and_no_connection_is_left(http: int, sse: int) -> None:
    for client, port in [
        (rg.mcp("streamable-http", url=f"http://127.0.0.1:{http}/mcp", headers={"x-demo": "hi"}), http),
        (rg.mcp("sse", url=f"http://127.0.0.1:{sse}/sse", headers={"x-demo": "hi"}), sse),
    ]:
        async with client:
            assert await named(client, "header")() == "hi"
            assert established_to(port)
        assert established_to(port) == 0


async def test_a_process_is_gone_when_the_client_is_left() -> None:
    async with process() as client:
        pid = int(await named(client, "pid")())
        assert is_alive(pid)
    assert not is_alive(pid)


async def test_an_error_inside_passes_through_and_nothing_is_left() -> None:
    before = asyncio.all_tasks()
    pids: list[int] = []

    async def run() -> None:
        async with process() as client:
            pids.append(int(await named(client, "pid")()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run()
    assert not is_alive(pids[0])
    assert asyncio.all_tasks() == before


async def test_a_run_that_is_cancelled_in_the_middle_of_a_call_leaves_nothing() -> None:
    before, called = asyncio.all_tasks(), asyncio.Event()
    pids: list[int] = []

    async def run() -> None:
        async with process() as client:
            pids.append(int(await named(client, "pid")()))
            called.set()
            await named(client, "wait")()

    task = asyncio.create_task(run())
    await called.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_alive(pids[0])
    assert asyncio.all_tasks() == before


async def test_cancelling_while_the_server_starts_leaves_nothing() -> None:
    before = asyncio.all_tasks()
    silent = rg.mcp("stdio", command=sys.executable, args=["-c", "import time; time.sleep(60)"])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(silent.__aenter__(), 0.2)
    assert asyncio.all_tasks() == before


async def test_a_call_that_takes_too_long_is_given_up_and_the_next_one_works() -> None:
    async with in_memory(official()) as client:
        slow = named(client, "wait").with_(timeout=0.01)
        assert "took longer" in (await executed(slow)).content
        assert (await executed(named(client, "add"), {"x": 1})).content == "2"


async def test_a_server_that_dies_is_told_and_leaves_nothing() -> None:
    before = asyncio.all_tasks()
    async with process() as client:
        for name in ("die", "pid"):
            died = await executed(named(client, name))
            assert died.error
            assert "closed the connection" in died.content
        with pytest.raises(ToolServerError, match="Enter the client again"):
            await client.prompts()
    assert asyncio.all_tasks() == before


async def test_tasks_of_a_gather_share_a_client_and_one_may_leave_it() -> None:
    client = in_memory(official())
    before = asyncio.all_tasks()
    await asyncio.create_task(client.__aenter__())
    sums = await asyncio.gather(*[named(client, "add")(x=n) for n in range(20)])
    assert sums == [str(n + 1) for n in range(20)]
    await asyncio.create_task(client.__aexit__(None, None, None))
    assert asyncio.all_tasks() == before


def test_a_client_can_be_used_under_one_event_loop_after_the_other() -> None:
    client = process()

    async def use() -> str:
        async with client:
            return str(await named(client, "add")(x=1))

    assert [asyncio.run(use()), asyncio.run(use())] == ["2", "2"]


def test_a_tool_whose_client_was_left_says_so_in_another_event_loop() -> None:
    async def enter() -> rg.Tool[..., Any]:
        client = in_memory(official())
        await client.__aenter__()
        return named(client, "add")

    tool = asyncio.run(enter())
    result = asyncio.run(executed(tool, {"x": 1}))
    assert result.error
    assert "no longer connected" in str(result.content)


async def test_a_tool_works_in_another_event_loop_while_its_own_runs() -> None:
    async with in_memory(official()) as client:
        tool = named(client, "add")
        assert await asyncio.to_thread(lambda: asyncio.run(executed(tool, {"x": 1})).content) == "2"


def paged(pages: list[list[str]], *, again: bool = False) -> Server[Any]:
    async def list_tools(_: object, params: mcp_types.PaginatedRequestParams | None) -> mcp_types.ListToolsResult:
        page = int(params.cursor or 0) if params else 0
        tools = [mcp_types.Tool(name=name, input_schema={"type": "object"}) for name in pages[page]]
        more = str(page + 1) if page + 1 < len(pages) else str(page) if again else None
        return mcp_types.ListToolsResult(tools=tools, next_cursor=more)

    async def list_resources(
        _: object, params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListResourcesResult:
        page = int(params.cursor or 0) if params else 0
        more = str(page + 1) if page + 1 < len(pages) else None
        found = [mcp_types.Resource(name=name, uri=f"demo://{name}") for name in pages[page]]
        return mcp_types.ListResourcesResult(resources=found, next_cursor=more)

    async def list_prompts(_: object, params: mcp_types.PaginatedRequestParams | None) -> mcp_types.ListPromptsResult:
        page = int(params.cursor or 0) if params else 0
        more = str(page + 1) if page + 1 < len(pages) else None
        return mcp_types.ListPromptsResult(
            prompts=[mcp_types.Prompt(name=name) for name in pages[page]], next_cursor=more
        )

    return Server("paged", on_list_tools=list_tools, on_list_resources=list_resources, on_list_prompts=list_prompts)


async def test_every_page_is_read() -> None:
    async with in_memory(paged([["a", "b"], ["c"], [], ["d"]])) as client:
        assert [tool.name for tool in client.tools] == ["a", "b", "c", "d"]
        assert [one.name for one in await client.resources()] == ["a", "b", "c", "d"]
        assert [one.name for one in await client.prompts()] == ["a", "b", "c", "d"]


async def test_a_server_that_gives_the_same_cursor_for_ever_is_left() -> None:
    async with in_memory(paged([["a"], ["b"]], again=True)) as client:
        assert {tool.name[0] for tool in client.tools} == {"a", "b"}


async def test_a_server_whose_pages_never_end_is_left() -> None:
    async def list_tools(_: object, params: mcp_types.PaginatedRequestParams | None) -> mcp_types.ListToolsResult:
        page = int(params.cursor or 0) if params else 0
        return mcp_types.ListToolsResult(tools=[], next_cursor=str(page + 1))

    with pytest.raises(ToolServerError, match="more than 1,000 pages"):
        async with in_memory(Server("endless", on_list_tools=list_tools)):
            """It is never open."""


async def test_names_that_no_provider_takes_are_mended_and_kept_apart() -> None:
    async with in_memory(paged([["read.file", "read/file", "ä" * 70]])) as client:
        assert [tool.name for tool in client.tools] == ["read_file", "read_file_2", "_" * 64]


async def test_tools_can_be_read_again() -> None:
    server = official()
    async with in_memory(server) as client:
        assert "late" not in [tool.name for tool in client.tools]

        @server.tool()
        def late() -> str:
            return "late"

        assert "late" in [tool.name for tool in await client.refresh()]
        assert "late" in [tool.name for tool in client.tools]


def growing() -> MCPServer[Any]:
    """A server of today that has one tool more after a call, and tells those who asked."""
    server: MCPServer[Any] = MCPServer("growing", log_level="CRITICAL")

    @server.tool()
    async def grow(context: Context[Any, Any]) -> None:
        server.add_tool(lambda: "grown", name="grown")
        await context.notify_tools_changed()

    return server


def growing_long_ago() -> Server[Any]:
    """The same from before clients could ask, when everybody was told."""
    names = ["grow"]

    async def list_tools(_: object, __: object) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(
            tools=[mcp_types.Tool(name=name, input_schema={"type": "object"}) for name in names]
        )

    async def call_tool(context: ServerRequestContext[Any], _: object) -> mcp_types.CallToolResult:
        names.append("grown")
        await context.session.send_tool_list_changed()
        return mcp_types.CallToolResult(content=[])

    return Server("growing", on_list_tools=list_tools, on_call_tool=call_tool)


@pytest.mark.parametrize("is_old", [True, False])
async def test_tools_are_read_again_when_the_server_says_that_they_have_changed(is_old: bool) -> None:
    server = growing_long_ago() if is_old else growing()
    async with in_memory(server, is_old=is_old) as client, asyncio.timeout(20):
        await client.tools[0]()
        while len(client.tools) == 1:  # noqa: ASYNC110 — the server's word comes when it comes
            await asyncio.sleep(0)
        assert [tool.name for tool in client.tools] == ["grow", "grown"]


IMAGE = ImageContent(data=PIXEL, mime_type="image/png")


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ([TextContent(text="one"), TextContent(text="two")], "one\ntwo"),
        ([], ""),
        ([TextContent(text="look"), IMAGE], ["look", "<image data:image/png;base64>"]),
        ([AudioContent(data="AAAA", mime_type="audio/mpeg")], ["<audio mp3>"]),
        ([AudioContent(data="AAAA", mime_type="audio/x-flac")], ["<audio flac>"]),
        (
            [EmbeddedResource(resource=mcp_types.TextResourceContents(uri="demo://a", text="inside"))],
            "inside",
        ),
        (
            [EmbeddedResource(resource=BlobResourceContents(uri="demo://a", mime_type="image/png", blob=PIXEL))],
            ["<image data:image/png;base64>"],
        ),
        (
            [EmbeddedResource(resource=BlobResourceContents(uri="demo://a", mime_type="a/zip", blob="AAAA"))],
            "[resource, a/zip, demo://a: not shown]",
        ),
        ([mcp_types.ResourceLink(name="a file", uri="demo://a")], "a file\ndemo://a"),
        ([ImageContent(data=PIXEL, mime_type="image/png,<b>")], "[image, image/png,<b>: not shown]"),
    ],
)
async def test_content_comes_as_what_it_is(content: list[Any], parts: Any) -> None:
    async with in_memory(giving(*content)) as client:
        given = (await executed(named(client, "give"))).content
        assert (given if isinstance(given, str) else [str(one) for one in given]) == parts


async def test_structured_content_is_json_where_no_text_says_it() -> None:
    async with in_memory(giving(IMAGE, structured_content={"a": 1})) as client:
        given = (await executed(named(client, "give"))).content
        assert [str(one) for one in given] == ["<image data:image/png;base64>", '{"a":1}']
    async with in_memory(giving(TextContent(text="a is 1"), structured_content={"a": 1})) as client:
        assert (await executed(named(client, "give"))).content == "a is 1"


async def test_the_options_of_tools_hold_for_those_of_a_server() -> None:
    async with in_memory(official()) as client:
        fail = named(client, "fail").with_(catch=False, name="must_not_fail")
        with pytest.raises(ToolFailedError, match="no"):
            await executed(fail, {"why": "no"})
    async with in_memory(giving(TextContent(text="x" * 100), IMAGE)) as client:
        given = (await executed(named(client, "give").with_(truncate=10))).content
        assert isinstance(given, tuple)
        text, image = given
        assert len(str(text)) == 10
        assert str(image).startswith("<image")


async def test_arguments_are_checked_by_the_schema_of_the_server() -> None:
    schema = {
        "type": "object",
        "properties": {"day": {"enum": ["mon", "tue"]}, "n": {"$ref": "#/$defs/n"}},
        "required": ["day"],
        "additionalProperties": False,
        "$defs": {"n": {"type": "integer", "minimum": 1}},
    }
    async with in_memory(giving(TextContent(text="ok"), schema=schema)) as client:
        tool = named(client, "give")
        assert tool.parameters_schema == schema
        assert tool.check({"day": "mon", "n": 1}) is None
        assert tool.check({"n": 0, "x": 1}) == (
            "'day' is a required property; Additional properties are not allowed ('x' was unexpected); "
            "n: 0 is less than the minimum of 1"
        )
        model = rg.scripted(call("give", {"day": "sun"}), "done")
        chat = await model.chat("hi").using(*client.tools).run()
        assert chat.messages[-1].content == (
            "The arguments of 'give' are not valid: day: 'sun' is not one of ['mon', 'tue']"
        )


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}},
    ],
)
async def test_a_schema_that_cannot_be_followed_is_left_to_its_server_and_nothing_is_fetched(schema: Any) -> None:
    async with in_memory(giving(TextContent(text="ok"), schema=schema)) as client:
        assert (await executed(named(client, "give"), {"a": 1})).content == "ok"


def bomb(times: int) -> dict[str, Any]:
    """A schema whose references double `times` times."""
    parts: dict[str, Any] = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(times)}
    return {"$defs": {**parts, f"a{times}": {}}, "allOf": [{"$ref": "#/$defs/a0"}]}


SLOW = {"type": "string", "pattern": "^(a+)+$"}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": SLOW}},
        {"properties": {"a": {"$schema": "https://json-schema.org/draft/2020-12/schema", **SLOW}}},
        {"patternProperties": {"^(a|a?)+$": {}}, "additionalProperties": False},
        bomb(40),
        {**bomb(40), "unevaluatedProperties": False},
        {"properties": {"b": {"uniqueItems": True}}},
        {"properties": {"c": {"multipleOf": 1e-320}}},
    ],
)
async def test_no_schema_keeps_the_check_of_arguments_busy(schema: Any) -> None:
    async with in_memory(giving(TextContent(text="ok"), schema={"type": "object", **schema})) as client:
        tool = named(client, "give")
        begun = time.process_time()
        assert tool.check({"a": "a" * 60 + "!", "b": [{"n": n} for n in range(2000)], "c": 10**400}) is None
        assert time.process_time() - begun < 5


@pytest.mark.parametrize("part", [{"properties": {"a": {"type": 7}}}, {"$schema": "http://[::1"}])
@pytest.mark.filterwarnings("default")
async def test_a_tool_without_a_schema_of_an_object_is_left_out_with_a_warning(part: dict[str, Any]) -> None:
    client = in_memory(giving(TextContent(text="ok"), schema={"type": "object", **part}))
    with pytest.warns(ToolWarning, match="'give' have no valid JSON schema"):
        async with client:
            assert client.tools == []


async def test_a_server_that_never_answers_is_given_up() -> None:
    before = asyncio.all_tasks()
    client = rg.mcp("stdio", command=sys.executable, args=["-c", "import time; time.sleep(60)"], init_timeout=0.2)
    with pytest.raises(ToolServerError, match=r"not ready in 0\.2 s\. Raise init_timeout"):
        await client.__aenter__()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (rg.mcp("stdio", command="no-such-program", args=["--key=hush"], env={"K": "hush"}), "could not be started"),
        (rg.mcp("sse", url="http://u:hush@127.0.0.1:9/sse?key=hush", headers={"k": "hush"}), "could not be reached"),
        (
            rg.mcp("streamable-http", url="http://u:hush@127.0.0.1:9/mcp?key=hush", headers={"k": "hush"}),
            "could not be reached",
        ),
    ],
)
async def test_a_server_that_cannot_be_reached_says_which_and_no_secrets(client: rg.MCPClient, said: str) -> None:
    with pytest.raises(ToolServerError, match=said) as caught:
        await client.__aenter__()
    error = caught.value
    shown = "".join(map(str, (error, repr(error), repr(client), vars(client), error.__cause__, error.__context__)))
    assert "hush" not in shown


async def test_where_only_this_machine_is_allowed_no_other_is_dialed() -> None:
    with pytest.raises(NetworkRefusedError) as caught:
        await rg.mcp("sse", url="http://203.0.113.7/sse?key=hush").__aenter__()
    assert "hush" not in str(caught.value)


async def test_the_environment_of_a_process_is_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_SECRET", "ours")
    async with process(env={"DEMO_SECRET": "theirs"}) as client:
        assert await named(client, "secret")() == "theirs"
    async with process() as client:
        assert await named(client, "secret")() == "none"


def test_a_client_that_is_not_entered_says_so() -> None:
    client = rg.mcp("stdio", command="anything")
    with pytest.raises(ToolServerError, match="inside of `async with`"):
        _ = client.tools


async def test_a_client_is_entered_once_at_a_time() -> None:
    async with in_memory(official()) as client:
        with pytest.raises(ToolServerError, match="connected already"):
            await client.__aenter__()
        assert client.tools


def test_a_transport_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=re.escape("'carrier-pigeon'. Known: stdio, sse, streamable-http")):
        rg.mcp("carrier-pigeon", url="http://127.0.0.1")  # type: ignore[call-overload]  # pyright: ignore
