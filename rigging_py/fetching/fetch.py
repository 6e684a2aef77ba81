"""The one guarded door by which data is fetched from an address that a conversation, and not the program, named."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict
from urllib.parse import urljoin, urlsplit

from rigging_py.error import FetchRefusedError, ServerFaultError, TimedOutError
from rigging_py.fetching.addresses import is_public
from rigging_py.generator.ending import let_threads_finish
from rigging_py.generator.network import refuse_outside
from rigging_py.message import without_user
from rigging_py.util.waiting import heeding

if TYPE_CHECKING:
    from pyreqwest.client import Client
    from pyreqwest.exceptions import PyreqwestError
    from pyreqwest.response import Response

MAX_BYTES = 20 * 1024 * 1024
TIMEOUT = 30.0
MAX_REDIRECTS = 3
_SCHEMES = ("http", "https")
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_REDIRECTS = (301, 302, 303, 307, 308)

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a host's name."""


class FetchRules(TypedDict, total=False):
    """The options of `fetch`."""

    max_bytes: int
    timeout: float
    max_redirects: int
    allow_private: Collection[str]
    resolve: Resolve


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was there: the bytes, their type without parameters (empty where it is not said), and the last address."""

    data: bytes
    mimetype: str
    url: str


async def addresses_of(host: str, port: int) -> Sequence[str]:
    """The addresses that the system has for a name. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def fetch(
    url: str,
    *,
    max_bytes: int = MAX_BYTES,
    timeout: float = TIMEOUT,  # noqa: ASYNC109 — it is part of what is asked for, and covers redirects too
    max_redirects: int = MAX_REDIRECTS,
    allow_private: Collection[str] | str = (),
    resolve: Resolve = addresses_of,
) -> Fetched:
    """What is at a web address, at most `max_bytes` of it, in at most `timeout` seconds.

    Every address that the name has must be public, also after each redirect, and the connection goes to the address
    that was looked at, past any proxy. `allow_private` names hosts that may be elsewhere, for servers of one's own.
    Raises `FetchRefusedError`, `TimedOutError`, or `ServerFaultError` when nothing can be had.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _followed(url, _Rules(max_bytes, max_redirects, _hosts(allow_private), resolve))
    except TimeoutError:
        raise TimedOutError(f"{without_user(url)!r} was not read in {timeout:g} seconds.", provider="the web") from None


def _hosts(given: Collection[str] | str) -> Collection[str]:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Collection):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"allow_private names hosts, as in ['intranet.example']; not {given!r}.")
    return given


@dataclass(frozen=True, slots=True)
class _Rules:
    max_bytes: int
    max_redirects: int
    allow_private: Collection[str]
    resolve: Resolve


async def _followed(url: str, rules: _Rules) -> Fetched:
    seen = url
    for _ in range(rules.max_redirects + 1):
        got = await _once(seen, rules)
        if isinstance(got, Fetched):
            return got
        if seen.startswith("https:") and got.startswith("http:"):
            raise _refused(got, "a redirect leads from https to http")
        seen = got
    raise _refused(url, f"it redirects more than {rules.max_redirects} times")


async def _once(url: str, rules: _Rules) -> Fetched | str:
    """What is at an address, or the address that it redirects to."""
    from pyreqwest.client import ClientBuilder
    from pyreqwest.exceptions import PyreqwestError

    host, port = _checked(url)
    if rules.resolve is addresses_of:
        # Looking a name up leaves the machine too.
        refuse_outside(url)
    address = await _pinned(url, host, port, rules)
    refuse_outside(f"http://[{address}]" if ":" in address else f"http://{address}")
    let_threads_finish()
    builder = ClientBuilder().follow_redirects(False).no_proxy().gzip(False).brotli(False).zstd(False).deflate(False)
    async with builder.resolve(host, address, port).build() as client:
        try:
            return await _read(client, url, rules)
        except PyreqwestError as error:
            raise ServerFaultError(f"{url!r} could not be read: {_cause(error)}.", provider="the web") from None


def _checked(url: str) -> tuple[str, int]:
    """The host and the port, as the client will read them: what it takes for another name it would look up itself."""
    from pyreqwest.http import Url

    if _ODD.search(url):
        raise _refused(url, "it holds blanks, control characters or a backslash")
    try:
        parts, read = urlsplit(url), Url(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise _refused(url, f"it is no address, {error}") from None
    host, port = (read.host_str or "").strip("[]"), read.port_or_known_default
    if parts.scheme not in _SCHEMES or read.scheme not in _SCHEMES:
        raise _refused(url, "only http and https addresses are fetched")
    if not (is_whole and host and port):
        raise _refused(url, "it names no host")
    if "@" in parts.netloc:
        raise _refused(url, "it holds a user's name or password")
    return host, port


async def _pinned(url: str, host: str, port: int, rules: _Rules) -> str:
    """The address to connect to; the others must be public too, or looking again could give one that is not."""
    try:
        found = [str(ipaddress.ip_address(host))]
    except ValueError:
        try:
            found = list(await rules.resolve(host, port))
        except OSError as error:
            raise ServerFaultError(f"{url!r} could not be looked up: {error}.", provider="the web") from None
    if not found:
        raise ServerFaultError(f"{url!r} could not be looked up: the name has no address.", provider="the web")
    private = [one for one in found if not is_public(ipaddress.ip_address(one.partition("%")[0]))]
    if private and host not in rules.allow_private:
        raise _refused(url, f"{host} is at {private[0]}, which is no public address")
    return found[0]


async def _read(client: Client, url: str, rules: _Rules) -> Fetched | str:
    request = client.get(url).header("accept-encoding", "identity").streamed_read_buffer_limit(0)
    opened = request.build_streamed()
    response: Response = await heeding(opened.__aenter__())
    try:
        return await _answer(response, url, rules)
    finally:
        await opened.__aexit__(None, None, None)


async def _answer(response: Response, url: str, rules: _Rules) -> Fetched | str:
    location = _header(response, "location")
    if response.status in _REDIRECTS and location:
        return _joined(url, location)
    if response.status != 200:
        raise ServerFaultError(
            f"{url!r} answered with status {response.status}.", provider="the web", status=response.status
        )
    mimetype = _header(response, "content-type").partition(";")[0].strip().lower()
    return Fetched(await _body(response, url, rules.max_bytes), mimetype, url)


async def _body(response: Response, url: str, most: int) -> bytes:
    too_much = _refused(url, f"it is larger than {most} bytes")
    said = _header(response, "content-length")
    if said.isdecimal() and int(said) > most:
        raise too_much
    data = bytearray()
    reader: Any = response.body_reader
    while (chunk := await heeding(reader.read_chunk())) is not None:
        data += chunk
        if len(data) > most:
            raise too_much
    return bytes(data)


def _header(response: Response, name: str) -> str:
    try:
        return response.get_header(name) or ""
    except ValueError:  # bytes that are no text
        return ""


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _refused(url, f"it redirects to what is no address, {error}") from None


def _refused(url: str, problem: str) -> FetchRefusedError:
    return FetchRefusedError(without_user(url), problem)


def _cause(error: PyreqwestError) -> str:
    details: dict[str, Any] = getattr(error, "details", None) or {}
    causes: list[dict[str, str]] = details.get("causes") or []
    return causes[-1]["message"] if causes else type(error).__name__
