"""The functions of a Robopages server, here a stub that speaks its protocol on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import NetworkRefusedError, ToolServerError
from tests.tools.calls import call, executed


def described(name: str, *parameters: str) -> dict[str, Any]:
    properties = {one: {"type": "string", "description": f"the {one}"} for one in parameters}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"type": "function", "function": {"name": name, "description": f"Does {name}.", "parameters": schema}}


LISTING = [described("nmap_scan", "target", "ports"), described("http_get", "url"), described("idle")]


class Stub(BaseHTTPRequestHandler):
    asked: list[Any]
    listing: Any = LISTING

    def do_GET(self) -> None:
        self.answer(200, json.dumps(self.listing) if self.path == "/" else "nope")

    def do_POST(self) -> None:
        calls = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, calls))
        name = calls[0]["function"]["name"]
        if name == "idle":
            self.answer(400, "error executing call: <no container>")
        elif name == "http_get":
            self.answer(500, "down")
        else:
            self.answer(200, json.dumps([{"role": "tool", "call_id": None, "content": "22/tcp open"}]))

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 — the base class calls it so


@pytest.fixture
def stub() -> Generator[tuple[str, type[Stub]]]:
    kind = type("Own", (Stub,), {"asked": []})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kind
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_model_uses_the_functions_of_a_server(stub: tuple[str, type[Stub]]) -> None:
    url, server = stub
    tools = rg.robopages(url)
    assert [tool.name for tool in tools] == ["nmap_scan", "http_get", "idle"]
    assert tools[0].description == "Does nmap_scan."
    assert tools[0].parameters_schema == LISTING[0]["function"]["parameters"]
    model = rg.scripted(call("nmap_scan", {"target": "localhost", "ports": "22"}), "done")
    chat = await model.chat("hi").using(*tools).run()
    assert chat.messages[-1].content == "22/tcp open"
    function = {"name": "nmap_scan", "arguments": {"target": "localhost", "ports": "22"}}
    assert server.asked == [("/process", [{"type": "function", "function": function}])]


async def test_arguments_are_sent_as_text_which_is_all_that_the_server_takes(stub: tuple[str, type[Stub]]) -> None:
    url, server = stub
    [tool] = rg.robopages(url, name_filter="^nmap")
    await tool(target="localhost", ports=[22, 80])
    assert server.asked[0][1][0]["function"]["arguments"] == {"target": "localhost", "ports": "[22,80]"}


def test_the_filter_is_searched_for_in_the_names(stub: tuple[str, type[Stub]]) -> None:
    assert [tool.name for tool in rg.robopages(stub[0], name_filter="get|scan$")] == ["nmap_scan", "http_get"]


async def test_a_call_that_fails_on_the_server_is_told(stub: tuple[str, type[Stub]]) -> None:
    _, get, idle = rg.robopages(stub[0])
    failed = await executed(idle)
    assert failed.content == ('<error type="ToolFailedError">error executing call: &lt;no container&gt;</error>')
    broken = await executed(get, {"url": "http://127.0.0.1"})
    assert broken.error
    assert "gave no result of 'http_get', but the status 500" in str(broken.content)


@pytest.mark.parametrize("listing", [{"not": "a list"}, [{"function": {}}]])
def test_a_server_of_something_else_is_told(stub: tuple[str, type[Stub]], listing: Any) -> None:
    stub[1].listing = listing
    with pytest.raises(ToolServerError, match="lists no functions"):
        rg.robopages(stub[0])


@pytest.mark.parametrize("user", ["user:hush", "user:p@hush"])
def test_a_server_that_is_not_there_is_told_without_secrets(user: str) -> None:
    with pytest.raises(ToolServerError, match="could not be reached") as caught:
        rg.robopages(f"http://{user}@127.0.0.1:9/?key=hush")
    assert "hush" not in f"{caught.value!r}{caught.value.__cause__}"


def test_no_other_machine_is_asked_where_only_this_one_is_allowed() -> None:
    for url in ("http://203.0.113.7/", "http://203.0.113.7?key=hush@127.0.0.1/", "http://user:hush@[203.0.113.7"):
        with pytest.raises(NetworkRefusedError) as caught:
            rg.robopages(url)
        assert "hush" not in str(caught.value)
