"""Tests reach loopback only, whichever client of Python's they use."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable

import aiohttp
import pytest

from tests.house.loopback import NetworkRefusedInTestsError, is_loopback

OUTSIDE = "192.0.2.1"  # TEST-NET-1: nobody lives there
REFUSED = pytest.raises(NetworkRefusedInTestsError, match="loopback only")


def test_our_own_door_is_told_and_so_are_the_processes_that_tests_start() -> None:
    assert os.environ["RIGGING_PY_LOOPBACK_ONLY"] == "1"
    script = "import os; print(os.environ['RIGGING_PY_LOOPBACK_ONLY'])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "1\n"


@pytest.mark.parametrize("host", [OUTSIDE, "10.0.0.1", "2001:db8::1", "pypi.org", b"pypi.org", "localhost.pypi.org"])
def test_other_machines_are_no_loopback(host: str | bytes) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", b"localhost", "0.0.0.0", "", None])
def test_this_machine_is(host: str | bytes | None) -> None:
    assert is_loopback(host)


LOOKUPS: list[Callable[[], object]] = [
    lambda: socket.getaddrinfo("pypi.org", 443),
    lambda: socket.getaddrinfo(b"pypi.org", 443),
    lambda: socket.gethostbyname("pypi.org"),
    lambda: socket.gethostbyname_ex("pypi.org"),
    lambda: socket.gethostbyaddr(OUTSIDE),
    lambda: socket.getnameinfo((OUTSIDE, 80), 0),
    lambda: socket.create_connection(("pypi.org", 443)),
]


@pytest.mark.parametrize("look_up", LOOKUPS)
def test_names_are_not_looked_up(look_up: Callable[[], object]) -> None:
    with REFUSED:
        look_up()


STREAMS: list[Callable[[socket.socket], object]] = [
    lambda sock: sock.connect((OUTSIDE, 80)),
    lambda sock: sock.connect_ex((OUTSIDE, 80)),
]


@pytest.mark.parametrize("connect", STREAMS)
def test_raw_sockets_do_not_connect(connect: Callable[[socket.socket], object]) -> None:
    with socket.socket() as sock, REFUSED:
        connect(sock)


def test_raw_sockets_of_version_6_do_not_connect() -> None:
    with socket.socket(socket.AF_INET6) as sock, REFUSED:
        sock.connect(("2001:db8::1", 80))


DATAGRAMS: list[Callable[[socket.socket], object]] = [
    lambda sock: sock.sendto(b"hello", (OUTSIDE, 53)),
    lambda sock: sock.sendmsg([b"hello"], [], 0, (OUTSIDE, 53)),
    lambda sock: sock.connect((OUTSIDE, 53)),
]


@pytest.mark.parametrize("send", DATAGRAMS)
def test_datagrams_are_not_sent(send: Callable[[socket.socket], object]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, REFUSED:
        send(sock)


@pytest.mark.parametrize("host", [OUTSIDE, "pypi.org"])
async def test_asyncio_does_not_connect(host: str) -> None:
    with REFUSED:
        await asyncio.open_connection(host, 80)


@pytest.mark.parametrize("host", [OUTSIDE, "pypi.org"])
def test_urllib_does_not_connect(host: str) -> None:
    with REFUSED:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{host}/", timeout=5)


@pytest.mark.parametrize("host", [OUTSIDE, "pypi.org"])
async def test_aiohttp_does_not_connect(host: str) -> None:
    async with aiohttp.ClientSession() as session:
        with REFUSED:
            await session.get(f"http://{host}/")


async def test_loopback_is_reached() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as reply:
        assert await reply.text() == "hi"


def test_sockets_of_this_machine_are_reached() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"hi")
        assert other.recv(2) == b"hi"
