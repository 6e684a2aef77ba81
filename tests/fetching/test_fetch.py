"""The guarded door fetches from the web, and from nowhere else unless that is allowed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rigging_py.error import FetchRefusedError, NetworkRefusedError, ServerFaultError, TimedOutError
from rigging_py.fetching import fetch, fetch_audio, fetch_file, fetch_image

OURS = ["site.test"]
PIXEL = b"\x89PNG\r\n\x1a\n"


class Site(BaseHTTPRequestHandler):
    """A few pages; it keeps the hosts that it was asked as."""

    hosts: list[str]

    def do_GET(self) -> None:
        type(self).hosts.append(self.headers["host"])
        match self.path:
            case "/pixel.png":
                self.page(PIXEL, "image/png; charset=binary")
            case "/away":
                self.page(b"", status=302, location="http://10.0.0.1/secret")
            case "/here":
                self.page(b"", status=307, location="/pixel.png")
            case "/round":
                self.page(b"", status=301, location="/round")
            case "/nowhere":
                self.page(b"", status=302, location="http://[")
            case "/noise":
                self.page(b"", status=302, location="\xff\xfe")
            case "/large":
                self.page(b"x" * 5000)
            case "/unsaid":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"x" * 5000)
            case "/slow":
                time.sleep(1)
                self.page(b"late")
            case "/sound":
                self.page(b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav")
            case "/papers/my%20paper.pdf":
                self.page(b"%PDF-1.7", "application/pdf")
            case _:
                self.page(b"no", status=404)

    def page(self, body: bytes, kind: str = "text/plain", status: int = 200, location: str = "") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 — its base class names it so


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is what some tests are about."""


@pytest.fixture
def site() -> Iterator[str]:
    Site.hosts = []
    server = Server(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://site.test:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


async def here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_what_is_there_is_fetched_with_its_type(site: str) -> None:
    got = await fetch(f"{site}/pixel.png", resolve=here, allow_private=OURS)
    assert (got.data, got.mimetype, got.url) == (PIXEL, "image/png", f"{site}/pixel.png")


async def test_the_connection_goes_to_the_address_that_was_looked_at(site: str) -> None:
    looked_up: list[str] = []

    async def once(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    await fetch(f"{site}/pixel.png", resolve=once, allow_private=OURS)
    assert looked_up == ["site.test"]
    assert [host.partition(":")[0] for host in Site.hosts] == ["site.test"]


@pytest.mark.parametrize(
    "name",
    ["%6cocalhost", "ｌocalhost", "lo\u00adcalhost", "１27.0.0.1", "127.1", "0x7f.1", "2130706433", "ß.localhost"],
)
async def test_a_host_is_looked_up_under_the_name_that_the_client_reads(site: str, name: str) -> None:
    looked_up: list[str] = []

    async def elsewhere(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1" if host in ("localhost", "xn--zca.localhost") else "8.8.8.8"]

    with pytest.raises(FetchRefusedError, match="no public address"):
        await fetch(f"{site}/pixel.png".replace("site.test", name), resolve=elsewhere)
    assert looked_up in ([], ["localhost"], ["xn--zca.localhost"])
    assert Site.hosts == []


@pytest.mark.parametrize("name", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
async def test_this_machine_is_not_the_web(site: str, name: str) -> None:
    with pytest.raises((FetchRefusedError, NetworkRefusedError)):
        await fetch(f"{site}/pixel.png".replace("site.test", name))
    assert Site.hosts == []


async def test_a_host_that_is_allowed_is_that_host_alone(site: str) -> None:
    url = f"{site}/pixel.png"
    assert (await fetch(url, resolve=here, allow_private="site.test")).data == PIXEL
    with pytest.raises(FetchRefusedError):
        await fetch(url, resolve=here, allow_private="my.site.test.example")
    with pytest.raises(TypeError, match="names hosts"):
        await fetch(url, resolve=here, allow_private=True)  # type: ignore[arg-type]  # pyright: ignore


async def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    async def both(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8", "169.254.169.254"]

    with pytest.raises(FetchRefusedError, match=r"169\.254\.169\.254"):
        await fetch("http://metadata.test/", resolve=both)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://site.test/",
        "http:///nowhere",
        "http://user:secret@site.test/",
        "http://site.test\\@127.0.0.1/",
        "http://site.test/a b",
        "http://[::1",
        "http://site.test:99999/",
    ],
)
async def test_an_odd_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(FetchRefusedError) as raised:
        await fetch(url, resolve=here)
    assert "secret" not in str(raised.value)


async def test_a_redirect_is_followed_within_bounds(site: str) -> None:
    assert (await fetch(f"{site}/here", resolve=here, allow_private=OURS)).data == PIXEL
    with pytest.raises(FetchRefusedError, match="redirects more than 3"):
        await fetch(f"{site}/round", resolve=here, allow_private=OURS)


async def test_a_redirect_leads_to_no_private_network(site: str) -> None:
    with pytest.raises(FetchRefusedError, match=r"10\.0\.0\.1 is at 10\.0\.0\.1"):
        await fetch(f"{site}/away", resolve=here, allow_private=OURS)
    assert len(Site.hosts) == 1


async def test_a_redirect_to_no_address_is_refused(site: str) -> None:
    with pytest.raises(FetchRefusedError, match="redirects to what is no address"):
        await fetch(f"{site}/nowhere", resolve=here, allow_private=OURS)
    with pytest.raises(ServerFaultError, match="status 302"):
        await fetch(f"{site}/noise", resolve=here, allow_private=OURS)


@pytest.mark.parametrize("page", ["large", "unsaid"])
async def test_no_more_is_read_than_asked_for(site: str, page: str) -> None:
    with pytest.raises(FetchRefusedError, match="larger than 4096"):
        await fetch(f"{site}/{page}", resolve=here, allow_private=OURS, max_bytes=4096)


async def test_nothing_is_waited_for_longer_than_asked_for(site: str) -> None:
    with pytest.raises(TimedOutError, match=r"0\.2 seconds"):
        await fetch(f"{site}/slow", resolve=here, allow_private=OURS, timeout=0.2)


async def test_what_is_not_there_says_its_status(site: str) -> None:
    with pytest.raises(ServerFaultError, match="404"):
        await fetch(f"{site}/nothing", resolve=here, allow_private=OURS)


async def test_images_sound_and_files_become_parts_that_travel_inline(site: str) -> None:
    image = await fetch_image(f"{site}/pixel.png", resolve=here, allow_private=OURS)
    sound = await fetch_audio(f"{site}/sound", resolve=here, allow_private=OURS)
    paper = await fetch_file(f"{site}/papers/my%20paper.pdf", resolve=here, allow_private=OURS)
    assert image.to_bytes() == PIXEL
    assert sound.input_audio.format == "wav"
    assert (paper.file.filename, paper.to_bytes()) == ("my paper.pdf", b"%PDF-1.7")


async def test_a_page_is_no_image(site: str) -> None:
    with pytest.raises(FetchRefusedError, match="text/plain"):
        await fetch_image(f"{site}/large", resolve=here, allow_private=OURS)
